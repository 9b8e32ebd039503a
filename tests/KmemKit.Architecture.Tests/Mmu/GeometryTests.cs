using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using NUnit.Framework;

namespace KmemKit.Architecture.Tests.Mmu;

/// <summary>Levels, table sizes and leaf sizes against the manuals' tables.</summary>
public class GeometryTests
{
    // The rule of ARM DDI 0487 D8.2 in its own words: each level down from 3 resolves granule - 3 bits until the input size is used up; stage 2 leaves the
    // first level out where at most 16 tables of the next take its place, which 4 KiB granules cannot do below level 2.
    [Test]
    public void Every_granule_input_size_and_stage_of_VMSAv8_64_has_the_manual_s_levels()
    {
        var count = 0;
        foreach (var shift in new[] { 12, 14, 16 })
        {
            for (var input = 25; input <= 48; input++)
            {
                foreach (var isStage2 in new[] { false, true })
                {
                    var format = Make(shift, input, isStage2);
                    var (level, low) = (3, shift);
                    while (low + shift - 3 < input)
                        (level, low) = (level - 1, low + shift - 3);
                    if (isStage2 && input - low <= 4 && level < (shift == 12 ? 2 : 3))
                        (level, low) = (level + 1, low - (shift - 3));
                    var text = $"{format.Name} {input}";
                    Assert.That(format.RootLevel, Is.EqualTo(level), text);
                    Assert.That(format.LevelShift(level), Is.EqualTo(low), text);
                    Assert.That(format.TableEntries(level), Is.EqualTo(1L << (input - low)), text);
                    Assert.That(format.RootAlignment, Is.EqualTo(Math.Max(64, 8L << (input - low))), text);
                    Assert.That(format.RootAlignment, Is.LessThanOrEqualTo(16 << shift), "at most 16 tables");
                    for (var below = level + 1; below <= 3; below++)
                        Assert.That(format.TableBytes(below), Is.EqualTo(1 << shift), text);
                    Assert.That(format.LevelCount(), Is.EqualTo(4 - level), text);
                    Assert.That(format.InputRanges.Single().Size, Is.EqualTo(AddressLimit.FromUInt64(1UL << input)), text);
                    count++;
                }
            }
        }
        Assert.That(count, Is.EqualTo(3 * 24 * 2));
    }

    private static ITranslationFormat Make(int shift, int input, bool isStage2) => (shift, isStage2) switch
    {
        (12, false) => new Vmsav8Format<Granule4K>(input),
        (14, false) => new Vmsav8Format<Granule16K>(input),
        (16, false) => new Vmsav8Format<Granule64K>(input),
        (12, true) => new Vmsav8Stage2Format<Granule4K>(input),
        (14, true) => new Vmsav8Stage2Format<Granule16K>(input),
        _ => new Vmsav8Stage2Format<Granule64K>(input),
    };

    private static IEnumerable<TestCaseData> LeafSizes =>
    [
        // Intel SDM volume 3, 5.1.1; ARM DDI 0406C B3.3, B3.6; ARM DDI 0487 D8.7.1; RISC-V privileged 4.3 to 4.6 and Svnapot.
        Case(default(X86Format<TwoLevel>), "4K 4M"), Case(default(X86Format<Pae>), "4K 2M"), Case(default(X86Format<FourLevel>), "4K 2M 1G"),
        Case(default(X86Format<FiveLevel>), "4K 2M 1G"), Case(default(ArmShortFormat), "4K 16x4K 1M 16x1M"),
        Case(default(ArmLpaeFormat), "4K 16x4K 2M 16x2M 1G"), Case(default(ArmLpaeStage2Format), "4K 16x4K 2M 16x2M 1G 16x1G"),
        Case(default(Vmsav8Format<Granule4K>), "4K 16x4K 2M 16x2M 1G 16x1G"), Case(default(Vmsav8Format<Granule16K>), "16K 128x16K 32M 32x32M"),
        Case(default(Vmsav8Format<Granule64K>), "64K 32x64K 512M 32x512M"), Case(new Vmsav8Format<Granule64K>(48, 52), "64K 32x64K 512M 32x512M 4096G"),
        Case(new Vmsav8Format<Granule4K>(25), "4K 16x4K 2M 16x2M"), Case(new Vmsav8Format<Granule16K>(25), "16K 128x16K"),
        Case(default(SvFormat<Sv32>), "4K 4M"), Case(default(SvFormat<Sv39>), "4K 2M 1G"), Case(default(SvFormat<Sv48>), "4K 2M 1G 512G"),
        Case(new SvFormat<Sv57>(TranslationControls.Svnapot), "4K 16x4K 2M 1G 512G 262144G"),
    ];

    private static TestCaseData Case(ITranslationFormat format, string sizes) =>
        new TestCaseData(format, sizes).SetArgDisplayNames($"{format.Name}-{format.InputBits}-{format.OutputBits}");

