using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Processes;

/// <summary>A signal on its way to the end of the code that raised it.</summary>
public sealed class SignalException : Exception
{
    internal SignalException(SignalInfo info)
        : base(info.ToString()) => Info = info;

    /// <summary>Without facts.</summary>
    public SignalException()
    {
    }

    /// <summary>With a text only.</summary>
    public SignalException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and what caused it.</summary>
    public SignalException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The signal.</summary>
    public SignalInfo Info { get; }
}

/// <summary>Memory as code of a process has it: a fault that cannot be helped ends the code.</summary>
public sealed class ProcessMemory
{
    private readonly int _cpu;

    internal ProcessMemory(Process process, int cpu) => (Process, _cpu) = (process, cpu);

    /// <summary>Whose.</summary>
    public Process Process { get; }

    /// <summary>Reads 1 to 8 bytes.</summary>
    /// <exception cref="SignalException">The access raises a signal.</exception>
    public ulong Load(VirtAddr address, int size) => Process.TryLoad(address, size, out var value, _cpu) is { } signal ? throw new SignalException(signal) : value;

    /// <summary>Writes 1 to 8 bytes.</summary>
    /// <exception cref="SignalException">The access raises a signal.</exception>
    public void Store(VirtAddr address, int size, ulong value)
    {
        if (Process.TryStore(address, size, value, _cpu) is { } signal)
            throw new SignalException(signal);
    }

    /// <summary>Fetches 1 to 8 bytes of instructions.</summary>
    /// <exception cref="SignalException">The access raises a signal.</exception>
    public ulong Fetch(VirtAddr address, int size) => Process.TryFetch(address, size, out var value, _cpu) is { } signal ? throw new SignalException(signal) : value;
}
