using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using NUnit.Framework;

namespace KmemKit.Architecture.Tests.Mpu;

/// <summary>What holds for every format: nothing is lost between a region and its registers, and the hardware's choice is the manual's.</summary>
public class FormatTests
{
    private static IEnumerable<MpuFormat> Formats => [.. MpuFormats.All, new PmpFormat(32, 64), new PmpFormat(64, 4096)];

    [TestCaseSource(nameof(Formats))]
    public void Registers_say_what_the_regions_say(MpuFormat format)
    {
        foreach (var (regions, background, seed) in Cases(format, 400))
        {
            var table = format.Decode(format.Encode(regions, background));
            var expected = regions.Select(r => r with { Attributes = format.Canonical(r.Attributes, r.Space) });
            Assert.That(table.Regions, Is.EquivalentTo(expected), $"seed {seed}");
            Assert.That(table.PrivilegedBackground, Is.EqualTo(background), $"seed {seed}");
        }
    }

    [TestCaseSource(nameof(Formats))]
    public void The_decision_is_the_winner_of_the_manual_at_every_granule(MpuFormat format)
    {
        foreach (var (regions, background, seed) in Cases(format, 60))
        {
            var table = format.Decode(format.Encode(regions, background));
            for (var granule = 0; granule < 66; granule++)
            {
                foreach (var privilege in Enum.GetValues<Privilege>())
                {
                    var address = (ulong)granule * format.Granule;
                    var rights = table.Decide(address, privilege).Rights;
                    Assert.That(rights, Is.EqualTo(Model(format, regions, background, address, privilege)), $"seed {seed} address {address:x} {privilege}");
                    Assert.That(table.Decide(address + format.Granule - 1, privilege).Rights, Is.EqualTo(rights), $"seed {seed}: one granule, one answer");
                }
            }
        }
    }

    [TestCaseSource(nameof(Formats))]
    public void Every_attribute_that_passes_the_check_comes_back_as_its_canonical_form(MpuFormat format)
    {
        foreach (var space in format.Spaces)
        {
            var all = RandomRegions.Attributes(format, space);
            Assert.That(all, Is.Not.Empty);
            foreach (var attributes in all)
            {
                var region = new MpuRegion(0, RandomRegions.Range(0, 1 << 16), attributes)
                {
                    Space = space,
                    Mode = format.Shape == MpuShape.PriorityChain ? PmpMode.Napot : PmpMode.Off,
                    Locked = format.Shape == MpuShape.PriorityChain && attributes.Privileged != AccessRights.All,
                };
                var back = format.Decode(format.Encode([region], format is PmpFormat)).Regions.Single().Attributes;
                Assert.That(back, Is.EqualTo(format.Canonical(attributes, space)), attributes.ToString());
                Assert.That(format.Canonical(back, space), Is.EqualTo(back), "canonical once is canonical");
            }
        }
    }

    [TestCaseSource(nameof(Formats))]
    public void What_cannot_be_encoded_is_refused_with_its_reason(MpuFormat format) => Assert.Multiple(() =>
    {
        var good = new MpuRegion(0, RandomRegions.Range(0, 1 << 16), new MpuAttributes(AccessRights.All, AccessRights.All, MpuMemoryType.StronglyOrdered, false))
        {
            Space = format.Spaces[0],
            Mode = format.Shape == MpuShape.PriorityChain ? PmpMode.Napot : PmpMode.Off,
        };
        Assert.That(Fault(good), Is.EqualTo(MpuFault.None));
        Assert.That(Fault(good with { Number = -1 }), Is.EqualTo(MpuFault.BadNumber));
        Assert.That(Fault(good with { Number = format.MaximumRegionCount }), Is.EqualTo(MpuFault.BadNumber));
        Assert.That(Fault(good, good), Is.EqualTo(MpuFault.BadNumber));
        Assert.That(Fault(good with { Space = (MpuSpace)7 }), Is.EqualTo(MpuFault.BadSpace));
        Assert.That(Fault(good with { Range = RandomRegions.Range(format.Granule / 2, 1 << 16) }), Is.EqualTo(MpuFault.BadAlignment));
        Assert.That(Fault(good with { Range = RandomRegions.Range(1UL << format.AddressBits, 1 << 16) }), Is.EqualTo(MpuFault.BeyondAddressSpace));
        Assert.That(Fault(good with { Range = RandomRegions.Range(0, 0) }), Is.EqualTo(MpuFault.BadSize));
        Assert.That(Fault(good with { SubregionDisable = 255 }), Is.EqualTo(MpuFault.BadSubregions), "a region of nothing");
        Assert.That(Fault(good with { Attributes = new MpuAttributes(AccessRights.Write, AccessRights.Write, MpuMemoryType.Device, true) }),
            Is.EqualTo(MpuFault.RightsNotAvailable));
        if (format.Shape != MpuShape.BaseAndLimit)
        {
            Assert.That(Fault(good with { Range = RandomRegions.Range(0, 0x30000) }), Is.EqualTo(MpuFault.BadSize), "0x30000 is no power of two");
            Assert.That(Fault(good with { Range = RandomRegions.Range(0x8000, 1 << 16) }), Is.EqualTo(MpuFault.BadAlignment));
            Assert.That(Fault(good with { Range = RandomRegions.Range(0, format.Granule / 2) }), Is.EqualTo(MpuFault.BadSize));
        }
        if (format.SmallestWithSubregions == 0)
            Assert.That(Fault(good with { SubregionDisable = 1 }), Is.EqualTo(MpuFault.BadSubregions));
        else
            Assert.That(Fault(good with { SubregionDisable = 1, Range = RandomRegions.Range(0, 128) }), Is.EqualTo(MpuFault.BadSubregions));
        if (!format.HasPrivilegedBackground)
            Assert.That(() => format.Encode([good], true), Throws.TypeOf<MpuEncodingException>().With.Property("Fault").EqualTo(MpuFault.BackgroundNotAvailable));

        MpuFault Fault(params MpuRegion[] regions)
        {
            try
            {
                format.Encode(regions, format is PmpFormat);
                return MpuFault.None;
            }
            catch (MpuEncodingException e)
            {
                return e.Fault;
            }
        }
    });

