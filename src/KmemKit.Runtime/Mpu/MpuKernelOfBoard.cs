using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.Architecture.Mpu;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Mpu;

/// <summary>The kernel of a board that is a type: with an MMU it would be another one, and what only an MMU can do does not compile here.</summary>
/// <typeparam name="TBoard">A board without MMU that has a protection policy.</typeparam>
public sealed class MpuKernel<TBoard> : MpuKernel where TBoard : struct, IProtectedBoard<TBoard>
{
    private MpuKernel(PhysicalMemory memory) : base(TBoard.MpuPlan, memory, TBoard.Name)
    {
    }

    /// <summary>Boots the board.</summary>
    /// <remarks>
    /// RAM is the board's banks, and what its policy grants as Normal memory outside of them: on-chip memory. Devices answer once they are put on the bus
    /// (<see cref="PhysicalMemory.RequestMemRegion"/>).
    /// </remarks>
    /// <exception cref="MpuBootException">Its memory cannot be used so.</exception>
    public static MpuKernel<TBoard> Boot() => Boot(() => PhysicalMemory.Create(Ram()), memory => new MpuKernel<TBoard>(memory));

    private static List<PhysRange> Ram()
    {
        var ranges = new List<PhysRange>();
        foreach (ref readonly var bank in TBoard.Banks)
            ranges.Add(bank.Range);
        foreach (var domain in TBoard.MpuPlan.Domains)
            AddNormal(domain.Entries, ranges);
        AddNormal(TBoard.MpuPlan.Entries, ranges);
        return ranges;
    }

    private static void AddNormal(IEnumerable<BoardProtectionEntry> entries, List<PhysRange> ranges)
    {
        foreach (var entry in entries)
        {
            if (entry.Attributes.IsNormal && (entry.Attributes.Privileged | entry.Attributes.User) != 0)
                ranges.Add(entry.Range);
        }
    }
}
