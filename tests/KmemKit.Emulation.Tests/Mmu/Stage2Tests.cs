using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Emulation.Tests.Toolchains;
using NUnit.Framework;
using static KmemKit.Architecture.Mmu.TranslationControls;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>Stage 2 of AArch64 and Armv7: EL1 and EL0 without a stage 1 of their own, what they may not do taken to EL2.</summary>
public class Stage2Tests
{
    private const ulong ScriptAddress = 0x4800_0000;
    private static readonly Pool s_pool = new(0x5000_0000, 0x8000_0000);

    // Where EL1's vectors and the accesses themselves are.
    private static readonly VirtRange s_window = new(new VirtAddr(0x100_0000), 0x100_0000UL);

    private static IEnumerable<TestCaseData> Trees =>
    [
        Case("max", new Vmsav8Stage2Format<Granule4K>(40, 44, Xnx)), Case("max", new Vmsav8Stage2Format<Granule4K>(34, 44, Xnx)),
        Case("cortex-a53", new Vmsav8Stage2Format<Granule4K>(36, 40)), Case("cortex-a53", new Vmsav8Stage2Format<Granule64K>(40, 40)),
        Case("max", new Vmsav8Stage2Format<Granule16K>(40, 44, Xnx)), Case("max", new Vmsav8Stage2Format<Granule16K>(36, 44, Xnx)),
        Case("max", new Vmsav8Stage2Format<Granule64K>(42, 44, Xnx)), Case("a15", default(ArmLpaeStage2Format)), Case("a15", new ArmLpaeStage2Format(32)),
        Case("a15", new ArmLpaeStage2Format(30)),
    ];

    private static TestCaseData Case(string cpu, ITranslationFormat format) =>
        new TestCaseData(cpu, format).SetArgDisplayNames($"{cpu}-{format.Name}-{format.InputBits}");

    [TestCaseSource(nameof(Trees))]
    public void Every_access_meets_what_the_walker_says(string cpu, ITranslationFormat format)
    {
        var isArm = format is ArmLpaeStage2Format;
        var machine = isArm ? ArmTests.Machine : AArch64Tests.Machine(cpu);
        var firmware = MmuProbe.Build(machine, ScriptAddress, isArm ? "arm" : "aarch64");
        for (var seed = 1; seed <= 2; seed++)
        {
            var random = new Random(seed * 7919 + format.InputBits);
            var tables = new TestTables(format, 0x4900_0000, 0x40_0000);
            var code = new PageAttributes(AccessRights.Read | AccessRights.Execute, AccessRights.Read | AccessRights.Execute, format.TypeFor(MemoryUse.Cached));
            var window = s_window.Start.Value;
            for (ulong at = 0; at < 0x1_0000 && (at == 0 || !isArm || at < 0x2000); at += format.Shapes[0].Bytes)
                Assert.That(tables.TryMap(window + at, firmware.Symbols["stubs"] + at, code, format.Shapes[0]));
            // Without a stage 1 a core reaches as many bits as its physical addresses have; what is beyond is stage 1's own fault.
            var reach = isArm ? 32 : cpu == "max" ? 48 : 40;
            var places = RandomMap.Fill(tables, random, s_pool, s_window).Where(p => p >> reach == 0);
            var regime = Regime(tables);
            MmuProbe.Check($"seed {seed}", machine, firmware, ScriptAddress, regime, Setup(tables, window, firmware, isArm), regime.Probes(places, s_pool, random, 1));
        }
    }

    private static ulong[] Setup(TestTables tables, ulong window, Firmware firmware, bool isArm)
    {
        var registers = tables.Format.Registers(tables.Root).ToDictionary(r => r.Name, r => r.Value);
        var stub = window + (firmware.Symbols["stub_code"] - firmware.Symbols["stubs"]);
        var userStub = window + (firmware.Symbols["user_stubs"] - firmware.Symbols["stubs"]);
        // SCTLR without M: its bits that read as one.
        return isArm
            ? [0, 0, 0, 0, 0, 0, 0xc5_0078, registers["VTCR"], registers["VTTBR"], registers["HCR"], window, stub, userStub]
            : [0, 0, 0, 0, 0x30d0_0800, registers["VTCR_EL2"], registers["VTTBR_EL2"], registers["HCR_EL2"], window, stub, userStub];
    }

    private static Regime Regime(TestTables tables) => new([tables], _ => None, (report, outcome) =>
    {
        // EC, WnR and the status code; the instruction details, which a data abort may have beside them, are not the format's.
        const ulong Compared = 0xfc00_007f;
        return outcome.Source == (tables.Format is ArmLpaeStage2Format ? 16u : 2u) && (outcome.Status & Compared) == (report.Status & Compared)
            && outcome.Address == report.Address;
    })
    {
        // As in stage 1, QEMU 7.2 takes the reserved block encodings for blocks.
        IsDoubtful = (_, t) => t.Fault.Cause == FaultCause.Translation && t.Level < 3 && (t.Descriptor & 3) == 1,
    };
}
