using System;
using System.Collections.Generic;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using NUnit.Framework;
using Cd = KmemKit.Architecture.Smmu.V3.ContextDescriptorFields;
using Ste = KmemKit.Architecture.Smmu.V3.StreamTableEntryFields;

namespace KmemKit.Architecture.Tests.Smmu;

/// <summary>Which structures are ILLEGAL (Arm IHI 0070, 5.2 and 5.4), which bits count, and how queue pointers turn.</summary>
public class SmmuV3RuleTests
{
    private static readonly SmmuV3Features s_smmu = new();

    private static StreamTableEntry Stage1 => StreamTableEntry.Stage1(new PhysAddr(0x8000_0000));

    private static StreamTableEntry Stage2 => StreamTableEntry.Bypass.WithStage2(new SteStage2 { Table = new PhysAddr(0x9000_0000) });

    private static ContextDescriptor Context => ContextDescriptor.Lower(new PhysAddr(0x4_0000_1000), 39, 12, 44, 0xFF, 1);

    private static StreamTableEntry With(StreamTableEntry entry, StructureField field, ulong value) => new(entry.Words.With(field, value));

    private static ContextDescriptor With(ContextDescriptor cd, StructureField field, ulong value) => new(cd.Words.With(field, value));

    private static IEnumerable<TestCaseData> Entries()
    {
        yield return Row("invalid", default, s_smmu, SmmuV3Fault.NotValid);
        yield return Row("abort", StreamTableEntry.Abort, s_smmu, SmmuV3Fault.None);
        yield return Row("reserved config aborts", With(StreamTableEntry.Abort, Ste.Config, 3), s_smmu with { Stage1 = false }, SmmuV3Fault.None);
        yield return Row("bypass", StreamTableEntry.Bypass, s_smmu, SmmuV3Fault.None);
        yield return Row("stage 1", Stage1, s_smmu, SmmuV3Fault.None);
        yield return Row("stage 1 not there", Stage1, s_smmu with { Stage1 = false }, SmmuV3Fault.StageNotImplemented);
        yield return Row("stage 2", Stage2, s_smmu, SmmuV3Fault.None);
        yield return Row("stage 2 not there", Stage2, s_smmu with { Stage2 = false }, SmmuV3Fault.StageNotImplemented);
        yield return Row("nested", Stage1.WithStage2(new SteStage2 { Table = new PhysAddr(0x9000_0000) }), s_smmu, SmmuV3Fault.None);
        yield return Row("nested without stage 2", Stage1.WithStage2(new SteStage2()), s_smmu with { Stage2 = false }, SmmuV3Fault.StageNotImplemented);
        yield return Row("256 substreams", StreamTableEntry.Stage1(new PhysAddr(0x8000_0000), ContextTableFormat.Linear, 8), s_smmu, SmmuV3Fault.None);
        yield return Row("512 substreams", StreamTableEntry.Stage1(new PhysAddr(0x8000_0000), ContextTableFormat.Linear, 9), s_smmu, SmmuV3Fault.TooManySubstreams);
        yield return Row("two levels not there", StreamTableEntry.Stage1(new PhysAddr(0x8000_0000), ContextTableFormat.TwoLevel4K, 8), s_smmu with { TwoLevelContextTable = false }, SmmuV3Fault.TwoLevelNotImplemented);
        yield return Row("reserved S1Fmt", With(StreamTableEntry.Stage1(new PhysAddr(0x8000_0000), ContextTableFormat.Linear, 8), Ste.S1Fmt, 3), s_smmu, SmmuV3Fault.ReservedValue);
        yield return Row("S1Fmt is ignored without substreams", With(Stage1, Ste.S1Fmt, 3), s_smmu, SmmuV3Fault.None);
        yield return Row("reserved S1DSS", With(StreamTableEntry.Stage1(new PhysAddr(0x8000_0000), ContextTableFormat.Linear, 8), Ste.S1DSS, 3), s_smmu, SmmuV3Fault.ReservedValue);
        yield return Row("EL2 world not there", StreamTableEntry.Stage1(new PhysAddr(0x8000_0000), world: StreamWorld.El2), s_smmu, SmmuV3Fault.BadStreamWorld);
        yield return Row("EL2 world", StreamTableEntry.Stage1(new PhysAddr(0x8000_0000), world: StreamWorld.El2), s_smmu with { Hypervisor = true }, SmmuV3Fault.None);
        yield return Row("reserved world", With(Stage1, Ste.STRW, 1), s_smmu with { Hypervisor = true }, SmmuV3Fault.BadStreamWorld);
        yield return Row("context table beyond the output size", StreamTableEntry.Stage1(new PhysAddr(1UL << 48)), s_smmu, SmmuV3Fault.BadAddress);
        yield return Row("S1STALLD where stalls are forced", Stage1.WithoutStalls(), s_smmu with { StallModel = StallModel.StallForced }, SmmuV3Fault.BadFaultModel);
        yield return Row("ATS not there", With(Stage1, Ste.EATS, 1), s_smmu, SmmuV3Fault.BadAts);
        yield return Row("ATS", With(Stage1, Ste.EATS, 1), s_smmu with { Ats = true }, SmmuV3Fault.None);
        yield return Row("split-stage ATS of one stage", With(Stage1, Ste.EATS, 2), s_smmu with { Ats = true, SplitStageAts = true }, SmmuV3Fault.BadAts);
        yield return Row("reserved EATS", With(Stage1, Ste.EATS, 3), s_smmu with { Ats = true }, SmmuV3Fault.ReservedValue);
        yield return Row("stage 2 reserved granule", With(Stage2, Ste.S2TG, 3), s_smmu, SmmuV3Fault.BadGranule);
        yield return Row("stage 2 granule not there", With(Stage2, Ste.S2TG, 1), s_smmu with { Granules = SmmuGranules.FourKiB }, SmmuV3Fault.BadGranule);
        yield return Row("stage 2 input beyond the output size", With(Stage2, Ste.S2T0SZ, 16), s_smmu with { OutputAddressBits = 40 }, SmmuV3Fault.BadInputSize);
        yield return Row("stage 2 reserved start level", With(Stage2, Ste.S2SL0, 3), s_smmu, SmmuV3Fault.BadStartLevel);
        // 4 KiB from level 2 resolves 30 bits with one table and 34 with sixteen: 40 are too many.
        yield return Row("stage 2 start level too deep", With(Stage2, Ste.S2SL0, 0), s_smmu, SmmuV3Fault.BadStartLevel);
        // From level 0 at least one bit must be left above the 39 of level 1.
        yield return Row("stage 2 start level too high", With(With(Stage2, Ste.S2SL0, 2), Ste.S2T0SZ, 25), s_smmu, SmmuV3Fault.BadStartLevel);
        yield return Row("stage 2 stalls not there", With(Stage2, Ste.S2S, 1), s_smmu with { StallModel = StallModel.TerminateOnly }, SmmuV3Fault.BadFaultModel);
        yield return Row("stage 2 AArch32 not there", With(Stage2, Ste.S2AA64, 0), s_smmu, SmmuV3Fault.TableFormatNotImplemented);
        yield return Row("stage 2 hardware update not there", With(Stage2, Ste.S2HA, 1), s_smmu, SmmuV3Fault.HardwareUpdateNotImplemented);
        yield return Row("stage 2 table beyond the output size", StreamTableEntry.Bypass.WithStage2(new SteStage2 { Table = new PhysAddr(1UL << 48) }), s_smmu, SmmuV3Fault.BadAddress);

        static TestCaseData Row(string name, StreamTableEntry entry, SmmuV3Features smmu, SmmuV3Fault fault) =>
            new TestCaseData(entry, smmu, fault).SetName("{m}: " + name);
    }

