using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>A table with one bit wrong: the test of the test.</summary>
internal static class FlippedBit
{
    private const int Tries = 64;

    /// <summary>The table with one bit of a register flipped, still expected to be what it was; null where no bit was met that a probe could show.</summary>
    public static ProbeTable? Of(ProbedCore core, ProbeTable table, Random random)
    {
        for (var i = 0; i < Tries; i++)
        {
            var region = random.Next(table.Registers.Regions.Length);
            var (registers, name) = Flip(table.Registers, region, random, core);
            if (Decode(core.Format, registers) is null || !StillRuns(core, registers))
                continue;
            var flipped = table with { Name = $"{table.Name} {name}", Registers = registers };
            if (!ProbedCore.IsLocked(registers) && Shown(core, flipped).Any())
                return flipped;
        }
        return null;
    }

    /// <summary>The probes whose outcome the flipped bit changes.</summary>
    public static IEnumerable<Probe> Shown(ProbedCore core, ProbeTable flipped)
    {
        var real = core.Format.Decode(flipped.Registers);
        return flipped.Probes.Where(p => core.Expect(p, real.Decide(p.Address, p.Privilege)) != core.Expect(p, flipped.Expected.Decide(p.Address, p.Privilege)));
    }

    private static (MpuRegisterFile Registers, string Name) Flip(MpuRegisterFile file, int at, Random random, ProbedCore core)
    {
        if (file.Shared.Any(s => s.Name.StartsWith("pmpcfg", StringComparison.Ordinal)) && random.Next(2) == 0)
        {
            var (shared, name) = Flip(file.Shared, random, core.Format.RegisterBits);
            return (file with { Shared = shared }, name);
        }
        var region = file.Regions[at];
        var (values, register) = Flip(region.Values, random, core.EmulatedBits);
        return (file with { Regions = file.Regions.SetItem(at, region with { Values = values }) }, $"region {region.Number} {register}");
    }

    private static (ImmutableArray<MpuRegister> Registers, string Name) Flip(ImmutableArray<MpuRegister> registers, Random random, int bits)
    {
        var which = random.Next(registers.Length);
        var bit = random.Next(bits);
        var old = registers[which];
        return (registers.SetItem(which, old with { Value = old.Value ^ 1UL << bit }), string.Create(CultureInfo.InvariantCulture, $"{old.Name} bit {bit}"));
    }

    private static MpuTable? Decode(MpuFormat format, MpuRegisterFile registers)
    {
        try
        {
            return format.Decode(registers);
        }
        catch (MpuEncodingException)
        {
            return null;
        }
    }

    private static bool StillRuns(ProbedCore core, MpuRegisterFile registers)
    {
        // Machine mode is bound by locked entries alone, which are not flipped here.
        if (core.Format.Shape == MpuShape.PriorityChain)
            return true;
        var table = core.Format.Decode(registers);
        return core.Needs.All(need => Every(need.Range.Start.Value, need.Range.End.Value, core.Format.Granule).All(address =>
            Enum.GetValues<Privilege>().All(p => (need.Attributes.RightsOf(p) & ~table.Decide(address, p).Rights) == 0)));
    }

    private static IEnumerable<ulong> Every(ulong start, ulong end, ulong step)
    {
        for (; start < end; start += step)
            yield return start;
    }
}
