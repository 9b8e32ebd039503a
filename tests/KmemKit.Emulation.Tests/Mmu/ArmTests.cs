using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Toolchains;
using NUnit.Framework;
using static KmemKit.Architecture.Mmu.TranslationControls;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>Short and long descriptors of Armv7-A on QEMU's Cortex-A15: probes from Hyp mode into PL1 and PL0.</summary>
public class ArmTests
{
    private const ulong ScriptAddress = 0x4800_0000;
    private static readonly Pool s_pool = new(0x5000_0000, 0x8000_0000);

    // Where PL1's vectors and the accesses themselves are, if one tree has to hold everything.
    private static readonly VirtRange s_window = new(new VirtAddr(0x7e00_0000), 0x100_0000UL);

    internal static QemuMachine Machine { get; } = new("virt-cortex-a15-hyp", "qemu-system-arm", "qemu-system-arm",
        Toolchain.ArmA with { Name = "arm-hyp", Sources = ["Start/arm-hyp.S", .. Toolchain.ArmA.Sources.Skip(1)] }, 0x4008_0000,
        ["-M", "virt,virtualization=on", "-cpu", "cortex-a15", "-m", "1024"]);

    private static IEnumerable<TestCaseData> Trees =>
    [
        Case(default(ArmShortFormat)), Case(new ArmShortFormat(0, controls: AccessFlag | TexRemap | PrivilegedExecuteNever)),
        // Domain 0 client; 1, 5, ... manager; 2, 6, ... no access.
        Case(new ArmShortFormat(0, dacr: 0x4d4d_4d4d)), Case(new ArmShortFormat(2)), Case(new ArmShortFormat(3, isUpper: true, controls: TexRemap | PrivilegedExecuteNever)),
        Case(default(ArmLpaeFormat)), Case(new ArmLpaeFormat(31)), Case(new ArmLpaeFormat(30, isUpper: true)), Case(new ArmLpaeFormat(31, isUpper: true, controls: Wxn)),
        Case(new ArmLpaeFormat(25, controls: Uwxn)),
    ];

    private static TestCaseData Case(ITranslationFormat format) =>
        new TestCaseData(format).SetArgDisplayNames($"{format.Name}-{format.InputRanges[0]}-{format.Controls}-{(format as ArmShortFormat?)?.Dacr:x}");

    [TestCaseSource(nameof(Trees))]
    public void Every_access_meets_what_the_walker_says(ITranslationFormat format)
    {
        var firmware = MmuProbe.Build(Machine, ScriptAddress, "arm");
        for (var seed = 1; seed <= 2; seed++)
        {
            var random = new Random(seed * 7919 + format.InputBits);
            var tables = new TestTables(format, 0x4900_0000, 0x10_0000);
            var other = Other(format);
            var stubs = other is null ? tables : new TestTables(other, 0x4a00_0000, 0x1_0000);
            var start = other is null ? s_window.Start.Value : other.InputRanges[0].Start.Value;
            MapStubs(stubs, start, firmware);
            var places = RandomMap.Fill(tables, random, s_pool, other is null ? s_window : new VirtRange(VirtAddr.Zero, 0));
            var regime = Regime(other is null ? [tables] : IsUpper(format) ? [stubs, tables] : [tables, stubs]);
            MmuProbe.Check($"seed {seed}", Machine, firmware, ScriptAddress, regime, Setup(format, tables, stubs, start, firmware),
                regime.Probes(places, s_pool, random, 1));
        }
    }

    private static bool IsUpper(ITranslationFormat format) => format is ArmShortFormat { IsUpper: true } or ArmLpaeFormat { IsUpper: true };

    // The half that is not under test, where there are halves.
    private static ITranslationFormat? Other(ITranslationFormat format) => format switch
    {
        ArmShortFormat { Split: 0 } or ArmLpaeFormat { InputBits: 32 } => null,
        ArmShortFormat f => new ArmShortFormat(f.Split, !f.IsUpper, f.Controls, f.Dacr, f.Prrr, f.Nmrr),
        ArmLpaeFormat f => new ArmLpaeFormat(30, !f.IsUpper, f.Mair, f.Controls),
        _ => throw new ArgumentOutOfRangeException(nameof(format)),
    };

    internal static void MapStubs(TestTables tables, ulong start, Firmware firmware)
    {
        var format = tables.Format;
        var code = new PageAttributes(AccessRights.Read | AccessRights.Execute, AccessRights.Read | AccessRights.Execute, format.TypeFor(MemoryUse.Cached));
        code = format.TryEncodeLeaf(0, code, format.Shapes[0], out _) == EncodingRefusal.None ? code : code with { Shareability = Shareability.Inner };
        for (ulong at = 0; at < 0x2000; at += 0x1000)
            Assert.That(tables.TryMap(start + at, firmware.Symbols["stubs"] + at, code, format.Shapes[0]));
    }

    internal static ulong[] Setup(ITranslationFormat format, TestTables tables, TestTables stubs, ulong start, Firmware firmware)
    {
        var (lower, upper) = stubs == tables ? (tables, null) : IsUpper(format) ? (stubs, tables) : (tables, stubs);
        var registers = format is ArmShortFormat
            ? ArmRegisters.Of((ArmShortFormat)lower.Format, lower.Root, (ArmShortFormat?)upper?.Format, upper?.Root ?? 0)
            : ArmRegisters.Of((ArmLpaeFormat)lower.Format, lower.Root, (ArmLpaeFormat?)upper?.Format, upper?.Root ?? 0);
        var stub = start + firmware.Symbols["stub_code"] - firmware.Symbols["stubs"];
        var userStub = start + firmware.Symbols["user_stubs"] - firmware.Symbols["stubs"];
        return
        [
            Get("TTBCR"), Get("TTBR0"), Get("TTBR1"), Get("DACR"), Get("MAIR0") | Get("PRRR"), Get("MAIR1") | Get("NMRR"), Get("SCTLR"),
            0, 0, 0, start, stub, userStub,
        ];

        ulong Get(string name) => registers.FirstOrDefault(r => r.Name == name).Value;
    }

    internal static Regime Regime(IReadOnlyList<TestTables> trees) => new(trees, _ => None, (report, outcome) =>
    {
        // IFSR has no domain field; QEMU leaves that of DFSR in it.
        var isFetch = report.StatusRegister == "IFSR";
        var compared = isFetch && (report.Status & 1 << 9) == 0 ? 0x60fUL : 0xeffUL;
        return outcome.Source == (isFetch ? 3u : 4u) && (outcome.Status & compared) == (report.Status & compared) && outcome.Address == report.Address;
    })
    {
        IsDoubtful = (probe, t) => IsDoubtful((trees.FirstOrDefault(x => x.Format.Translates(probe.Address)) ?? trees[0]).Format, probe, t),
    };

    // QEMU 7.2 (get_phys_addr_v6) looks at the domain before it reads the second-level descriptor, does not look at the access flag under a manager, and
    // refuses a fetch for XN before it looks at the flag. The manual reads both descriptors, then checks flag, domain and rights in this order
    // (ARM DDI 0406C B3.12.3).
    private static bool IsDoubtful(ITranslationFormat format, Probe probe, Translation t)
    {
        if (format is not ArmShortFormat tree || t.Fault.Cause is not (FaultCause.Translation or FaultCause.AccessFlag))
            return false;
        var isClient = (tree.Dacr >> (2 * t.Fault.Domain) & 3) == 1;
        return t.Fault.Cause == FaultCause.AccessFlag ? !isClient || probe.Access == AccessRights.Execute : t.Level == 2 && !isClient;
    }
}
