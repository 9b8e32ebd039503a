using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>The tables of a board of the repository, one for each of its domains, on the core that it describes.</summary>
internal static class BoardTables
{
    private const ulong Frame = 64;

    public static IEnumerable<ProbeTable> Of(ProbedCore core, string board, int randomAddresses, Random random)
    {
        var compilation = RepositoryBoards.Compile(board);
        Assert.That(compilation.MpuPlan, Is.Not.Null, string.Join('\n', compilation.Diagnostics));
        var (plan, policy) = (compilation.MpuPlan!, compilation.Board!.Protection!);
        Assert.That((plan.Mpu.Format.Name, plan.Mpu.RegionCount), Is.EqualTo((core.Format.Name, core.Regions)), "the board's unit is the core's");
        foreach (var domain in plan.Domains)
        {
            var registers = plan.RegistersOf(domain.Name);
            var table = core.Format.Decode(registers);
            var stack = UserStack(core, table);
            var probes = Probes.Of(core, table, randomAddresses, random).Where(p => !IsInStack(p.Address, stack)
                // A core that stacks as unprivileged code has no place to do it where a domain has no memory.
                && (stack is not null || core is not ArmMCore || p.Access != AccessRights.Execute || p.Privilege == Privilege.Privileged)).ToList();
            foreach (var probe in probes)
            {
                var want = policy.RightsAt(probe.Address, probe.Privilege, domain.Name, core.Format);
                if (core.Format.NeverExecuted.Contains(new PhysAddr(probe.Address)))
                    want &= ~AccessRights.Execute;
                Assert.That(table.Decide(probe.Address, probe.Privilege).Rights, Is.EqualTo(want), $"{board} {domain.Name} {probe}");
            }
            yield return new ProbeTable($"{board}, domain {domain.Name ?? "(none)"}", registers, table, [.. probes]) { Stack = stack };
        }
    }

    private static bool IsInStack(ulong address, ulong? stack) => stack is { } end && address < end && address >= end - Frame;

    // The end of memory that everybody may write.
    private static ulong? UserStack(ProbedCore core, MpuTable table)
    {
        foreach (var region in table.Regions.Where(r => r.Attributes.IsNormal && r.SubregionDisable == 0))
        {
            var end = region.Range.End.Value;
            if (core.HasMemory(end - Frame) && Enum.GetValues<Privilege>().All(p => Enumerable.Range(1, 2).All(i =>
                (table.Decide(end - (ulong)i * Frame / 2, p).Rights & AccessRights.ReadWrite) == AccessRights.ReadWrite)))
                return end;
        }
        return null;
    }
}
