using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture.Mpu.Pmp;

namespace KmemKit.Architecture.Mpu;

/// <summary>A register of a programmed unit that does not hold what the plan says.</summary>
/// <param name="Register">Its name.</param>
/// <param name="Space">Which accesses its region answers; of a shared register <see cref="MpuSpace.Unified"/>.</param>
/// <param name="Region">Number of its region; null for a register that all share.</param>
/// <param name="Planned">What it should hold.</param>
/// <param name="Read">What it holds; null where it was not read.</param>
/// <param name="Effect">What that would grant instead of what.</param>
public sealed record MpuDifference(string Register, MpuSpace Space, int? Region, ulong Planned, ulong? Read, string Effect)
{
    /// <inheritdoc/>
    public override string ToString() => string.Format(CultureInfo.InvariantCulture, "{0}{1}: 0x{2:x} is planned, {3} is there: {4}",
        Region is { } number ? $"region {number}{(Space == MpuSpace.Unified ? "" : $" ({Space})")}, " : "", Register, Planned,
        Read is { } read ? "0x" + read.ToString("x", CultureInfo.InvariantCulture) : "nothing", Effect);
}

/// <summary>Holds registers that were read back from a unit against those of a plan.</summary>
public static class MpuReadback
{
    /// <summary>All registers that differ, the shared ones first; empty where the unit is programmed as planned.</summary>
    /// <param name="format">The unit.</param>
    /// <param name="planned">The plan's registers. A region that is not among them is to be off.</param>
    /// <param name="read">What the unit holds: at least all that <paramref name="planned"/> has.</param>
    /// <remarks>Only bits that keep what is written count; of a region that is off on both sides nothing does. Bad values never throw: they are told.</remarks>
    public static ImmutableArray<MpuDifference> Compare(MpuFormat format, MpuRegisterFile planned, MpuRegisterFile read)
    {
        if (format is null)
            throw new ArgumentNullException(nameof(format));
        if (planned is null)
            throw new ArgumentNullException(nameof(planned));
        if (read is null)
            throw new ArgumentNullException(nameof(read));
        var differences = ImmutableArray.CreateBuilder<MpuDifference>();
        var keys = new SortedSet<(MpuSpace Space, int Number)>();
        foreach (var region in planned.Regions)
            keys.Add((region.Space, region.Number));
        foreach (var region in read.Regions)
            keys.Add((region.Space, region.Number));
        foreach (var register in planned.Shared)
        {
            var found = MpuRegisterFile.Find(read.Shared, register.Name);
            if (Differs(format, register, found))
                differences.Add(new MpuDifference(register.Name, MpuSpace.Unified, null, register.Value, found, EffectOfShared(format, planned, read, keys)));
        }
        if (planned.PrivilegedBackground != read.PrivilegedBackground)
        {
            differences.Add(new MpuDifference("background", MpuSpace.Unified, null, planned.PrivilegedBackground ? 1UL : 0, read.PrivilegedBackground ? 1UL : 0,
                read.PrivilegedBackground ? "privileged code has the default map where no region is" : "privileged code has nothing where no region is"));
        }
        foreach (var (space, number) in keys)
            AddRegion(format, planned, read, space, number, differences);
        return differences.ToImmutable();
    }

    private static void AddRegion(
        MpuFormat format, MpuRegisterFile planned, MpuRegisterFile read, MpuSpace space, int number, ImmutableArray<MpuDifference>.Builder differences)
    {
        var (wanted, found) = (Registers(planned, space, number), Registers(read, space, number));
        // Off on both sides: what else its registers hold does not matter. An address that a PMP chain starts from is one of a region that is planned.
        var isOff = wanted is null && Meaning(format, read, space, number).StartsWith(Off, StringComparison.Ordinal);
        foreach (var name in format.RegionRegisters(number))
        {
            var register = new MpuRegister(name, wanted is null ? 0 : MpuRegisterFile.Find(wanted.Values, name) ?? 0);
            var value = found is null ? null : MpuRegisterFile.Find(found.Values, name);
            if (!isOff && Differs(format, register, value))
                differences.Add(new MpuDifference(name, space, number, register.Value, value, Effect(format, planned, read, space, number)));
        }
    }

    private const string Off = "is off";

    private static bool Differs(MpuFormat format, MpuRegister planned, ulong? read) =>
        read is not { } value || ((value ^ planned.Value) & format.KeptBits(planned.Name)) != 0;

    private static MpuRegionRegisters? Registers(MpuRegisterFile file, MpuSpace space, int number)
    {
        foreach (var region in file.Regions)
        {
            if (region.Space == space && region.Number == number)
                return region;
        }
        return null;
    }

    private static string EffectOfShared(MpuFormat format, MpuRegisterFile planned, MpuRegisterFile read, SortedSet<(MpuSpace, int)> keys)
    {
        var effects = new List<string>();
        foreach (var (space, number) in keys)
        {
            if (Meaning(format, planned, space, number) != Meaning(format, planned with { Shared = read.Shared }, space, number))
                effects.Add(Effect(format, planned, planned with { Shared = read.Shared }, space, number));
        }
        return effects.Count == 0 ? "no region in use changes by it" : string.Join("; ", effects);
    }

    private static string Effect(MpuFormat format, MpuRegisterFile planned, MpuRegisterFile read, MpuSpace space, int number)
    {
        var (wanted, found) = (Meaning(format, planned, space, number), Meaning(format, read, space, number));
        var name = $"region {number.ToString(CultureInfo.InvariantCulture)}";
        return wanted == found ? $"{name} means the same, {found}" : $"{name} {found} and not {wanted}";
    }

    /// <summary>What the registers of one region say, by the decoder.</summary>
    private static string Meaning(MpuFormat format, MpuRegisterFile file, MpuSpace space, int number)
    {
        // A top-of-range entry of a PMP starts where the entry before it points, whatever that entry is: off, it needs none before it.
        var regions = file.Regions.RemoveAll(r => r.Space != space || r.Number > number || r.Number < number - 1);
        var shared = file.Shared;
        if (format is PmpFormat pmp && number > 0)
        {
            shared = [.. shared.Select(r => r.Name != pmp.ConfigurationOf(number - 1) ? r : r with { Value = r.Value & ~(0xffUL << pmp.ConfigurationShift(number - 1)) })];
        }
        try
        {
            foreach (var region in format.Decode(file with { Regions = regions, Shared = shared }).Regions)
            {
                if (region.Number != number)
                    continue;
                if (region.Mode == PmpMode.Off && region.Range.IsEmpty)
                    return Off + $", at {region.Range.Start}";
                var disabled = region.SubregionDisable == 0 ? "" : $" but subregions 0x{region.SubregionDisable.ToString("x2", CultureInfo.InvariantCulture)}";
                return $"grants {region.Range}{disabled}: {region.Attributes}{(region.Locked ? ", locked" : "")}";
            }
            return Off;
        }
        catch (MpuEncodingException e)
        {
            return $"has no meaning ({e.Message})";
        }
    }
}
