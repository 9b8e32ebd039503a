using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Mmu;
using NUnit.Framework;
using CD = KmemKit.Architecture.Smmu.V3.ContextDescriptorFields;
using STE = KmemKit.Architecture.Smmu.V3.StreamTableEntryFields;

namespace KmemKit.Emulation.Tests.Smmu;

/// <summary>Devices behind QEMU's SMMUv3: what they reach, and what the event queue says, against the word of the run-time SMMU.</summary>
public sealed class SmmuEmulationTests
{
    private static readonly Pool s_pool = new(0x5000_0000, 0x8000_0000);

    // QEMU 7.2 ends the addresses of a device at 2^48 (hw/arm/smmu-common.c, SMMU_MAX_VA_BITS): what is above meets no SMMU, and TTB1 cannot be seen at work.
    private static IEnumerable<TestCaseData> Trees =>
    [
        Case(new Vmsav8Format<Granule4K>(48, 44)), Case(new Vmsav8Format<Granule4K>(39, 44)), Case(new Vmsav8Format<Granule4K>(25, 44)), Case(new Vmsav8Format<Granule16K>(47, 44)),
        Case(new Vmsav8Format<Granule16K>(36, 44)), Case(new Vmsav8Format<Granule64K>(48, 44)), Case(new Vmsav8Format<Granule64K>(42, 44)),
    ];

    private static TestCaseData Case(IVmsav8Stage1 format) => new TestCaseData(format).SetArgDisplayNames($"{format.Name}-{format.InputBits}");

    [Test]
    public void The_identification_registers_are_those_of_the_features()
    {
        var (id, _, _) = SmmuMachine.Run(new SmmuScript([], []), []);
        var read = SmmuV3Features.FromRegisters(id[0], id[1], id[5]);
        TestContext.Out.WriteLine(string.Join(' ', id.Select(i => $"0x{i:x8}")));
        Assert.That(read, Is.EqualTo(SmmuV3Features.QemuVirt));
        Assert.That((SmmuV3Features.QemuVirt.Idr0, SmmuV3Features.QemuVirt.Idr1, SmmuV3Features.QemuVirt.Idr5), Is.EqualTo((id[0], id[1], id[5])));
    }

    [TestCaseSource(nameof(Trees))]
    public void Every_access_goes_where_the_model_says(IVmsav8Stage1 format)
    {
        var tables = new SmmuTables(0);
        var random = new Random(7919 + format.InputBits);
        var tree = new TestTables(format, tables.PageTables(0), 0x20_0000);
        var places = RandomMap.Fill(tree, random, s_pool, new VirtRange(VirtAddr.Zero, 0));
        tables.Descriptor(0, SmmuTables.Context(tree, 1).Words);
        tables.Entry(8, tables.Stage1(0));
        var probes = places.SelectMany(p => (DmaProbe[])[new(0, p, false), new(0, p, true)]).Where(p => !IsDoubtful(p, tree)).OrderBy(_ => random.Next()).Take(700).ToList();
        Check([new SmmuRound("random", tables.Address, 4, probes)], [tables.Image, new MemoryImage(tree.Address, tree.Bytes)]);
    }

    [Test]
    public void Every_kind_of_configuration_ends_as_the_model_says()
    {
        var tables = new SmmuTables(0);
        var tree = Simple(tables, 0, 0x5000_0000);
        var good = SmmuTables.Context(tree, 1).Words;
        // Descriptors: good, not valid, AArch32, reserved granule, too many bits, table beyond the output size, table where no memory is, without abort, big-endian, closed below, hardware update.
        StructureWords[] descriptors =
        [
            good, default, good.With(CD.AA64, 0), good.With(CD.TG0, 3), good.With(CD.T0SZ, 8), good.With(CD.T0SZ, 48), good.With(CD.TTB0, 1UL << 45), good.With(CD.TTB0, 0x1_0000_0000),
            good.With(CD.A, 0), good.With(CD.ENDI, 1), good.With(CD.EPD0, 1), good.With(CD.S, 1), good.With(CD.HA, 1),
        ];
        for (var i = 0; i < descriptors.Length; i++)
            tables.Descriptor(i, descriptors[i]);
        List<StreamTableEntry> entries =
        [
            StreamTableEntry.Bypass, StreamTableEntry.Abort, StreamTableEntry.Invalid, StreamTableEntry.Bypass.WithStage2(new SteStage2 { Table = new PhysAddr(tree.Root), InputBits = 39 }),
            new(StreamTableEntry.Stage1(new PhysAddr(tables.Descriptors)).Words.With(STE.S1CDMax, 4)), StreamTableEntry.Stage1(new PhysAddr(0x1_0000_0000)),
            .. Enumerable.Range(0, descriptors.Length).Select(tables.Stage1),
        ];
        var rounds = new List<SmmuRound>();
        var images = new List<MemoryImage> { tables.Image, new(tree.Address, tree.Bytes) };
        for (var i = 0; i < entries.Count; i++)
        {
            var own = new SmmuTables(1);
            own.Entry(8, entries[i]);
            var at = 0x4280_0000 + ((ulong)i * 0x1000);
            images.Add(new MemoryImage(at, own.Image.Bytes[..0x400]));
            rounds.Add(new SmmuRound($"entry {i}", at, 4, [new(0, 0x5000_0000, false), new(0, 0x5000_0000, true), new(0, 0x5000_2000, true), new(0, 0x7000_0000, true), new(1, 0x5000_1000, false)]));
        }
        // A stream beyond the table; a table where no memory is.
        rounds.Add(new SmmuRound("beyond", tables.Address, 3, [new(0, 0x5000_0000, false), new(0, 0x5000_0000, true)]));
        rounds.Add(new SmmuRound("no table", 0x1_0000_0000, 4, [new(0, 0x5000_0000, false), new(0, 0x5000_0000, true)]));
        Check(rounds, images);
    }

