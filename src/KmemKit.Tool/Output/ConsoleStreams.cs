using System;
using System.IO;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace KmemKit.Tool.Output;

/// <summary>Where a run writes: standard output as bytes, standard error as text, and whether a person looks at them.</summary>
internal sealed class ConsoleStreams : IDisposable
{
    private static readonly UTF8Encoding _utf8 = new(encoderShouldEmitUTF8Identifier: false);

    private readonly Stream _output;
    private readonly Stream _error;

    public ConsoleStreams(Stream output, Stream error, bool outputIsTerminal = false, bool errorIsTerminal = false)
    {
        _output = output;
        _error = error;
        OutputIsTerminal = outputIsTerminal;
        ErrorIsTerminal = errorIsTerminal;
    }

    public bool OutputIsTerminal { get; }

    public bool ErrorIsTerminal { get; }

    /// <summary>Set when the reader of standard output went away (<c>| head</c>): the rest is not written, and that is no error.</summary>
    public bool OutputClosed { get; private set; }

    /// <summary>The process's own. Colour is left out where NO_COLOR is set (no-color.org) or the terminal is a dumb one.</summary>
    public static ConsoleStreams OfProcess()
    {
        var plain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) || Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        return new ConsoleStreams(
            Open(1, Console.OpenStandardOutput), Open(2, Console.OpenStandardError), !plain && !Console.IsOutputRedirected, !plain && !Console.IsErrorRedirected);
    }

    // The streams of System.Console send a terminal its initialisation sequences before the first byte, which a plain output must not have. A bare handle
    // does not; but of a file that two streams share (>log 2>&1) it would keep a position of its own, so that one overwrites the other.
    private static Stream Open(int descriptor, Func<Stream> openConsole)
    {
        if (OperatingSystem.IsWindows())
            return openConsole();
        try
        {
            var stream = new FileStream(new SafeFileHandle(descriptor, ownsHandle: false), FileAccess.Write, bufferSize: 0);
            if (!stream.CanSeek)
                return stream;
        }
        catch (Exception exception) when (exception is IOException or ArgumentException or UnauthorizedAccessException)
        {
            // Closed, or opened for reading: the console's stream drops what is written then.
        }
        return openConsole();
    }

    public void Write(string text) => Write(_utf8.GetBytes(TerminalSafe.Of(text)));

    /// <summary>Text that is made to hold control sequences (colours).</summary>
    public void WriteRaw(string text) => Write(_utf8.GetBytes(text));

    /// <exception cref="IOException">The output cannot be written, for another reason than a closed pipe.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        if (OutputClosed)
            return;
        try
        {
            _output.Write(bytes);
            _output.Flush();
        }
        catch (IOException exception) when (IsBrokenPipe(exception))
        {
            OutputClosed = true;
        }
    }

    public void WriteErrorLine(string line)
    {
        try
        {
            _error.Write(_utf8.GetBytes(line + "\n"));
            _error.Flush();
        }
        catch (IOException)
        {
            // Nobody is left to tell.
        }
    }

    public void Dispose()
    {
        _output.Dispose();
        _error.Dispose();
    }

    // EPIPE on Unix, ERROR_BROKEN_PIPE and ERROR_NO_DATA on Windows.
    private static bool IsBrokenPipe(IOException exception) => (exception.HResult & 0xffff) is 32 or 109 or 232;
}
