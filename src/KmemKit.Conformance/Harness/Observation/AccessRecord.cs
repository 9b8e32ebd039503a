using System.Globalization;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Smmu;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>An access of a CPU, or of a bus master (<see cref="Dma"/>).</summary>
/// <param name="Time">Virtual nanoseconds.</param>
/// <param name="Cpu">Number of the CPU; -1 of a bus master.</param>
/// <param name="Access">Read, write or execute.</param>
/// <param name="Address">The first byte; of a fault the first that faulted; 0 of a bus master, whose address is in <see cref="Dma"/>.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Value">What was read or written: its first 8 bytes, little-endian; 0 for a read that faulted.</param>
/// <param name="Privilege">Who.</param>
/// <param name="Fault">Why it did not happen; null where it did.</param>
public readonly record struct AccessRecord(
    ulong Time, int Cpu, AccessRights Access, VirtAddr Address, int Size, ulong Value, Privilege Privilege, FaultCause? Fault)
{
    /// <summary>The bus master's side; null for an access of a CPU.</summary>
    public DmaSide? Dma { get; init; }

    /// <summary>A line of a trace.</summary>
    public override string ToString()
    {
        var (who, where, end) = Dma is { } dma
            ? (dma.Master, $"{dma.Bus}{(dma.Memory is { } memory ? $" -> {memory}" : "")}", dma.Outcome == SmmuOutcome.Translated ? null : dma.Outcome.ToString())
            : ($"cpu{Number(Cpu)} {(Privilege == Privilege.User ? 'u' : 'p')}", $"{Address}", Fault is { } fault ? $"fault: {fault}" : null);
        return string.Create(CultureInfo.InvariantCulture, $"{Time,10} {who} {Access,-7} {where} {Size} {end ?? $"0x{Value:x}"}");
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
