using System.Collections.Generic;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Processes;

/// <summary>Numbers of address spaces by generations (arch/arm64/mm/context.c): when they run out, all translations are dropped and numbering starts anew.</summary>
/// <remarks>
/// An address space keeps its number as long as its generation is the current one. At a rollover, those that run on a CPU at the moment keep theirs; every other one gets a new
/// one when it runs next. Number 0 is the kernel's own.
/// </remarks>
internal sealed class AsidAllocator(int bits, ProcessTable table)
{
    private readonly HashSet<ushort> _reserved = [];
    private ushort _next = 1;

    /// <summary>Whether there are numbers at all.</summary>
    public bool HasNumbers => bits > 0;

    /// <summary>The current generation; an address space of an earlier one has no number.</summary>
    public ulong Generation { get; private set; } = 1;

    /// <summary>Times that numbers ran out.</summary>
    public long Rollovers { get; private set; }

    /// <summary>Gives an address space that is about to run a number of the current generation.</summary>
    public void Assign(AddressSpace space)
    {
        if (!HasNumbers || space.AsidGeneration == Generation)
            return;
        while (true)
        {
            while (_next != 0 && _next < 1 << bits)
            {
                var asid = _next++;
                if (_reserved.Contains(asid))
                    continue;
                (space.Tables.Asid, space.AsidGeneration) = (asid, Generation);
                return;
            }
            RollOver();
            // It may have been running elsewhere, and kept its number.
            if (space.AsidGeneration == Generation)
                return;
        }
    }

    private void RollOver()
    {
        var ended = Generation++;
        Rollovers++;
        _next = 1;
        _reserved.Clear();
        foreach (var running in table.Running)
        {
            // The one that is about to run counts as running, but its number may be of an earlier generation, and another's in this one.
            if (running.AsidGeneration < ended)
                continue;
            _reserved.Add(running.Tables.Asid);
            running.AsidGeneration = Generation;
        }
        if (!table.IsLeftOut(FlushPoint.AsidRollover))
            table.Kernel.Tlbs.Invalidate(TlbScope.All with { Globals = false });
    }
}
