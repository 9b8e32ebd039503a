using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Toolchains;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>
/// The boards' own images, as the planner makes them, on the machines that the boards describe: every edge of every region with a page to each side, and addresses
/// at random, by both privileges, in all three kinds of access.
/// </summary>
/// <remarks>
/// Where a processor cannot look at its tables from outside, the few pages that the probes themselves need are mapped beside the image: Armv7 without a second tree,
/// x86. The image's own descriptors stay as they are, but for empty ones of its root (and of tables below addresses that the kernel leaves to processes).
/// </remarks>
public sealed class BoardImageTests
{
    private const int RandomAddresses = 2000;

    private static IEnumerable<TestCaseData> Images =>
    [
        new("qemu/virt-cortex-a53", "vmsav8-64-4k", MapStyle.Kernel), new("qemu/virt-cortex-a53", "vmsav8-64-16k", MapStyle.Kernel),
        new("qemu/virt-cortex-a53", "vmsav8-64-64k", MapStyle.Kernel), new("qemu/virt-cortex-a53", "vmsav8-64-4k", MapStyle.Flat),
        new("qemu/virt-smmuv3", "vmsav8-64-4k", MapStyle.Kernel),
        new("qemu/virt-cortex-a15", "arm-short", MapStyle.Kernel), new("qemu/virt-cortex-a15", "arm-lpae", MapStyle.Kernel),
        // Not long descriptors, flat: the board has devices above 4 GiB.
        new("qemu/virt-cortex-a15", "arm-short", MapStyle.Flat),
        new("pc/pc-32", "x86-32", MapStyle.Kernel), new("pc/pc-32", "x86-pae", MapStyle.Kernel), new("pc/pc-pae", "x86-pae", MapStyle.Kernel),
        new("pc/pc-64", "x86-64", MapStyle.Kernel), new("pc/pc-64", "x86-64-la57", MapStyle.Kernel),
    ];

    [TestCaseSource(nameof(Images))]
    public void A_boards_image_is_on_the_processor_what_its_plan_says(string board, string format, MapStyle style)
    {
        var plan = Plan(board, format, style);
        for (var tree = 0; tree < plan.Regime.Trees.Length; tree++)
        {
            var run = Prepare(plan, tree, seed: 1);
            var through = run.Probes.Count(p => run.Regime.Predict(p).Report is null);
            TestContext.Out.WriteLine(
                $"{plan.Regime.Trees[tree].Register}: {run.Probes.Count} probes at {run.Places} places, {through} go through, image of {plan.Bytes} bytes at {plan.Base}");
            // Nothing is shown where nothing is mapped behind the edges that can be looked at.
            Assert.That(Math.Min(through, run.Probes.Count - through), Is.GreaterThan(100));
            Regime.Check($"{board} {format} {plan.Regime.Trees[tree].Register}", run.Mismatches([]));
        }
    }

    // Each format once.
    private static IEnumerable<TestCaseData> Formats => Images.GroupBy(i => i.Arguments[1]).Select(g => g.First());

