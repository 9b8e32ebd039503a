using System;
using System.Numerics;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma.Ports;

namespace KmemKit.Runtime.Masters.Scanout;

/// <summary>A display controller: reads a frame line by line at the panel's pace, over and over.</summary>
/// <remarks><code>
///  line 0 .. height-1   each: read at its start, has to be there at its end        vsync at line "height":
///  line height ..       blanking: nothing is read                                  base, stride, format of the next frame are taken over
/// </code>
/// The panel does not wait. Pixels that could not be had, or are not there when their line ends, are shown in the underflow colour, the line counts as an underrun, and the next one
/// is tried. What cannot be shown at a takeover (a stride below the line's bytes) keeps the frame before and is an interrupt cause.
/// </remarks>
public sealed partial class FramebufferScanner : DmaMaster
{
    private byte[] _bytes = [];
    private uint[] _back = [];
    private uint[] _front = [];
    private PixelFormat _shownFormat;
    private ulong _shownBase;
    private uint _shownStride;
    private int _line;
    private ulong _time;
    private Access _fetch = Access.Done;
    private int _fetched;

    /// <summary>A display after reset: off.</summary>
    /// <param name="name">As reports show it.</param>
    /// <param name="port">To memory.</param>
    public FramebufferScanner(string name, IDmaPort port)
        : base(name, port)
    {
    }

    /// <summary>The last whole frame, line by line, XRGB8888; empty before the first.</summary>
    public ReadOnlySpan<uint> Screen => _front;

    private protected override void Work(ulong nanoseconds)
    {
        if (!_enabled)
            return;
        if (_fetch == Access.Waits)
            Fetch();
        _time += nanoseconds;
        while (_time >= _lineTime)
        {
            _time -= _lineTime;
            EndLine();
            _line++;
            if (_line == Height)
                EndFrame();
            if (_line == Height + (int)_blankLines)
                _line = 0;
            if (_line < Height)
                BeginLine();
        }
    }

    private void Start()
    {
        var pixels = Width * Height;
        if (_back.Length != pixels)
            (_back, _front) = (new uint[pixels], new uint[pixels]);
        TakeOver();
        (_line, _time) = (0, 0);
        BeginLine();
    }

    private void TakeOver()
    {
        _shownFormat = (PixelFormat)_format;
        (_shownBase, _shownStride) = (_base, _stride);
        if (_bytes.Length < Width * 4)
            _bytes = new byte[Width * 4];
    }

    private int LineBytes => Width * PixelFormats.BytesOf(_shownFormat);

    private BusAddr LineAddress => new(_shownBase + ((ulong)_line * _shownStride));

    private void BeginLine()
    {
        _fetched = 0;
        Fetch();
    }

    private void Fetch()
    {
        // What was read before it had to wait stays.
        _fetch = ReadMemory(LineAddress + (ulong)_fetched, _bytes.AsSpan(_fetched, LineBytes - _fetched), out var done);
        _fetched += done;
        if (_fetch == Access.Faulted)
            _faultAddress = LineAddress.Value + (ulong)_fetched;
    }

    private void EndLine()
    {
        if (_line >= Height)
            return;
        if (_fetch == Access.Waits)
            Fetch();
        var pixels = _back.AsSpan(_line * Width, Width);
        var whole = _fetched / PixelFormats.BytesOf(_shownFormat);
        PixelFormats.Decode(_shownFormat, _bytes, pixels[..whole]);
        if (whole < Width)
        {
            pixels[whole..].Fill(_underflowColour);
            _underruns++;
            Raise((uint)ScanoutInterrupts.Underrun);
        }
        _fetch = Access.Done;
    }

    private void EndFrame()
    {
        (_front, _back) = (_back, _front);
        var crc = uint.MaxValue;
        foreach (var pixel in _front)
            crc = BitOperations.Crc32C(crc, pixel);
        _crc = ~crc;
        _frames++;
        Raise((uint)ScanoutInterrupts.Vsync);
        if (!CanShow())
        {
            Raise((uint)ScanoutInterrupts.BadConfiguration);
            return;
        }
        if (_base != _shownBase)
            Raise((uint)ScanoutInterrupts.Flip);
        TakeOver();
    }
}
