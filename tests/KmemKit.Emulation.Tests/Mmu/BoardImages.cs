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

/// <summary>Images as the planner makes them for boards of the repository, on the machines that the boards describe.</summary>
internal static class BoardImages
{
    private const int RandomAddresses = 2000;

    // Behind the program and its script, which lie where firmware and the kernel's image would.
    private const ulong RiscVImage = 0x8200_0000;

    public static PageTablePlan Plan(string board, string format, MapStyle style)
    {
        // A place that the program, which looks for it in the first gigabytes, can reach on a PC, and which no high memory of Armv7 is.
        ulong? at = board.StartsWith("pc/", StringComparison.Ordinal) ? 0x400_0000 : board.EndsWith("a15", StringComparison.Ordinal) ? 0x4900_0000
            : format.StartsWith("sv", StringComparison.Ordinal) ? RiscVImage : null;
        string[] config = format switch { "x86-64-la57" => ["CONFIG_X86_5LEVEL=y"], "sv39" => ["CONFIG_PGTABLE_LEVELS=3"], _ => [] };
        var compilation = BoardPipeline.Compile(RepositoryBoards.Input(board, config));
        Assert.That(compilation.Layout, Is.Not.Null, string.Join('\n', compilation.Diagnostics));
        var result = PageTablePlanner.Plan(
            compilation.Layout!, new PageTableOptions { Format = format, Style = style, Base = at is { } address ? new PhysAddr(address) : null });
        Assert.That(result.Plan, Is.Not.Null, string.Join('\n', result.Diagnostics));
        return result.Plan!;
    }

    public static BoardRun Prepare(PageTablePlan plan, int tree, int seed, bool hold = false) => plan.Regime.Trees[tree].Format switch
    {
        IVmsav8Stage1 format => AArch64(plan, format, tree, seed, hold),
        { Name: "arm-short" or "arm-lpae" } => Arm(plan, seed, hold),
        { Name: "sv32" or "sv39" or "sv48" or "sv57" } => RiscV(plan, seed, hold),
        _ => X86(plan, seed, hold),
    };

    // The kernel's tree is probed with code that lies in the other half, and the other one the same way round.
    private static BoardRun AArch64(PageTablePlan plan, IVmsav8Stage1 format, int tree, int seed, bool hold)
    {
        const ulong Script = 0x4800_0000;
        // Cortex-A53 has no granule of 16 KiB.
        var cpu = format.Name == "vmsav8-64-16k" ? "max" : "cortex-a53";
        var machine = AArch64Tests.Machine(cpu) with { LinkAddress = 0x4700_0000 };
        var firmware = MmuProbe.Build(machine, Script, "aarch64", hold);
        var tables = Tables(plan, tree, 0);
        var stubs = AArch64Tests.Stubs(format, firmware);
        var regime = AArch64Tests.Regime(format.IsUpper ? [stubs, tables] : [tables, stubs]);
        var setup = AArch64Tests.Setup(format, tables, stubs, firmware);
        // The plan's own word about this half.
        foreach (var name in (string[])[format.IsUpper ? "TTBR1_EL1" : "TTBR0_EL1", "MAIR_EL1"])
            Assert.That(setup[name == "MAIR_EL1" ? 0 : format.IsUpper ? 3 : 2], Is.EqualTo(plan.Registers.Single(r => r.Name == name).Value), name);
        var spin = MmuProbe.Spin(firmware, stubs.Format.InputRanges[0].Start.Value);
        return Run(plan, tables, regime, setup, machine, firmware, Script, spin, Ram(plan), states: cpu == "max" ? 2 : 1, seed);
    }

    private static BoardRun Arm(PageTablePlan plan, int seed, bool hold)
    {
        const ulong Script = 0x4800_0000;
        var machine = ArmTests.Machine with { LinkAddress = 0x4700_0000 };
        var firmware = MmuProbe.Build(machine, Script, "arm", hold);
        var tables = Tables(plan, 0, 0x1_0000);
        var window = Free(plan, 1UL << 30, 0x8000_0000);
        ArmTests.MapStubs(tables, window, firmware);
        return Run(plan, tables, ArmTests.Regime([tables]), ArmTests.Setup(tables.Format, tables, tables, window, firmware), machine, firmware, Script,
            MmuProbe.Spin(firmware, window), Ram(plan), states: 1, seed);
    }

    private static BoardRun X86(PageTablePlan plan, int seed, bool hold)
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
        var firmware = MmuProbe.Build(machine, Script, "x86", hold);
        var tables = Tables(plan, 0, 0x4_0000);
        X86Tests.MapProgram(tables, firmware);
        return Run(plan, tables, X86Tests.Regime(tables, hasSmap: false), X86Tests.Setup(tables, hasSmap: false), machine, firmware, Script,
            MmuProbe.Spin(firmware, null), pool, states: 1, seed);
    }

    // The program looks at the tables from M-mode, which has none.
    private static BoardRun RiscV(PageTablePlan plan, int seed, bool hold)
    {
        const ulong Script = 0x8100_0000;
        var tables = Tables(plan, 0, 0);
        var basis = tables.Format.DescriptorSize == 4 ? QemuMachine.VirtRv32 : QemuMachine.VirtRv64;
        var machine = basis with { Arguments = [.. basis.Arguments.Select(a => a == "128" ? "1024" : a)] };
        var firmware = MmuProbe.Build(machine, Script, "riscv", hold);
        var satp = plan.Registers.Single(r => r.Name == "satp").Value;
        var pool = new Pool(0x8000_0000, 0xc000_0000) { Without = [(0x8000_0000, plan.Base.Value + plan.Bytes + 0x1_0000)] };
        // QEMU 7.2 keeps one entry for what M-mode fetches, which is not translated, and for what it loads under MPRV, which is: a map that has the program's own
        // page at the same address is looked past there.
        var (regime, own) = (RiscVTests.Regime(tables), firmware.Symbols["guarded_load"] & ~(Pool.Page - 1));
        var usual = regime.IsDoubtful;
        regime = regime with { IsDoubtful = (probe, found) => (probe.Address & ~(Pool.Page - 1)) == own || usual(probe, found) };
        return Run(plan, tables, regime, [satp, 0], machine, firmware, Script, MmuProbe.Spin(firmware, null), pool, states: 4, seed);
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
        PageTablePlan plan, TestTables tables, Regime regime, ulong[] setup, QemuMachine machine, Firmware firmware, ulong script, ulong spin, Pool pool, int states, int seed)
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
        return new BoardRun(regime, setup, machine, firmware, script, regime.Probes(places, pool, random, states), [.. places], spin);

        void Look(ulong page)
        {
            if (format.InputRanges[0].Start.Value == 0 && format.InputBits <= 32)
                page &= uint.MaxValue;
            places.Add(page & ~(Pool.Page - 1));
        }
    }
}

/// <summary>Probes of one tree of an image, ready to run.</summary>
/// <param name="Regime">The trees.</param>
/// <param name="Setup">Registers, in the order of the architecture's file.</param>
/// <param name="Machine">On what.</param>
/// <param name="Firmware">The probe program.</param>
/// <param name="Script">Where it looks for its script.</param>
/// <param name="Probes">What is tried.</param>
/// <param name="Places">The pages that are looked at.</param>
/// <param name="Spin">Address at which a program that was told to hold stays.</param>
internal sealed record BoardRun(
    Regime Regime, ulong[] Setup, QemuMachine Machine, Firmware Firmware, ulong Script, IReadOnlyList<Probe> Probes, IReadOnlyList<ulong> Places, ulong Spin)
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