    // A flipped bit is another table or a refusal of its own kind, and never anything else.
    [TestCaseSource(nameof(Formats))]
    public void Any_flipped_bit_is_decoded_or_refused(MpuFormat format)
    {
        var refused = 0;
        foreach (var (regions, background, seed) in Cases(format, 300))
        {
            var file = format.Encode(regions, background);
            var random = new Random(seed);
            var bit = 1UL << random.Next(64);
            if (random.Next(3) == 0 && file.Shared.Length > 0)
            {
                var at = random.Next(file.Shared.Length);
                file = file with { Shared = file.Shared.SetItem(at, Flip(file.Shared[at], bit)) };
            }
            else
            {
                var at = random.Next(file.Regions.Length);
                var each = file.Regions[at];
                var value = random.Next(each.Values.Length);
                file = file with { Regions = file.Regions.SetItem(at, each with { Values = each.Values.SetItem(value, Flip(each.Values[value], bit)) }) };
            }
            try
            {
                var table = format.Decode(file);
                foreach (var privilege in Enum.GetValues<Privilege>())
                    table.Decide((ulong)random.Next() * 2, privilege);
            }
            catch (MpuEncodingException)
            {
                refused++;
            }
        }
        Assert.That(refused, Is.GreaterThan(0));

        static MpuRegister Flip(MpuRegister register, ulong bit) => register with { Value = register.Value ^ bit };
    }

    private static IEnumerable<(List<MpuRegion>, bool, int)> Cases(MpuFormat format, int count)
    {
        for (var seed = 1; seed <= count; seed++)
        {
            var random = new Random(seed);
            var background = format is PmpFormat || (format.HasPrivilegedBackground && random.Next(2) == 0);
            yield return (RandomRegions.Make(format, random, 0, 64), background, seed);
        }
    }

    // Written from the manuals' sentences, on the regions and not on the registers.
    private static AccessRights Model(MpuFormat format, List<MpuRegion> regions, bool background, ulong address, Privilege privilege)
    {
        var rights = AccessRights.None;
        foreach (var space in format.Spaces)
        {
            var hits = regions.Where(r => r.Space == space && Hits(r, address)).OrderBy(r => r.Number).ToList();
            var kept = space switch { MpuSpace.Data => AccessRights.ReadWrite, MpuSpace.Instruction => AccessRights.Execute, _ => AccessRights.All };
            if (format is PmpFormat)
                rights |= hits.Count > 0 ? Of(hits[0]) : privilege == Privilege.Privileged ? AccessRights.All : 0;
            else if (hits.Count == 0)
                // All addresses of the tests are in the lowest half gigabyte, which every default map lets privileged code use and execute.
                rights |= background && privilege == Privilege.Privileged ? AccessRights.All : 0;
            else if (format.Shape == MpuShape.PowerOfTwo || hits.Count == 1)
                rights |= Of(hits[^1]) & kept;
        }
        return rights;

        AccessRights Of(MpuRegion region) => privilege == Privilege.Privileged ? region.Attributes.Privileged : region.Attributes.User;
    }

    private static bool Hits(MpuRegion region, ulong address)
    {
        if (address < region.Range.Start.Value || address >= region.Range.End.Value)
            return false;
        var eighth = (address - region.Range.Start.Value) * 8 / region.Range.Size.Value;
        return (region.SubregionDisable & (1 << (int)eighth)) == 0;
    }
}