    [TestCaseSource(nameof(Entries))]
    public void Entry(StreamTableEntry entry, SmmuV3Features smmu, SmmuV3Fault fault) => Assert.That(entry.Check(smmu), Is.EqualTo(fault));

    private static IEnumerable<TestCaseData> Contexts()
    {
        yield return Row("invalid", default, s_smmu, SmmuV3Fault.NotValid);
        yield return Row("lower range", Context, s_smmu, SmmuV3Fault.None);
        yield return Row("AArch32 not there", With(Context, Cd.AA64, 0), s_smmu, SmmuV3Fault.TableFormatNotImplemented);
        yield return Row("big-endian not there", With(Context, Cd.ENDI, 1), s_smmu, SmmuV3Fault.BadEndianness);
        yield return Row("reserved granule", With(Context, Cd.TG0, 3), s_smmu, SmmuV3Fault.BadGranule);
        yield return Row("closed ranges are not looked at", With(With(Context, Cd.TG0, 3), Cd.EPD0, 1), s_smmu, SmmuV3Fault.None);
        yield return Row("upper range has reserved granule 0", With(Context, Cd.EPD1, 0), s_smmu, SmmuV3Fault.BadGranule);
        yield return Row("49 bits", With(Context, Cd.T0SZ, 15), s_smmu, SmmuV3Fault.BadInputSize);
        yield return Row("24 bits", With(Context, Cd.T0SZ, 40), s_smmu, SmmuV3Fault.BadInputSize);
        yield return Row("25 bits", With(Context, Cd.T0SZ, 39), s_smmu, SmmuV3Fault.None);
        yield return Row("table beyond the output size", ContextDescriptor.Lower(new PhysAddr(1UL << 48), 39, 12, 48, 0, 0), s_smmu, SmmuV3Fault.BadAddress);
        yield return Row("stalls not there", Context.WithStalls(), s_smmu with { StallModel = StallModel.TerminateOnly }, SmmuV3Fault.BadFaultModel);
        yield return Row("stalls forced", Context, s_smmu with { StallModel = StallModel.StallForced }, SmmuV3Fault.BadFaultModel);
        yield return Row("read-as-zero not there", With(Context, Cd.A, 0), s_smmu, SmmuV3Fault.BadFaultModel);
        yield return Row("read-as-zero", With(Context, Cd.A, 0), s_smmu with { TerminatesWithAbort = false }, SmmuV3Fault.None);
        yield return Row("access flag update not there", With(Context, Cd.HA, 1), s_smmu, SmmuV3Fault.HardwareUpdateNotImplemented);
        yield return Row("dirty update without its level", With(Context, Cd.HD, 1), s_smmu with { HardwareUpdate = 1 }, SmmuV3Fault.HardwareUpdateNotImplemented);

        static TestCaseData Row(string name, ContextDescriptor cd, SmmuV3Features smmu, SmmuV3Fault fault) =>
            new TestCaseData(cd, smmu, fault).SetName("{m}: " + name);
    }

