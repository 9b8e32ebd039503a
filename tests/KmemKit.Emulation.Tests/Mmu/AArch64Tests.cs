using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Toolchains;
using NUnit.Framework;
using static KmemKit.Architecture.Mmu.TranslationControls;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>VMSAv8-64 on QEMU's "max" and Cortex-A53: probes from EL2 into EL1 and EL0.</summary>
public class AArch64Tests
{
    private const ulong ScriptAddress = 0x4800_0000;
    private static readonly Pool s_pool = new(0x5000_0000, 0x8000_0000);

    internal static QemuMachine Machine(string cpu) => new("virt-" + cpu, "qemu-system-aarch64", "qemu-system-arm", Toolchain.AArch64, 0x4008_0000,
        ["-M", "virt,virtualization=on", "-cpu", cpu, "-m", "1024"]);

    private static IEnumerable<TestCaseData> Trees =>
    [
        Case("max", new Vmsav8Format<Granule4K>(48)), Case("max", new Vmsav8Format<Granule4K>(39, 48, isUpper: true)),
        Case("cortex-a53", new Vmsav8Format<Granule4K>(36, 40, controls: Wxn)), Case("cortex-a53", new Vmsav8Format<Granule64K>(42, 40, isUpper: true)),
        Case("max", new Vmsav8Format<Granule4K>(25, 48)), Case("max", new Vmsav8Format<Granule16K>(48, isUpper: true)),
        Case("max", new Vmsav8Format<Granule16K>(47, 48, controls: HierarchyDisabled)), Case("max", new Vmsav8Format<Granule16K>(36, 44, controls: Wxn)),
        Case("max", new Vmsav8Format<Granule64K>(48)), Case("max", new Vmsav8Format<Granule64K>(48, 52, isUpper: true)), Case("max", new Vmsav8Format<Granule64K>(29, 36)),
    ];

    private static TestCaseData Case(string cpu, IVmsav8Stage1 format) =>
        new TestCaseData(cpu, format).SetArgDisplayNames($"{cpu}-{format.Name}-{format.InputBits}-{(format.IsUpper ? "upper" : "lower")}-{format.Controls}");

    [TestCaseSource(nameof(Trees))]
    public void Every_access_meets_what_the_walker_says(string cpu, IVmsav8Stage1 format)
    {
        var machine = Machine(cpu);
        var firmware = MmuProbe.Build(machine, ScriptAddress, "aarch64");
        for (var seed = 1; seed <= 2; seed++)
        {
            var random = new Random(seed * 7919 + format.InputBits);
            var tables = new TestTables(format, 0x4900_0000, 0x20_0000);
            var places = RandomMap.Fill(tables, random, s_pool, new VirtRange(VirtAddr.Zero, 0));
            var stubs = Stubs(format, firmware);
            var regime = Regime(format.IsUpper ? [stubs, tables] : [tables, stubs]);
            MmuProbe.Check($"seed {seed}", machine, firmware, ScriptAddress, regime, Setup(format, tables, stubs, firmware),
                regime.Probes(places, s_pool, random, cpu == "max" ? 2 : 1));
        }
    }

    internal static Regime Regime(IReadOnlyList<TestTables> trees) => new(trees, state => (state & 1) != 0 ? Pan : None, (report, outcome) =>
    {
        // EC, IL, WnR, and the status code.
        const ulong Compared = 0xfe00_007f;
        return outcome.Source == 1 && (outcome.Status & Compared) == (report.Status & Compared) && outcome.Address == report.Address;
    })
    {
        // QEMU 7.2 takes a block descriptor for a block at every level above 3; at those without blocks the encoding is reserved and the walk ends in a
        // translation fault (ARM DDI 0487 D8.3.1).
        IsDoubtful = (_, t) => t.Fault.Cause == FaultCause.Translation && t.Level < 3 && (t.Descriptor & 3) == 1,
    };

    // The page with EL1's vectors and the accesses themselves is in the half that is not under test.
    internal static TestTables Stubs(IVmsav8Stage1 format, Firmware firmware)
    {
        ITranslationFormat other = format switch
        {
            Vmsav8Format<Granule4K> f => new Vmsav8Format<Granule4K>(f.InputBits, f.OutputBits, !f.IsUpper, f.Mair, f.Controls),
            Vmsav8Format<Granule16K> f => new Vmsav8Format<Granule16K>(f.InputBits, f.OutputBits, !f.IsUpper, f.Mair, f.Controls),
            Vmsav8Format<Granule64K> f => new Vmsav8Format<Granule64K>(f.InputBits, f.OutputBits, !f.IsUpper, f.Mair, f.Controls),
            _ => throw new ArgumentOutOfRangeException(nameof(format)),
        };
        var tables = new TestTables(other, 0x4a00_0000, 0x8_0000);
        var code = new PageAttributes(AccessRights.Read | AccessRights.Execute, AccessRights.Read | AccessRights.Execute, other.TypeFor(MemoryUse.Cached));
        var page = other.Shapes[0];
        var start = other.InputRanges[0].Start.Value;
        for (ulong at = 0; at < 0x1_0000; at += page.Bytes)
            Assert.That(tables.TryMap(start + at, firmware.Symbols["stubs"] + at, code, page));
        return tables;
    }

    internal static ulong[] Setup(IVmsav8Stage1 format, TestTables tables, TestTables stubs, Firmware firmware)
    {
        var other = (IVmsav8Stage1)stubs.Format;
        var registers = format.IsUpper
            ? Vmsav8Registers.Of(other, stubs.Root, format, tables.Root)
            : Vmsav8Registers.Of(format, tables.Root, other, stubs.Root);
        var start = stubs.Format.InputRanges[0].Start.Value;
        return
        [
            Get(registers, "MAIR_EL1"), Get(registers, "TCR_EL1"), Get(registers, "TTBR0_EL1"), Get(registers, "TTBR1_EL1"), Get(registers, "SCTLR_EL1"),
            0, 0, 0, start, start + (firmware.Symbols["stub_code"] - firmware.Symbols["stubs"]), start + (firmware.Symbols["user_stubs"] - firmware.Symbols["stubs"]),
        ];
    }

    private static ulong Get(ImmutableArray<SystemRegister> registers, string name) => registers.Single(r => r.Name == name).Value;
}
