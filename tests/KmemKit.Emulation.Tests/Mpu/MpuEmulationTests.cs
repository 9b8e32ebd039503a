using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Writers.Mpu;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>
/// Memory protection units of emulated cores do what <see cref="MpuFormat"/> says, access by access, down to the fault registers.
/// KMEMKIT_FUZZ_ITERATIONS is the number of tables a core, KMEMKIT_FUZZ_SEED the first seed.
/// </summary>
public sealed class MpuEmulationTests
{
    private const int Tables = 24, Policies = 12, Flips = 12, RandomAddresses = 60;

    private static IEnumerable<TestCaseData> AllCores => Cores.All.Select(c => new TestCaseData(c).SetArgDisplayNames(c.ToString()));

    [TestCaseSource(nameof(AllCores))]
    public void Random_tables_allow_what_the_model_says(ProbedCore core)
    {
        core.Machine.Require();
        List<ProbeTable> tables = [.. Seeds(Tables).Select(seed => Random(core, seed))];
        ProbeRun.MustAgree(core, tables);
        if (tables.Count >= Tables)
            Assert.That(Answers(tables), Has.Count.EqualTo(12), "each access is granted and refused, to both privileges");
    }

    [TestCaseSource(nameof(AllCores))]
    public void Plans_of_random_policies_allow_what_the_policy_says(ProbedCore core)
    {
        core.Machine.Require();
        var tables = Seeds(Policies).SelectMany(seed => Planned(core, seed)).ToList();
        ProbeRun.MustAgree(core, tables);
        if (tables.Count < Policies / 2)
            Assert.Fail($"only {tables.Count} tables of {Policies} policies");
    }

    /// <summary>Programs live where the board has its kernel: code in what it grants for that, data in the kernel's memory.</summary>
    [TestCase("qemu/mps2-an385", "mps2-an385", 0x2000_0000ul)]
    [TestCase("qemu/mps2-an386", "mps2-an386", 0x2000_0000ul)]
    [TestCase("qemu/mps2-an500", "mps2-an500", 0x2000_0000ul)]
    [TestCase("qemu/mps2-an505", "mps2-an505", 0x3800_0000ul)]
    [TestCase("qemu/mps3-an547", "mps3-an547", 0x3000_0000ul)]
    [TestCase("qemu/zcu102-rpu", "cortex-r5", 0x0020_0000ul)]
    [TestCase("qemu/virt-riscv32", "virt-rv32", 0x8030_0000ul)]
    [TestCase("qemu/virt-riscv64", "virt-rv64", 0x8030_0000ul)]
    public void A_board_s_tables_allow_what_its_policy_says(string board, string machine, ulong data)
    {
        var plain = Cores.All.Single(c => c.Machine.Name == machine);
        plain.Machine.Require();
        var core = plain.WithData(data);
        ProbeRun.MustAgree(core, [.. BoardTables.Of(core, board, RandomAddresses, new Random(7))]);
    }

    /// <summary>The C header that the board's firmware includes, compiled: apply, switch and verify on the core, and the accesses behind each.</summary>
    [TestCase("qemu/mps2-an385", "mps2-an385", 0x2000_0000ul)]
    [TestCase("qemu/mps3-an547", "mps3-an547", 0x3000_0000ul)]
    [TestCase("qemu/zcu102-rpu", "cortex-r5", 0x0020_0000ul)]
    [TestCase("qemu/virt-riscv32", "virt-rv32", 0x8030_0000ul)]
    [TestCase("qemu/virt-riscv64", "virt-rv64", 0x8030_0000ul)]
    public void A_board_s_C_header_programs_switches_and_verifies(string board, string machine, ulong data)
    {
        var plain = Cores.All.Single(c => c.Machine.Name == machine);
        plain.Machine.Require();
        var plan = RepositoryBoards.Compile(board).MpuPlan!;
        var name = board[(board.IndexOf('/', StringComparison.Ordinal) + 1)..];
        var core = plain.WithData(data).WithHeader(MpuCHeaderWriter.Write(name, board, plan), name.Replace('-', '_') + "_mpu");
        List<ProbeTable> domains = [.. BoardTables.Of(core, board, RandomAddresses / 2, new Random(11))];
        Assert.That(domains, Has.Count.GreaterThan(1));
        // A table that locks entries has a core of its own, which no switch reaches.
        var canSwitch = !domains.Exists(t => ProbedCore.IsLocked(t.Registers));
        var tables = new List<ProbeTable>();
        for (var turn = 0; turn < 3 * domains.Count; turn++)
        {
            var domain = turn < domains.Count ? turn : turn * 7 % 5 % domains.Count;
            var table = domains[domain];
            // The unit is on while it is wrong: not where the program lives.
            var own = table.Expected.Regions.Where(r => new[] { "code_start", "data_start", "stack_bottom" }.Any(s => r.Range.Contains(new PhysAddr(core.Firmware.Symbols[s])))).Select(r => (uint)r.Number);
            var addresses = core.Program(table.Registers).Select((w, i) => (Write: w, At: (uint)i)).Where(w => core.IsAddress(w.Write) && !own.Contains(w.Write.Index)).ToList();
            var wrong = canSwitch ? addresses[turn % addresses.Count].At + 1 : 0;
            var isSwitch = canSwitch && turn >= domains.Count;
            if (turn < domains.Count || canSwitch)
                tables.Add(table with { Name = table.Name + (isSwitch ? ", switched to" : ", applied"), Generated = (uint)domain | (isSwitch ? 0x100u : 0) | wrong << 16 });
        }
        ProbeRun.MustAgree(core, tables);
    }