    [TestCaseSource(nameof(Contexts))]
    public void Context_descriptor(ContextDescriptor cd, SmmuV3Features smmu, SmmuV3Fault fault) => Assert.That(cd.Check(smmu), Is.EqualTo(fault));

    // Arm DDI 0487, D8.2.6: for every granule and start level, the input sizes with one table up to sixteen side by side.
    [TestCase(12, 0, 40, 48)]
    [TestCase(12, 1, 31, 43)]
    [TestCase(12, 2, 25, 34)]
    [TestCase(14, 1, 37, 48)]
    [TestCase(14, 2, 26, 40)]
    [TestCase(14, 3, 25, 29)]
    [TestCase(16, 1, 43, 48)]
    [TestCase(16, 2, 30, 46)]
    [TestCase(16, 3, 25, 33)]
    public void A_stage_2_walk_starts_where_the_input_size_allows(int granule, int level, int least, int most) => Assert.Multiple(() =>
    {
        Assert.That(Stage2Geometry.StartLevel(granule, Stage2Geometry.StartLevelCode(granule, level)), Is.EqualTo(level));
        for (var bits = 25; bits <= 48; bits++)
            Assert.That(Stage2Geometry.ConcatenationBits(granule, bits, level) >= 0, Is.EqualTo(bits >= least && bits <= most), $"{bits} bits");
    });

