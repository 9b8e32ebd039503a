using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>A region number of the unit and what its registers hold.</summary>
/// <param name="Space">Which accesses.</param>
/// <param name="Number">Region number.</param>
/// <param name="Values">Register values, in the order in which they are written. All are 0 where the region is off, but the address of a PMP entry, which then means nothing, is
/// as in a state that has it on.</param>
/// <param name="Region">The region; null where it is off.</param>
public sealed record MpuSlot(MpuSpace Space, int Number, ImmutableArray<MpuRegister> Values, PlannedRegion? Region);

/// <summary>What is in place while a domain runs, beside the fixed slots.</summary>
/// <param name="Domain">The domain; null while none runs.</param>
/// <param name="Shared">Registers that all regions share.</param>
/// <param name="Slots">The slots that a switch writes: the same numbers for every domain.</param>
public sealed record MpuState(string? Domain, ImmutableArray<MpuRegister> Shared, ImmutableArray<MpuSlot> Slots);

/// <summary>A plan as firmware writes it: every region number of the unit, those that are off among them, and what a switch of the domain changes.</summary>
/// <remarks>
/// Invariants: fixed slots and those of a state are all region numbers of all spaces, each once, by space, then by number; the slots of a state, with the
/// fixed ones, decode to what <see cref="MpuPlan.RegistersOf"/> decodes to.
/// </remarks>
public sealed record MpuImage
{
    /// <summary>The plan.</summary>
    public required MpuPlan Plan { get; init; }

    /// <summary>Slots that no switch changes: the static regions, and the numbers that nothing uses.</summary>
    public required ImmutableArray<MpuSlot> Fixed { get; init; }

    /// <summary>First no domain, then the domains.</summary>
    public required ImmutableArray<MpuState> States { get; init; }

    /// <summary>Whether a switch has to write the shared registers.</summary>
    public bool SharedDiffers => States.Any(s => !s.Shared.SequenceEqual(States[0].Shared));

    /// <summary>Registers that a switch between two states has to write: those that differ.</summary>
    /// <param name="from">Index of the one that ran.</param>
    /// <param name="to">Index of the one that will.</param>
    public int Writes(int from, int to) => States[from].Shared.Concat(States[from].Slots.SelectMany(s => s.Values))
        .Zip(States[to].Shared.Concat(States[to].Slots.SelectMany(s => s.Values)), (a, b) => a == b ? 0 : 1).Sum();

    /// <summary>The image of a plan.</summary>
    public static MpuImage Of(MpuPlan plan)
    {
        var switched = new HashSet<(MpuSpace, int)>(plan.Domains.SelectMany(d => d.Regions).Select(r => (r.Region.Space, r.Region.Number)));
        var states = plan.Domains.Select(domain =>
        {
            var registers = plan.RegistersOf(domain.Name);
            return new MpuState(domain.Name, Shared(plan, registers), [.. Slots(plan, registers, domain.Regions).Where(s => switched.Contains((s.Space, s.Number)))]);
        }).ToImmutableArray();
        return new MpuImage
        {
            Plan = plan,
            Fixed = [.. Slots(plan, plan.RegistersOf(null), plan.Static).Where(s => !switched.Contains((s.Space, s.Number)))],
            States = Filled(plan.Mpu.Format, states),
        };
    }

    /// <summary>Gives addresses of PMP entries that are off the value of a state that has them on: what means nothing need not be written.</summary>
    private static ImmutableArray<MpuState> Filled(MpuFormat format, ImmutableArray<MpuState> states)
    {
        MpuSlot[] on = [.. states[0].Slots.Select((_, at) => states.Select(s => s.Slots[at]).First(s => s.Region is not null))];
        return [.. states.Select(state => state with
        {
            Slots = [.. state.Slots.Select((slot, at) => slot.Region is null && format.DisablingRegister(slot.Number) is null ? slot with { Values = on[at].Values } : slot)],
        })];
    }

    private static IEnumerable<MpuSlot> Slots(MpuPlan plan, MpuRegisterFile registers, ImmutableArray<PlannedRegion> regions)
    {
        foreach (var space in plan.Mpu.Format.Spaces)
        {
            for (var number = 0; number < plan.Mpu.RegionCount; number++)
            {
                var region = regions.FirstOrDefault(r => r.Region.Space == space && r.Region.Number == number);
                var values = region is null ? null : registers.Regions.First(r => r.Space == space && r.Number == number);
                yield return new MpuSlot(space, number, values?.Values ?? [.. plan.Mpu.Format.RegionRegisters(number).Select(n => new MpuRegister(n, 0))], region);
            }
        }
    }

    // Registers that no region in use has a part in are 0.
    private static ImmutableArray<MpuRegister> Shared(MpuPlan plan, MpuRegisterFile registers) =>
    [
        .. plan.Mpu.Format.SharedRegisters(plan.Mpu.RegionCount ?? 0)
            .Select(name => registers.Shared.Where(r => r.Name == name).DefaultIfEmpty(new MpuRegister(name, 0)).First()),
    ];
}