    [TestCaseSource(nameof(LeafSizes))]
    public void Leaves_have_the_manual_s_sizes(ITranslationFormat format, string sizes) =>
        Assert.That(format.Shapes.Select(s => s.ToString().Split(", ")[1].Replace(" ", "", StringComparison.Ordinal)), Is.EqualTo(sizes.Split(' ')));

    private static IEnumerable<TestCaseData> Roots =>
    [
        Root(default(X86Format<TwoLevel>), 2, 1024, 4096, 32), Root(default(X86Format<Pae>), 3, 4, 32, 32), Root(default(X86Format<FourLevel>), 4, 512, 4096, 48),
        Root(default(X86Format<FiveLevel>), 5, 512, 4096, 57), Root(default(ArmShortFormat), 1, 4096, 16384, 32), Root(new ArmShortFormat(3), 1, 512, 2048, 29),
        Root(new ArmShortFormat(3, isUpper: true), 1, 4096, 16384, 32), Root(default(ArmLpaeFormat), 1, 4, 64, 32), Root(new ArmLpaeFormat(30), 2, 512, 4096, 30),
        Root(default(ArmLpaeStage2Format), 1, 1024, 8192, 40), Root(default(SvFormat<Sv32>), 1, 1024, 4096, 32), Root(default(SvFormat<Sv39>), 2, 512, 4096, 39),
        Root(default(SvFormat<Sv48>), 3, 512, 4096, 48), Root(default(SvFormat<Sv57>), 4, 512, 4096, 57),
    ];

    private static TestCaseData Root(ITranslationFormat format, int level, int entries, int alignment, int input) =>
        new TestCaseData(format, level, entries, alignment, input).SetArgDisplayNames($"{format.Name}-{format.InputRanges[0]}");

    [TestCaseSource(nameof(Roots))]
    public void Roots_have_the_manual_s_level_size_and_alignment(ITranslationFormat format, int level, int entries, int alignment, int input) => Assert.Multiple(() =>
    {
        Assert.That(format.RootLevel, Is.EqualTo(level));
        Assert.That(format.TableEntries(level), Is.EqualTo(entries));
        Assert.That(format.TableAlignment(level), Is.EqualTo(alignment));
        Assert.That(format.InputBits, Is.EqualTo(input));
    });

    [TestCaseSource(typeof(FormatCases), nameof(FormatCases.All))]
    public void Ranges_and_the_test_for_one_address_agree_at_their_edges(ITranslationFormat format)
    {
        var edges = format.InputRanges.SelectMany(r => new[] { unchecked(r.Start.Value - 1), r.Start.Value, r.Last.Value, unchecked(r.Last.Value + 1) });
        var random = new Random(5);
        foreach (var address in edges.Concat(Enumerable.Range(0, 1000).Select(_ => (ulong)random.NextInt64() >> random.Next(64))).Append(ulong.MaxValue).Append(1UL << 32))
            Assert.That(format.Translates(address), Is.EqualTo(format.InputRanges.Any(r => r.Contains(new VirtAddr(address)))), address.ToString("x"));
    }

    [Test]
    public void Sizes_the_architectures_do_not_have_are_refused() => Assert.Multiple(() =>
    {
        Refused(() => new Vmsav8Format<Granule4K>(24));
        Refused(() => new Vmsav8Format<Granule4K>(49));
        Refused(() => new Vmsav8Format<Granule4K>(48, 52));
        Refused(() => new Vmsav8Format<Granule4K>(48, 39));
        Refused(() => new Vmsav8Format<Granule4K>(48, controls: TranslationControls.HardwareDirty));
        Refused(() => new Vmsav8Format<Granule4K>(48, controls: TranslationControls.Smep));
        Refused(() => new Vmsav8Stage2Format<Granule16K>(24));
        Refused(() => new Vmsav8Stage2Format<Granule16K>(40, controls: TranslationControls.Wxn));
        Refused(() => new X86Format<TwoLevel>(41));
        Refused(() => new X86Format<FourLevel>(31));
        Refused(() => new X86Format<FourLevel>(48, TranslationControls.Wxn));
        Refused(() => new ArmShortFormat(8));
        Refused(() => new ArmShortFormat(0, isUpper: true));
        Refused(() => new ArmShortFormat(0, controls: TranslationControls.Smep));
        Refused(() => new ArmLpaeFormat(33));
        Refused(() => new ArmLpaeFormat(32, isUpper: true));
        Refused(() => new ArmLpaeFormat(24));
        Refused(() => new ArmLpaeStage2Format(41));
        Refused(() => new SvFormat<Sv32>(TranslationControls.Svpbmt));
        Refused(() => new SvFormat<Sv39>(TranslationControls.HardwareAccessed));

        static void Refused(Func<ITranslationFormat> make) => Assert.That(() => make(), Throws.InstanceOf<ArgumentOutOfRangeException>());
    });
}
