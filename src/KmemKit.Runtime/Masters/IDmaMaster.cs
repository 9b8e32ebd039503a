using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Masters;

/// <summary>A device that reads and writes memory by itself: registers for software, a port to memory, an interrupt line, and work that takes time.</summary>
/// <remarks>
/// Time is virtual: nothing happens but in <see cref="Advance"/>, so a run is the same every time. One thread at a time, but that registers may be written from the handler
/// of <see cref="InterruptRaised"/>.
/// </remarks>
public interface IDmaMaster : IBusDevice
{
    /// <summary>As reports show it.</summary>
    string Name { get; }

    /// <summary>What it accesses memory through.</summary>
    IDmaPort Port { get; }

    /// <summary>The interrupt line: some cause is set and enabled.</summary>
    bool InterruptLine { get; }

    /// <summary>Told when the line rises.</summary>
    event Action? InterruptRaised;

    /// <summary>Lets time pass, in which the device works.</summary>
    /// <param name="nanoseconds">Virtual time.</param>
    void Advance(ulong nanoseconds);
}