    [Test]
    public void Two_levels_lead_to_the_entries_of_each_device()
    {
        var tables = new SmmuTables(0);
        var (first, second) = (Simple(tables, 0, 0x5000_0000), Simple(tables, 1, 0x6000_0000));
        tables.Descriptor(0, SmmuTables.Context(first, 1).Words);
        tables.Descriptor(1, SmmuTables.Context(second, 2).Words);
        // Level 1 at the start, split 8: stretch 0 with 32 entries at +0x8000, stretch 0x41 with one at +0xc000.
        tables.Put(tables.Address, StreamTableDescriptor.Table(new PhysAddr(tables.Address + 0x8000), 5).Value);
        tables.Put(tables.Address + (8 * 0x41), StreamTableDescriptor.Table(new PhysAddr(tables.Address + 0xc000), 0).Value);
        foreach (var (at, descriptor) in (IEnumerable<(ulong, int)>)[(0x8000 + (64 * 8), 0), (0x8000 + (64 * 16), 1), (0xc000, 1)])
            tables.Put(tables.Address + at, tables.Stage1(descriptor).Words);
        var probes = Enumerable.Range(0, 4).SelectMany(d => (DmaProbe[])[new(d, 0x5000_0000, false), new(d, 0x5000_1000, true), new(d, 0x5000_2000, true), new(d, 0x5010_0000, false)]).ToList();
        Check([new SmmuRound("two-level", tables.Address, 15 | (8u << 6) | (1u << 16), probes), new SmmuRound("stretch missing", tables.Address, 14 | (8u << 6) | (1u << 16), probes)],
            [tables.Image, new MemoryImage(first.Address, first.Bytes), new MemoryImage(second.Address, second.Bytes)]);
    }

    // QEMU keeps translations and configurations as well as the model does: what was changed in memory counts when it is commanded, and not before.
    [Test]
    public void What_was_read_before_counts_until_it_is_invalidated()
    {
        var tables = new SmmuTables(0);
        var tree = Simple(tables, 0, 0x5000_0000);
        tables.Descriptor(0, SmmuTables.Context(tree, 1).Words);
        tables.Entry(8, tables.Stage1(0));
        var memory = tree.Memory;
        var place = Walker.Walk(tree.Format, ref memory, tree.Root, 0x5000_0000).DescriptorAddress;
        var moved = (tree.Get(place) & ~0xFFFF_F000UL) | 0x6000_0000;
        DmaProbe[] probes = [new(0, 0x5000_0000, false), new(0, 0x5000_0000, true)];
        var round = new SmmuRound("first", tables.Address, 4, probes);
        Check(
        [
            round, round with { Name = "stale translation", Writes = [(place, moved)], Commands = [] },
            round with { Name = "another address", Commands = [Command.TlbiNhVa(0, 1, 0x5000_1000, leaf: true), Command.Sync()] },
            round with { Name = "this address", Commands = [Command.TlbiNhVa(0, 1, 0x5000_0000, leaf: true), Command.Sync()] },
            round with { Name = "stale entry", Writes = [(tables.Address + (64 * 8), 1)], Commands = [] },
            round with { Name = "another stream", Commands = [Command.CfgiSte(0x10, leaf: true), Command.Sync()] },
            round with { Name = "this stream", Commands = [Command.CfgiSte(8, leaf: true), Command.Sync()] },
        ], [tables.Image, new MemoryImage(tree.Address, tree.Bytes)]);
    }

    /// <summary>Walks about which QEMU 7.2 (hw/arm/smmu-common.c, smmu_ptw_64) is wrong, so that it is no witness there.</summary>
    private static bool IsDoubtful(DmaProbe probe, TestTables tree)
    {
        if (probe.Target >> 48 != 0)
            return true;
        if (!tree.Format.Translates(probe.Target))
            return false;
        var memory = tree.Memory;
        var found = Walker.Walk(tree.Format, ref memory, tree.Root, probe.Target);
        // It takes a block descriptor for a block at every level above 3 (as its processors do), and knows no output size.
        if (found.Fault.Cause == FaultCause.AddressSize || (found.Fault.Cause == FaultCause.Translation && found.Level < 3 && (found.Descriptor & 3) == 1))
            return true;
        // A table that takes writing away is looked at on the way down, before it is known whether anything is mapped, and is forgotten in the TLB once a read went through.
        var takesWriting = (tree.Format.DecodeTable(found.Limits, 0).PrivilegedRemoved & AccessRights.Write) != 0;
        if (takesWriting && (found.IsMapped ? !probe.IsWrite : probe.IsWrite))
            return true;
        // It does not know the access flag.
        return found.IsMapped && !tree.Format.DecodeLeaf(found.Descriptor, found.Level, found.Limits).IsAccessed;
    }

