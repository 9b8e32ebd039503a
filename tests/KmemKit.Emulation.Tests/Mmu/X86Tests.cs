using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Toolchains;
using NUnit.Framework;
using static KmemKit.Architecture.Mmu.TranslationControls;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>Two-level, PAE, 4-level and 5-level paging on QEMU's PC: probes from ring 0, under the tables, into rings 0 and 3.</summary>
public class X86Tests
{
    private const ulong ScriptAddress = 0x300_0000;
    private const TranslationControls Plain = X86Format<TwoLevel>.DefaultControls;

    // State bit 0 of a probe is EFLAGS.AC. SMAP is on wherever SMEP is.
    private static readonly Pool s_pool = new(0x600_0000, 0xf00_0000);

    internal static QemuMachine Machine32 { get; } = QemuMachine.Pc32 with { Arguments = ["-M", "pc", "-cpu", "max", "-m", "256"] };

    internal static QemuMachine Machine(ITranslationFormat format) => format.RootLevel switch
    {
        5 => QemuMachine.Pc64FiveLevel,
        4 => QemuMachine.Pc64,
        _ => Machine32,
    };

    private static IEnumerable<TestCaseData> Trees =>
    [
        Case(new X86Format<TwoLevel>(40)), Case(new X86Format<TwoLevel>(40, Plain & ~(PageSizeExtension | WriteProtect))), Case(new X86Format<TwoLevel>(40, Plain | Smep)),
        Case(new X86Format<Pae>(40)), Case(new X86Format<Pae>(40, Plain & ~(NoExecute | GlobalPages))), Case(new X86Format<Pae>(40, Plain | Smep)),
        Case(new X86Format<FourLevel>(40)), Case(new X86Format<FourLevel>(40, Plain & ~WriteProtect)), Case(new X86Format<FourLevel>(40, Plain | Smep)),
        Case(new X86Format<FourLevel>(40, Plain & ~NoExecute)),
        Case(new X86Format<FiveLevel>(40)), Case(new X86Format<FiveLevel>(40, Plain & ~(WriteProtect | GlobalPages))), Case(new X86Format<FiveLevel>(40, Plain | Smep)),
        Case(new X86Format<FiveLevel>(40, Plain & ~NoExecute)),
    ];

    private static TestCaseData Case(ITranslationFormat format) => new TestCaseData(format).SetArgDisplayNames($"{format.Name}-{format.Controls}");

    [TestCaseSource(nameof(Trees))]
    public void Every_access_meets_what_the_walker_says(ITranslationFormat format)
    {
        var machine = Machine(format);
        var firmware = MmuProbe.Build(machine, ScriptAddress, "x86");
        // The program and its script: what the probes themselves need, left alone by the random leaves.
        var window = new VirtRange(VirtAddr.Zero, 0x800_0000UL);
        for (var seed = 1; seed <= 2; seed++)
        {
            var random = new Random(seed * 7919 + format.InputBits + (int)format.Controls);
            var tables = new TestTables(format, 0x400_0000, 0x18_0000);
            MapProgram(tables, firmware);
            var places = RandomMap.Fill(tables, random, s_pool, window);
            var hasSmap = (format.Controls & Smep) != 0;
            var regime = Regime(tables, hasSmap);
            MmuProbe.Check($"seed {seed}", machine, firmware, ScriptAddress, regime, Setup(tables, hasSmap),
                regime.Probes(places, s_pool, random, hasSmap ? 2 : 1));
            // Accessed and dirty bits of tables afterwards are not compared: the walks of the program's own fetches and of faults set them too.
        }
    }

    internal static void MapProgram(TestTables tables, Firmware firmware)
    {
        var format = tables.Format;
        var page = format.Shapes[0];
        var isSmep = (format.Controls & Smep) != 0;
        var kernel = new PageAttributes(AccessRights.All, AccessRights.None, format.TypeFor(MemoryUse.Cached)) { IsDirty = true };
        var user = kernel with { Privileged = isSmep ? AccessRights.ReadWrite : AccessRights.All, User = AccessRights.All };
        for (var at = firmware.LinkAddress; at < firmware.Symbols["program_end"]; at += Pool.Page)
            Assert.That(tables.TryMap(at, at, at == firmware.Symbols["user_stubs"] ? user : kernel, page));
        for (var at = ScriptAddress; at < ScriptAddress + 0xc_0000; at += Pool.Page)
            Assert.That(tables.TryMap(at, at, kernel, page));
    }

    internal static ulong[] Setup(TestTables tables, bool hasSmap)
    {
        var registers = tables.Format.Registers(tables.Root).ToDictionary(r => r.Name, r => r.Value);
        return [registers["CR0"], registers["CR3"], registers["CR4"] | (hasSmap ? 1UL << 21 : 0), registers["IA32_EFER"], registers["IA32_PAT"]];
    }

    internal static Regime Regime(TestTables tables, bool hasSmap) => new([tables],
        state => hasSmap && (state & 1) == 0 ? Smap : None,
        (report, outcome) => report.AddressRegister is null
            ? outcome.Source == 13 && outcome.Status == report.Status
            // QEMU 7.2 leaves P clear beside RSVD; an entry with a reserved bit is present, and the processor says so (Intel SDM volume 3, 5.7).
            : outcome.Source == 14 && (outcome.Status | ((outcome.Status & 8) != 0 ? 1u : 0)) == report.Status && outcome.Address == report.Address);
}