    [TestCaseSource(nameof(AllCores))]
    public void A_flipped_bit_in_a_table_is_found(ProbedCore core)
    {
        core.Machine.Require();
        var random = new Random(5);
        var flipped = new List<ProbeTable>();
        while (flipped.Count < Flips)
        {
            var table = Random(core, random.Next());
            if (!ProbedCore.IsLocked(table.Registers) && FlippedBit.Of(core, table, random) is { } other)
                flipped.Add(other);
        }
        var found = ProbeRun.Mismatches(core, flipped).ToLookup(m => m.Table);
        Assert.Multiple(() =>
        {
            foreach (var table in flipped)
                Assert.That(found[table].Select(m => m.Probe), Is.EquivalentTo(FlippedBit.Shown(core, table)), table.Name);
        });
    }

    private static HashSet<(AccessRights, Privilege, bool)> Answers(IEnumerable<ProbeTable> tables) =>
        [.. tables.SelectMany(t => t.Probes.Select(p => (p.Access, p.Privilege, (t.Expected.Decide(p.Address, p.Privilege).Rights & p.Access) != 0)))];

    private static IEnumerable<ProbeTable> Planned(ProbedCore core, int seed)
    {
        var random = new Random(seed);
        var policy = RandomPolicies.Make(core, random);
        var result = MpuPlanner.Plan(policy, new BoardMpu(core.Format, core.Regions, default));
        if (result.Plan is not { } plan)
            return [];
        // A table that locks entries needs a core of its own: one domain then.
        var domains = plan.Domains.Where(d => !ProbedCore.IsLocked(plan.RegistersOf(d.Name)) || d.Name is null);
        return domains.Select(domain => OfPlan(core, $"KMEMKIT_FUZZ_SEED={seed} domain {domain.Name}", plan, policy, domain.Name, random));
    }

    private static ProbeTable OfPlan(ProbedCore core, string name, MpuPlan plan, ProtectionPolicy policy, string? domain, Random random)
    {
        var registers = plan.RegistersOf(domain);
        var table = core.Format.Decode(registers);
        var probes = Probes.Of(core, table, RandomAddresses, random);
        foreach (var probe in probes)
        {
            var want = policy.RightsAt(probe.Address, probe.Privilege, domain, core.Format);
            if (core.Format.NeverExecuted.Contains(new PhysAddr(probe.Address)))
                want &= ~AccessRights.Execute;
            Assert.That(table.Decide(probe.Address, probe.Privilege).Rights, Is.EqualTo(want), $"{name} {probe}");
        }
        return new ProbeTable(name, registers, table, probes);
    }

    private static ProbeTable Random(ProbedCore core, int seed)
    {
        var random = new Random(seed);
        var registers = RandomTables.Make(core, random);
        var table = core.Format.Decode(registers);
        return new ProbeTable($"KMEMKIT_FUZZ_SEED={seed}", registers, table, Probes.Of(core, table, RandomAddresses, random));
    }

    private static IEnumerable<int> Seeds(int count) => Enumerable.Range(Setting.Number("KMEMKIT_FUZZ_SEED") ?? 1, Setting.Number("KMEMKIT_FUZZ_ITERATIONS") ?? count);
}
