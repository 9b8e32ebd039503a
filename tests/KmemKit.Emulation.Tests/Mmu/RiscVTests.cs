using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Emulation.Tests.Machines;
using NUnit.Framework;
using static KmemKit.Architecture.Mmu.TranslationControls;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>Sv32 to Sv57 on QEMU's rv32 and rv64: loads and stores from M-mode by MPRV, fetches by returns into S- and U-mode, under SUM and MXR.</summary>
public class RiscVTests
{
    private const ulong ScriptAddress = 0x8100_0000;
    private static readonly Pool s_pool = new(0x8400_0000, 0x8800_0000);

    // QEMU 7.2 sets A and D itself, as Svadu lets it.
    private const TranslationControls Used = HardwareAccessed | HardwareDirty;

    private static IEnumerable<TestCaseData> Trees =>
    [
        Case("", default(Sv32)), Case("", default(Sv39)), Case("", default(Sv48)), Case("", default(Sv57)),
        Case(",svnapot=on,svpbmt=on", default(Sv39), Svnapot | Svpbmt), Case(",svnapot=on", default(Sv57), Svnapot),
    ];

    private static TestCaseData Case<TMode>(string extensions, TMode mode, TranslationControls controls = None) where TMode : struct, ISvMode =>
        new TestCaseData(extensions, new SvFormat<TMode>(Used | controls)).SetArgDisplayNames(mode.Name + extensions);

    [TestCaseSource(nameof(Trees))]
    public void Every_access_meets_what_the_walker_says(string extensions, ITranslationFormat format)
    {
        var basis = format.DescriptorSize == 4 ? QemuMachine.VirtRv32 : QemuMachine.VirtRv64;
        var machine = basis with { Arguments = [.. basis.Arguments.Select(a => a == "rv64" ? a + extensions : a)] };
        var firmware = MmuProbe.Build(machine, ScriptAddress, "riscv");
        for (var seed = 1; seed <= 2; seed++)
        {
            var random = new Random(seed * 7919 + format.InputBits);
            var tables = new TestTables(format, 0x8200_0000, 0x10_0000);
            var places = RandomMap.Fill(tables, random, s_pool, new VirtRange(VirtAddr.Zero, 0));
            var regime = Regime(tables);
            ulong[] setup = [format.Registers(tables.Root).Single().Value, (format.Controls & Svpbmt) != 0 ? 1UL << 62 : 0];
            MmuProbe.Check($"seed {seed}", machine, firmware, ScriptAddress, regime, setup, regime.Probes(places, s_pool, random, 4), tables);
        }
    }

    // The test of the test: one bit of a table in the machine's memory is not what the walker is asked about.
    [Test]
    public void A_broken_bit_in_an_image_is_found([Values(0, 1, 2, 3, 4, 10, 19, 27)] int bit)
    {
        var machine = QemuMachine.VirtRv64;
        var firmware = MmuProbe.Build(machine, ScriptAddress, "riscv");
        var random = new Random(99 + bit);
        var format = new SvFormat<Sv39>(Used);
        var tables = new TestTables(format, 0x8200_0000, 0x10_0000);
        var places = RandomMap.Fill(tables, random, s_pool, new VirtRange(VirtAddr.Zero, 0));
        var regime = Regime(tables);
        var probes = regime.Probes(places, s_pool, random, 4);
        // A page that several probes get through to.
        var reached = probes.Select(regime.Predict).Where(p => p.Report is null && p.Translation.Level == 0).GroupBy(p => p.Translation.DescriptorAddress)
            .OrderByDescending(g => g.Count()).ThenBy(g => g.Key).First();
        var broken = (byte[])tables.Bytes.Clone();
        var at = (int)(reached.Key - tables.Address);
        ImageMemory.Write(broken, at, 8, ImageMemory.Read(broken, at, 8) ^ 1UL << bit);

        var (script, results) = MmuProbe.Run(machine, firmware, ScriptAddress, regime, [format.Registers(tables.Root).Single().Value, 0], probes,
            images: [new MemoryImage(tables.Address, broken)]);

        Assert.That(regime.Mismatches(script, results), Is.Not.Empty);
    }

    internal static Regime Regime(TestTables tables) => new([tables],
        state => ((state & 1) != 0 ? Sum : None) | ((state & 2) != 0 ? Mxr : None),
        (report, outcome) => outcome.Status == report.Status && outcome.Address == report.Address)
    {
        // With one of the extensions on, QEMU 7.2 no longer looks at bits 60:54, and takes PBMT 3 for a memory type; both are reserved and a page fault
        // (4.4.1, chapter 6).
        IsDoubtful = (_, t) => (tables.Format.Controls & (Svnapot | Svpbmt)) != 0 && ((t.Descriptor >> 54 & 0x7f) != 0 || (t.Descriptor >> 61 & 3) == 3),
    };
}
