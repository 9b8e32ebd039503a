using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Runtime.Mpu;

/// <summary>One register that a switch writes.</summary>
/// <param name="Space">Which accesses its region answers.</param>
/// <param name="Region">Number of its region; -1 for a register that all share.</param>
/// <param name="Register">Its name.</param>
/// <param name="Value">What is written.</param>
public readonly record struct MpuWrite(MpuSpace Space, int Region, string Register, ulong Value);

/// <summary>What a switch between two domains writes: the registers that differ, and no other.</summary>
/// <remarks>
/// <para>A region that the next domain has as well, and in the same way, is left alone; of one that it has in another way, the registers that differ are
/// written; one that it does not have is turned off by one register (a PMP entry by its configuration, which is shared), and what its others hold counts as
/// unknown from then on.</para>
/// <para>The unit is off while they are written, so that no half-written region decides; a PMP cannot be off, and does not bind the M-mode that writes it.</para>
/// </remarks>
public sealed class MpuSwitch
{
    private MpuSwitch(MpuRegisterFile to, MpuTable table, ImmutableArray<MpuWrite> writes, int selections)
    {
        Registers = to;
        Table = table;
        Writes = writes;
        Selections = selections;
    }

    /// <summary>The registers, in the order in which they are written.</summary>
    public ImmutableArray<MpuWrite> Writes { get; }

    /// <summary>Writes of the register that selects a region (RNR, RGNR, PRSELR), which come on top; 0 where regions have registers of their own.</summary>
    public int Selections { get; }

    /// <summary>What the unit holds afterwards, regions that are off left out.</summary>
    public MpuRegisterFile Registers { get; }

    internal MpuTable Table { get; }

    internal int[] Slots { get; private set; } = [];

    internal ulong[] Values { get; private set; } = [];

    /// <summary>The switch between two contents of a unit.</summary>
    /// <param name="format">The unit.</param>
    /// <param name="from">What it holds; null for a unit of which nothing is known, whose regions are all to be written.</param>
    /// <param name="to">What it is to hold.</param>
    /// <param name="regions">Regions of each space.</param>
    public static MpuSwitch Between(MpuFormat format, MpuRegisterFile? from, MpuRegisterFile to, int regions)
    {
        var writes = ImmutableArray.CreateBuilder<MpuWrite>();
        var selected = 0;
        foreach (var space in format.Spaces)
        {
            for (var number = 0; number < regions; number++)
            {
                var before = writes.Count;
                AddRegion(format, from is null ? null : Find(from, space, number), Find(to, space, number), from is null, space, number, writes);
                selected += writes.Count > before ? 1 : 0;
            }
        }
        foreach (var register in to.Shared)
        {
            if (from is null || from.Shared.All(r => r != register))
                writes.Add(new MpuWrite(MpuSpace.Unified, -1, register.Name, register.Value));
        }
        // A register of configurations that the next domain needs nothing of: its entries are off.
        foreach (var register in from?.Shared ?? [])
        {
            if (register.Value != 0 && to.Shared.All(r => r.Name != register.Name))
                writes.Add(new MpuWrite(MpuSpace.Unified, -1, register.Name, 0));
        }
        return new MpuSwitch(to, format.Decode(to), writes.ToImmutable(), IsSelected(format) ? selected : 0);
    }

    internal MpuSwitch Bind(MpuRegisterMap map)
    {
        Slots = [.. Writes.Select(w => map.SlotOf(w.Space, w.Region, w.Register))];
        Values = [.. Writes.Select(w => w.Value)];
        return this;
    }

    private static void AddRegion(
        MpuFormat format, MpuRegionRegisters? from, MpuRegionRegisters? to, bool isUnknown, MpuSpace space, int number, ImmutableArray<MpuWrite>.Builder writes)
    {
        if (to is null)
        {
            var disabling = format.DisablingRegister(number) ?? (isUnknown ? format.RegionRegisters(number)[0] : null);
            if (disabling is not null && (from is not null || isUnknown))
                writes.Add(new MpuWrite(space, number, disabling, 0));
            return;
        }
        foreach (var register in to.Values)
        {
            if (from is null || from.Values.All(r => r != register))
                writes.Add(new MpuWrite(space, number, register.Name, register.Value));
        }
    }

    private static MpuRegionRegisters? Find(MpuRegisterFile file, MpuSpace space, int number) => file.Regions.FirstOrDefault(r => r.Space == space && r.Number == number);

    // PMSAv6 to PMSAv8 name a region in one register and its contents in others; c6 of PMSAv5 and pmpaddr have one register each.
    private static bool IsSelected(MpuFormat format) => format.Shape != MpuShape.PriorityChain && format.RegionRegisters(0).Length > 1;
}