    // The test of the test.
    [TestCaseSource(nameof(Formats))]
    public void One_wrong_bit_in_a_boards_image_is_found(string board, string format, MapStyle style)
    {
        var plan = Plan(board, format, style);
        var run = Prepare(plan, plan.Regime.Trees.Length - 1, seed: 2);
        var tables = run.Regime.Trees.Single(t => t.Address == plan.Base.Value);
        // The leaf that most probes, stores among them, go through: no longer valid; another address; other rights.
        var reached = run.Probes.Select(p => (p.Access, Result: run.Regime.Predict(p)))
            .Where(p => p.Result.Report is null && IsIn(plan, p.Result.Translation.DescriptorAddress)).ToList();
        var writable = reached.Where(p => p.Access == AccessRights.Write).Select(p => p.Result.Translation.DescriptorAddress).ToHashSet();
        var found = reached.Select(p => p.Result).Where(p => writable.Contains(p.Translation.DescriptorAddress))
            .GroupBy(p => p.Translation.DescriptorAddress).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).First().First().Translation;
        var shape = tables.Format.ShapeOf(found.Descriptor, found.Level);
        var attributes = tables.Format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
        var narrower = attributes with { Privileged = attributes.Privileged & ~AccessRights.Write, IsDirty = false };
        Assert.That(tables.Format.TryEncodeLeaf(0, attributes with { IsDirty = false }, shape, out var both), Is.EqualTo(EncodingRefusal.None));
        Assert.That(tables.Format.TryEncodeLeaf(0, narrower, shape, out var less), Is.EqualTo(EncodingRefusal.None));
        foreach (var (what, changed) in ((string, ulong)[])[("valid", 1), ("address", shape.Bytes / (ulong)shape.Count), ("write", both ^ less)])
        {
            Assert.That(run.Mismatches([(found.DescriptorAddress, changed)]), Is.Not.Empty,
                $"{what}: 0x{changed:x} of the descriptor 0x{found.Descriptor:x} at 0x{found.DescriptorAddress:x}");
        }
    }

    private static bool IsIn(PageTablePlan plan, ulong address) => address >= plan.Base.Value && address - plan.Base.Value < plan.Bytes;

    internal static PageTablePlan Plan(string board, string format, MapStyle style)
    {
        // A place that the program, which looks for it in the first gigabytes, can reach on a PC, and which no high memory of Armv7 is.
        var at = board.StartsWith("pc/", StringComparison.Ordinal) ? 0x400_0000UL : board.EndsWith("a15", StringComparison.Ordinal) ? 0x4900_0000UL : (ulong?)null;
        string[] config = format == "x86-64-la57" ? ["CONFIG_X86_5LEVEL=y"] : [];
        var compilation = BoardPipeline.Compile(RepositoryBoards.Input(board, config));
        Assert.That(compilation.Layout, Is.Not.Null, string.Join('\n', compilation.Diagnostics));
        var result = PageTablePlanner.Plan(
            compilation.Layout!, new PageTableOptions { Format = format, Style = style, Base = at is { } address ? new PhysAddr(address) : null });
        Assert.That(result.Plan, Is.Not.Null, string.Join('\n', result.Diagnostics));
        return result.Plan!;
    }

    private static BoardRun Prepare(PageTablePlan plan, int tree, int seed) => plan.Regime.Trees[tree].Format switch
    {
        IVmsav8Stage1 format => AArch64(plan, format, tree, seed),
        { Name: "arm-short" or "arm-lpae" } => Arm(plan, seed),
        _ => X86(plan, seed),
    };

    // The kernel's tree is probed with code that lies in the other half, and the other one the same way round.
    private static BoardRun AArch64(PageTablePlan plan, IVmsav8Stage1 format, int tree, int seed)
    {
        const ulong Script = 0x4800_0000;
        // Cortex-A53 has no granule of 16 KiB.
        var cpu = format.Name == "vmsav8-64-16k" ? "max" : "cortex-a53";
        var machine = AArch64Tests.Machine(cpu) with { LinkAddress = 0x4700_0000 };
        var firmware = MmuProbe.Build(machine, Script, "aarch64");
        var tables = Tables(plan, tree, 0);
        var stubs = AArch64Tests.Stubs(format, firmware);
        var regime = AArch64Tests.Regime(format.IsUpper ? [stubs, tables] : [tables, stubs]);
        var setup = AArch64Tests.Setup(format, tables, stubs, firmware);
        // The plan's own word about this half.
        foreach (var name in (string[])[format.IsUpper ? "TTBR1_EL1" : "TTBR0_EL1", "MAIR_EL1"])
            Assert.That(setup[name == "MAIR_EL1" ? 0 : format.IsUpper ? 3 : 2], Is.EqualTo(plan.Registers.Single(r => r.Name == name).Value), name);
        return Run(plan, tables, regime, setup, machine, firmware, Script, Ram(plan), states: cpu == "max" ? 2 : 1, seed);
    }

    private static BoardRun Arm(PageTablePlan plan, int seed)
    {
        const ulong Script = 0x4800_0000;
        var machine = ArmTests.Machine with { LinkAddress = 0x4700_0000 };
        var firmware = MmuProbe.Build(machine, Script, "arm");
        var tables = Tables(plan, 0, 0x1_0000);
        var window = Free(plan, 1UL << 30, 0x8000_0000);
        ArmTests.MapStubs(tables, window, firmware);
        return Run(plan, tables, ArmTests.Regime([tables]), ArmTests.Setup(tables.Format, tables, tables, window, firmware), machine, firmware, Script,
            Ram(plan), states: 1, seed);
    }

    private static BoardRun X86(PageTablePlan plan, int seed)
    {
        const ulong Script = 0x300_0000;
        var machine = X86Tests.Machine(plan.Regime.Trees[0].Format);
        // All the RAM that the board has, of which the host only gives what is written. The machine "pc" has 3 GiB of it below the devices, where 32 bits reach.
        var banks = plan.Map.Layout.Banks;
        var megabytes = (banks.Aggregate(0UL, (sum, b) => sum + b.Range.Size.Value) >> 20 | 15) + 1;
        machine = machine with
        {
            Arguments =
            [
                "-M", "pc,memory-backend=ram", "-cpu", "max", "-m", FormattableString.Invariant($"{megabytes}M"),
                "-object", FormattableString.Invariant($"memory-backend-ram,id=ram,size={megabytes}M,reserve=off"),
            ],
        };
        var end = machine.Toolchain == Toolchain.X86 ? Math.Min(banks[^1].Range.End.Value, 0xc000_0000) : banks[^1].Range.End.Value;
        var pool = new Pool(0x600_0000, end) { Without = [.. plan.Map.Layout.Holes.Select(h => (h.Range.Start.Value, h.Range.End.Value))] };
        var firmware = MmuProbe.Build(machine, Script, "x86");
        var tables = Tables(plan, 0, 0x4_0000);
        X86Tests.MapProgram(tables, firmware);
        return Run(plan, tables, X86Tests.Regime(tables, hasSmap: false), X86Tests.Setup(tables, hasSmap: false), machine, firmware, Script,
            pool, states: 1, seed);
    }

    private static TestTables Tables(PageTablePlan plan, int tree, int room) =>
        new(plan.Regime.Trees[tree].Format, plan.Base.Value, TableImage.Write(plan), plan.AddressOf(plan.Roots[tree]).Value, room);

    // RAM of the virt machine without program, script, image and the machine's other trees.
    private static Pool Ram(PageTablePlan plan) => new(0x4000_0000, 0x8000_0000)
    {
        Without = [(0x4700_0000, 0x4c00_0000), (plan.Base.Value & ~0xffffUL, plan.Base.Value + plan.Bytes + 0x1_0000)],
    };

    private static ulong Free(PageTablePlan plan, ulong bytes, ulong from)
    {
        for (var start = from & ~(bytes - 1); start < 1UL << 32; start += bytes)
        {
            if (!plan.Map.Regions.Any(r => r.Virt.Start.Value < start + bytes && r.Virt.Last.Value >= start))
                return start;
        }
        for (var start = 0UL; start < from; start += bytes)
        {
            if (!plan.Map.Regions.Any(r => r.Virt.Start.Value < start + bytes && r.Virt.Last.Value >= start))
                return start;
        }
        throw new InvalidOperationException("The image leaves no entry of its root empty.");
    }

    private static BoardRun Run(
        PageTablePlan plan, TestTables tables, Regime regime, ulong[] setup, QemuMachine machine, Firmware firmware, ulong script, Pool pool, int states, int seed)
    {
        var random = new Random(seed * 7919);
        var format = tables.Format;
        var places = new SortedSet<ulong>();
        var regions = plan.Map.Regions.Where(r => format.Translates(r.Virt.Start.Value)).ToList();
        foreach (var region in regions)
        {
            Look(unchecked(region.Virt.Start.Value - Pool.Page));
            Look(region.Virt.Start.Value);
            Look(region.Virt.Last.Value + 1 - Pool.Page);
            Look(unchecked(region.Virt.Last.Value + 1));
        }
        for (var i = 0; i < RandomAddresses; i++)
        {
            var region = regions[random.Next(regions.Count)];
            Look(region.Virt.Start.Value + ((ulong)random.NextInt64((long)(region.Virt.Size.Value / Pool.Page)) * Pool.Page));
            var range = format.InputRanges[random.Next(format.InputRanges.Length)];
            if (i % 4 == 0)
                Look(range.Start.Value + ((ulong)random.NextInt64((long)(range.Size.Value / Pool.Page)) * Pool.Page));
        }
        return new BoardRun(regime, setup, machine, firmware, script, regime.Probes(places, pool, random, states), places.Count);

        void Look(ulong page)
        {
            if (format.InputRanges[0].Start.Value == 0 && format.InputBits <= 32)
                page &= uint.MaxValue;
            places.Add(page & ~(Pool.Page - 1));
        }
    }

    /// <summary>Probes of one tree of an image, ready to run.</summary>
    private sealed record BoardRun(
        Regime Regime, ulong[] Setup, QemuMachine Machine, Firmware Firmware, ulong Script, IReadOnlyList<Probe> Probes, int Places)
    {
        /// <summary>Runs, with bits of the image changed behind the walker's back.</summary>
        public IReadOnlyList<string> Mismatches(IReadOnlyList<(ulong Address, ulong Bits)> broken)
        {
            var images = Regime.Trees.Select(t => new MemoryImage(t.Address, (byte[])t.Bytes.Clone())).ToList();
            foreach (var (address, bits) in broken)
            {
                var image = images.First(i => address >= i.Address && address - i.Address < (ulong)i.Bytes.Length);
                var (at, size) = ((int)(address - image.Address), Regime.Trees[0].Format.DescriptorSize);
                ImageMemory.Write(image.Bytes, at, size, ImageMemory.Read(image.Bytes, at, size) ^ bits);
            }
            var (script, results) = MmuProbe.Run(Machine, Firmware, Script, Regime, Setup, Probes, images: images);
            return Regime.Mismatches(script, results);
        }
    }
}