    [Test]
    public void Only_used_bits_change_the_meaning()
    {
        // 5.2: with V 0 nothing else is looked at; bypass looks at no stage; stage 2 alone does not look at S1ContextPtr.
        Assert.Multiple(() =>
        {
            Assert.That(default(StreamTableEntry).UsedBits[0], Is.EqualTo(1UL));
            Assert.That(StreamTableEntry.Abort.UsedBits, Is.EqualTo(default(StructureWords).With(0, 0xF)));
            Assert.That(StreamTableEntry.Bypass.UsedBits[2], Is.EqualTo(0UL));
            Assert.That(Stage2.UsedBits[Ste.S1CDMax], Is.EqualTo(0UL));
            Assert.That(Stage2.UsedBits[3], Is.EqualTo(Ste.S2TTB.Mask));
            Assert.That(Stage1.UsedBits[0], Is.EqualTo(0xFUL | 3UL << 4 | Ste.S1ContextPtr.Mask | 0x1FUL << 59));
            Assert.That(Stage1.UsedBits[2], Is.EqualTo(0xFFFFUL), "the VMID tags stage 1 entries of the NS-EL1 world");
            Assert.That(StreamTableEntry.Stage1(default, world: StreamWorld.El2).UsedBits[2], Is.EqualTo(0UL));
        });
    }

    // 3.5.1, with a queue of four entries: eight values of wrap and index.
    [Test]
    public void Queue_pointers_turn_with_a_wrap_bit()
    {
        var producer = new QueuePointer(0, 2);
        var consumer = new QueuePointer(0, 2);
        Assert.That(QueuePointer.IsEmpty(producer, consumer), Is.True);
        for (var turn = 0; turn < 8; turn++)
        {
            for (var i = 1; i <= 4; i++)
            {
                producer = producer.Next;
                Assert.That(QueuePointer.Occupied(producer, consumer), Is.EqualTo(i));
                Assert.That(QueuePointer.IsFull(producer, consumer), Is.EqualTo(i == 4));
            }
            for (var i = 3; i >= 0; i--)
            {
                consumer = consumer.Next;
                Assert.That(QueuePointer.Occupied(producer, consumer), Is.EqualTo(i));
                Assert.That(QueuePointer.IsEmpty(producer, consumer), Is.EqualTo(i == 0));
            }
        }
        Assert.That(new QueuePointer(QueuePointer.Overflow | 5, 2).Value, Is.EqualTo(5u), "the overflow flag is no part of the pointer");
    }

    [Test]
    public void Decoded_structures_are_what_was_encoded() => Assert.Multiple(() =>
    {
        const int seed = 20261129;
        var random = new Random(seed);
        for (var i = 0; i < 20_000; i++)
        {
            var granule = new[] { 12, 14, 16 }[random.Next(3)];
            var level = random.Next(granule == 12 ? 0 : 1, granule == 12 ? 3 : 4);
            var stage2 = new SteStage2
            {
                Vmid = (ushort)random.Next(65536), Table = new PhysAddr((ulong)random.NextInt64(1L << 48) & ~0xFUL), InputBits = random.Next(1, 65), GranuleShift = granule,
                StartLevel = level, OutputBits = new[] { 32, 36, 40, 42, 44, 48, 52 }[random.Next(7)], IgnoresAccessFlag = random.Next(2) == 0,
                ProtectsTableWalk = random.Next(2) == 0, Stalls = random.Next(2) == 0, RecordsFaults = random.Next(2) == 0, IsAArch64 = random.Next(2) == 0,
            };
            Assert.That(StreamTableEntry.Bypass.WithStage2(stage2).Stage2, Is.EqualTo(stage2), $"seed {seed}, step {i}");
        }
    });
}
