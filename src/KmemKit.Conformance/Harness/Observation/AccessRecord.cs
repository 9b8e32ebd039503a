using System.Globalization;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>An access of a CPU.</summary>
/// <param name="Time">Virtual nanoseconds.</param>
/// <param name="Cpu">Number of the CPU.</param>
/// <param name="Access">Read, write or execute.</param>
/// <param name="Address">The first byte; of a fault the first that faulted.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Value">What was read or written: its first 8 bytes, little-endian; 0 for a read that faulted.</param>
/// <param name="Privilege">Who.</param>
/// <param name="Fault">Why it did not happen; null where it did.</param>
public readonly record struct AccessRecord(
    ulong Time, int Cpu, AccessRights Access, VirtAddr Address, int Size, ulong Value, Privilege Privilege, FaultCause? Fault)
{
    /// <summary>A line of a trace.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Time,10} cpu{Cpu} {(Privilege == Privilege.User ? 'u' : 'p')} {Access,-7} {Address} {Size} {(Fault is { } fault ? "fault: " + fault : "0x" + Value.ToString("x", CultureInfo.InvariantCulture))}");
}