    // Pages of each right at 0x50000000: read-write twice, read only, and none behind them. Not global: a global entry of one context would answer for another one, in the model as the
    // architecture allows it, and in QEMU not.
    private static TestTables Simple(SmmuTables tables, int number, ulong target)
    {
        var tree = new TestTables(new Vmsav8Format<Granule4K>(39, 44), tables.PageTables(number), 0x2_0000);
        var page = tree.Format.Shapes[0];
        foreach (var (i, rights) in (IEnumerable<(ulong, AccessRights)>)[(0, AccessRights.ReadWrite), (1, AccessRights.ReadWrite), (2, AccessRights.Read)])
            Assert.That(tree.TryMap(0x5000_0000 + (i * 0x1000), target + (i * 0x1000), new PageAttributes(rights, rights, MemoryType.NormalWriteBackWriteAllocate) { IsGlobal = false }, page));
        return tree;
    }

    private static void Check(IReadOnlyList<SmmuRound> rounds, IReadOnlyList<MemoryImage> images)
    {
        using var model = new SmmuModel(SmmuV3Features.QemuVirt, images);
        var predictions = rounds.Select(model.Run).ToList();
        // What would land outside of the pool could be the program itself.
        var kept = rounds.Select((r, i) => r with { Probes = [.. r.Probes.Where((_, p) => predictions[i][p].Output is not { } output || s_pool.Contains(output))] }).ToList();
        var expected = predictions.Select(r => r.Where(p => p.Output is not { } output || s_pool.Contains(output)).ToList()).ToList();
        var fills = expected.SelectMany(r => r).Where(p => p.Output is not null).Select(p => p.Output!.Value & ~0xFFFUL).Distinct().Order().ToList();
        var script = new SmmuScript(kept, fills);
        var (_, outcomes, written) = SmmuMachine.Run(script, images);
        var wrong = new List<string>();
        var last = new Dictionary<ulong, ulong>();
        var (number, faults) = (0UL, 0);
        for (var r = 0; r < kept.Count; r++)
        {
            for (var p = 0; p < kept[r].Probes.Count; p++)
            {
                number++;
                var (probe, prediction, outcome) = (kept[r].Probes[p], expected[r][p], outcomes[r][p]);
                if (prediction.Output is { } output && probe.IsWrite)
                    last[output & ~0xFFFUL] = number;
                faults += outcome.Events > 0 ? 1 : 0;
                if (WhyWrong(probe, prediction, outcome) is { } why)
                    wrong.Add($"{kept[r].Name}: {probe}: {outcome}; the model: {prediction} ({why})");
            }
        }
        foreach (var (page, writer) in written)
        {
            if (writer != last.GetValueOrDefault(page))
                wrong.Add($"page 0x{page:x}: written by probe {writer}, not {last.GetValueOrDefault(page)}");
        }
        TestContext.Out.WriteLine($"{number} accesses, {faults} with an event, {fills.Count} pages");
        Regime.Check("QEMU", wrong);
    }

    private static string? WhyWrong(DmaProbe probe, DmaPrediction prediction, DmaOutcome outcome)
    {
        if (prediction.Output is { } output)
            return outcome.Events != 0 ? "an event" : !probe.IsWrite && outcome.Value != output >> 12 ? "another page" : null;
        if (!probe.IsWrite && outcome.Value >> 20 != 0 && outcome.Value != 0x5151_5151)
            return "something was read";
        if (prediction.Event is not { } expected)
            return outcome.Events == 0 ? null : "an event";
        if (outcome.Events != 1)
            return "not one event";
        var record = outcome.Record;
        if (record.Type != expected.Type || record.StreamId != expected.StreamId)
            return "type or stream";
        // What is wrong with the configuration is told without the access (7.3.3 to 7.3.8); QEMU 7.2 has the address of F_CD_FETCH in another word.
        if (record.Type is not (EventType.Translation or EventType.Permission or EventType.AccessFlag or EventType.AddressSize or EventType.WalkExternalAbort))
            return null;
        // QEMU 7.2 leaves CLASS 0 but for F_WALK_EABT, and PnU, which PRIVCFG makes 1.
        return record.InputAddress != expected.InputAddress ? "address" : record.IsRead != expected.IsRead ? "direction" : record.IsStage2 != expected.IsStage2 ? "stage"
            : record.Type == EventType.WalkExternalAbort && (record.Class != expected.Class || record.IpaOrFetchAddress != expected.IpaOrFetchAddress) ? "class or address of the fetch" : null;
    }
}
