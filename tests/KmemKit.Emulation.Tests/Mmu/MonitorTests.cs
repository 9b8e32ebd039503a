using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.Emulation.Tests.Machines;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>
/// The emulator's monitor as a second view of the tables, by code that is not the one which runs accesses: <c>gva2gpa</c> everywhere, <c>info tlb</c> and <c>info mem</c>
/// of x86, <c>info mem</c> of RISC-V (the monitor of QEMU 7.2 has them for no other processor here, and the latter of x86 not with five levels).
/// </summary>
public sealed class MonitorTests
{
    // QEMU 7.2 sets A and D itself, as Svadu lets it.
    private const TranslationControls Used = TranslationControls.HardwareAccessed | TranslationControls.HardwareDirty;

    private static IEnumerable<TestCaseData> Formats =>
    [
        Case(new X86Format<TwoLevel>(40)), Case(new X86Format<Pae>(40)), Case(new X86Format<FourLevel>(40)), Case(new X86Format<FiveLevel>(40)),
        Case(new SvFormat<Sv32>(Used)), Case(new SvFormat<Sv39>(Used)), Case(new SvFormat<Sv48>(Used)), Case(new SvFormat<Sv57>(Used)),
    ];

    private static TestCaseData Case(ITranslationFormat format) => new TestCaseData(format).SetArgDisplayNames(format.Name);

    [TestCaseSource(typeof(BoardImageTests), nameof(BoardImageTests.Images))]
    public void A_boards_image_is_to_the_monitor_what_its_plan_says(string board, string format, MapStyle style)
    {
        var plan = BoardImages.Plan(board, format, style);
        for (var tree = 0; tree < plan.Regime.Trees.Length; tree++)
        {
            var run = BoardImages.Prepare(plan, tree, seed: 3, hold: true);
            var script = new ProbeScript(run.Setup, [], [], 0, 0);
            using var monitor = EmulatorMonitor.Start(run.Machine, run.Firmware,
                [new MemoryImage(run.Script, script.ToBytes(0)), .. run.Regime.Trees.Select(t => new MemoryImage(t.Address, t.Bytes))]);
            monitor.WaitFor(run.Spin);
            Compare(monitor, run.Regime, run.Places);
        }
    }

    [TestCaseSource(nameof(Formats))]
    public void Random_tables_are_to_the_monitor_what_the_walker_says(ITranslationFormat format)
    {
        for (var seed = 1; seed <= 2; seed++)
        {
            var random = new Random(seed * 7919 + format.InputBits);
            var isRiscV = IsRiscV(format);
            var script = isRiscV ? 0x8100_0000UL : 0x300_0000UL;
            var machine = !isRiscV ? X86Tests.Machine(format) : format.DescriptorSize == 4 ? QemuMachine.VirtRv32 : QemuMachine.VirtRv64;
            var firmware = MmuProbe.Build(machine, script, isRiscV ? "riscv" : "x86", hold: true);
            var tables = new TestTables(format, isRiscV ? 0x8200_0000UL : 0x400_0000UL, 0x18_0000);
            if (!isRiscV)
                X86Tests.MapProgram(tables, firmware);
            var pool = isRiscV ? new Pool(0x8400_0000, 0x8800_0000) : new Pool(0x600_0000, 0xf00_0000);
            var places = RandomMap.Fill(tables, random, pool, isRiscV ? new VirtRange(VirtAddr.Zero, 0) : new VirtRange(VirtAddr.Zero, 0x800_0000UL), junk: false);
            var regime = isRiscV ? RiscVTests.Regime(tables) : X86Tests.Regime(tables, hasSmap: false);
            ulong[] setup = isRiscV ? [format.Registers(tables.Root).Single().Value, 0] : X86Tests.Setup(tables, hasSmap: false);
            using var monitor = EmulatorMonitor.Start(machine, firmware,
                new MemoryImage(script, new ProbeScript(setup, [], [], 0, 0).ToBytes(0)), new MemoryImage(tables.Address, tables.Bytes));
            monitor.WaitFor(MmuProbe.Spin(firmware, null));
            Compare(monitor, regime, places);
        }
    }

    private static void Compare(EmulatorMonitor monitor, Regime regime, IEnumerable<ulong> places)
    {
        var wrong = new List<string>();
        var tables = regime.Trees[^1];
        var isRiscV = IsRiscV(tables.Format);
        // Before gva2gpa: on RISC-V that marks what it finds as accessed.
        var (tlb, mem) = (0, 0);
        if (tables.Format.Name.StartsWith("x86", StringComparison.Ordinal))
        {
            tlb = Differences("info tlb", TlbLines(monitor.Command("info tlb"), tables.Format), Leaf.Of(tables).Select(TlbLine), wrong);
            // With five levels QEMU 7.2 goes through the whole address space for a minute and prints nothing.
            if (tables.Format.RootLevel < 5)
                mem = Differences("info mem", X86Ranges(monitor.Command("info mem"), tables.Format), X86Ranges(Leaf.Of(tables)), wrong);
        }
        else if (isRiscV)
        {
            mem = Differences("info mem", RiscVRanges(monitor.Command("info mem"), tables.Format), RiscVRanges(Leaf.Of(tables)), wrong);
        }
        var (looked, mapped) = (0, 0);
        foreach (var page in places)
        {
            // What a load of the kernel would meet. The monitor does not look at rights on x86, where the kernel may load from everything, nor at SUM on RISC-V.
            var probe = new Probe(page + 0x7c8, AccessRights.Read, Privilege.Privileged, isRiscV ? 1 : 0);
            var prediction = regime.Predict(probe);
            if (regime.IsDoubtful(probe, prediction.Translation))
                continue;
            var said = monitor.Command(string.Create(CultureInfo.InvariantCulture, $"gva2gpa 0x{probe.Address:x}")).Trim();
            var expected = prediction.Report is null ? string.Create(CultureInfo.InvariantCulture, $"gpa: 0x{prediction.Translation.Output:x}") : "Unmapped";
            if (said != expected)
                wrong.Add($"gva2gpa 0x{probe.Address:x}: {said}, not {expected}");
            looked++;
            mapped += prediction.Report is null ? 1 : 0;
        }
        TestContext.Out.WriteLine($"{tables.Format.Name}: gva2gpa {looked} addresses, {mapped} of them mapped; info tlb {tlb} lines, info mem {mem} ranges");
        Assert.That(mapped, Is.GreaterThan(40));
        Regime.Check(tables.Format.Name, wrong);
    }

    private static bool IsRiscV(ITranslationFormat format) => format.Name.StartsWith("sv", StringComparison.Ordinal);

    private static int Differences<T>(string what, IEnumerable<T> said, IEnumerable<T> expected, List<string> wrong)
    {
        var (left, right) = (said.ToList(), expected.ToList());
        wrong.AddRange(left.Except(right).Select(l => $"{what}: the monitor has {l}"));
        wrong.AddRange(right.Except(left).Select(r => $"{what}: the walker has {r}"));
        if (left.Count != right.Count)
            wrong.Add($"{what}: {left.Count} lines, not {right.Count}");
        Assert.That(right, Is.Not.Empty);
        return right.Count;
    }

    private static ulong Hex(string text) => ulong.Parse(text, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static IEnumerable<string[]> Lines(string text) =>
        text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries));

    // "ffff888000000000: 0000000040000000 XGPDACTUW": what each leaf itself says. Accessed and dirty are the processor's own business, and of the memory type only a
    // part is there. QEMU 7.2 leaves the bit of NX in PAE's addresses.
    private static IEnumerable<(ulong, ulong, string)> TlbLines(string text, ITranslationFormat format) =>
        Lines(text).Select(l => (Leaf.Canonical(format, Hex(l[0].TrimEnd(':'))), Hex(l[1]) & ~(1UL << 63), string.Concat(l[2][0], l[2][1], l[2][7], l[2][8])));

    private static (ulong, ulong, string) TlbLine(Leaf leaf) => (leaf.Input, leaf.Output, string.Concat(
        (leaf.Attributes.Privileged & AccessRights.Execute) == 0 ? "X" : "-", leaf.Attributes.IsGlobal ? "G" : "-",
        leaf.Attributes.User != AccessRights.None ? "U" : "-", (leaf.Attributes.Privileged & AccessRights.Write) != 0 ? "W" : "-"));

    // "ffff888000000000-ffff8880c0000000 00000000c0000000 -rw": what is left under the tables above, as far as it goes on.
    private static IEnumerable<(ulong, ulong, string)> X86Ranges(string text, ITranslationFormat format) =>
        Lines(text).Select(l => (Leaf.Canonical(format, Hex(l[0].Split('-')[0])), Hex(l[1]), l[2]));

    private static List<(ulong, ulong, string)> X86Ranges(IEnumerable<Leaf> leaves)
    {
        var ranges = new List<(ulong Start, ulong Size, string Rights)>();
        foreach (var leaf in leaves)
        {
            var rights = (leaf.Effective.User != AccessRights.None ? "u" : "-") + "r" + ((leaf.Effective.Privileged & AccessRights.Write) != 0 ? "w" : "-");
            if (ranges.Count > 0 && ranges[^1] is var last && last.Start + last.Size == leaf.Input && last.Rights == rights)
                ranges[^1] = last with { Size = last.Size + leaf.Size };
            else
                ranges.Add((leaf.Input, leaf.Size, rights));
        }
        return ranges;
    }

    // "0000000080000000 0000000080000000 0000000000200000 rwx--ad" below two lines of heading.
    private static List<(ulong, ulong, ulong, string)> RiscVRanges(string text, ITranslationFormat format) =>
        Merged(Lines(text).Skip(2).Select(l => (Leaf.Canonical(format, Hex(l[0]) & ~(ulong.MaxValue << (format.InputBits - 1) << 1)), Hex(l[1]), Hex(l[2]), l[3])));

    private static List<(ulong, ulong, ulong, string)> RiscVRanges(IEnumerable<Leaf> leaves) => Merged(leaves.Select(leaf =>
    {
        var rights = leaf.Attributes.Privileged | leaf.Attributes.User;
        return (leaf.Input, leaf.Output, leaf.Size, string.Concat(
            (string[])
            [
                (rights & AccessRights.Read) != 0 ? "r" : "-", (rights & AccessRights.Write) != 0 ? "w" : "-", (rights & AccessRights.Execute) != 0 ? "x" : "-",
                leaf.Attributes.User != AccessRights.None ? "u" : "-", leaf.Attributes.IsGlobal ? "g" : "-",
                leaf.Attributes.IsAccessed ? "a" : "-", leaf.Attributes.IsDirty ? "d" : "-",
            ]));
    }));

    private static List<(ulong, ulong, ulong, string)> Merged(IEnumerable<(ulong Input, ulong Output, ulong Size, string Rights)> ranges)
    {
        var merged = new List<(ulong Input, ulong Output, ulong Size, string Rights)>();
        foreach (var range in ranges)
        {
            if (merged.Count > 0 && merged[^1] is var last && last.Input + last.Size == range.Input && last.Output + last.Size == range.Output && last.Rights == range.Rights)
                merged[^1] = last with { Size = last.Size + range.Size };
            else
                merged.Add(range);
        }
        return merged;
    }
}
