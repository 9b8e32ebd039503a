using System;
using System.IO;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V2;
using KmemKit.Tests.Shared;
using NUnit.Framework;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>A board's plan for its SMMUv2 (<c>arm,mmu-500</c>), loaded as firmware loads it: the registers written in their order, the image in RAM.</summary>
internal sealed class SmmuV2PlanTests
{
    [Test]
    public void The_hardware_does_what_the_plan_says_for_every_stream()
    {
        var plan = Plan(Path.Combine("tests", "vectors", "diagnostics", "KMK6043", "good.dts"));
        var smmuPlan = plan.Smmus.Single();
        using var memory = PhysicalMemory.Create(plan.Layout);
        memory.Write(plan.Base, StreamTableImage.Write(plan));
        var smmu = new SmmuV2(memory, smmuPlan.Smmu.V2, unknownSeed: 4);
        foreach (var register in smmuPlan.Registers)
            smmu.Write(register.Offset, register.Size, register.Value);
        // What a write did not leave as the plan has it is not what the plan was proved by.
        foreach (var register in smmuPlan.Registers)
            Assert.That(smmu.Read(register.Offset, register.Size), Is.EqualTo(register.Value), register.Name);
        smmu.Write(R.TlbiAllNsnh, 4, 0);
        smmu.Write(R.TlbGlobalSync, 4, 0);
        var random = new Random(8);
        var regions = smmuPlan.Contexts.SelectMany(context => context.Map.Regions).ToArray();
        var reached = 0;
        for (var i = 0; i < 4000; i++)
        {
            var stream = (uint)random.Next(4);
            var region = regions[random.Next(regions.Length)].Virt;
            var address = random.Next(4) switch
            {
                0 => region.Start.Value + (ulong)random.NextInt64((long)region.Size.Value),
                1 => region.Last.Value + (ulong)random.Next(1, 5000),
                2 => region.Start.Value - (ulong)random.Next(1, 5000),
                _ => (ulong)random.NextInt64() >> random.Next(16, 64),
            };
            var expected = StreamWalk.Of(plan, 0, stream, new BusAddr(address));
            foreach (var access in new[] { AccessRights.Read, AccessRights.Write })
            {
                var result = smmu.Translate(new SmmuTransaction(stream, null, address, access));
                var allowed = expected.Output is not null && (expected.Access & access) != 0;
                Assert.That(result.Outcome, Is.EqualTo(allowed ? SmmuOutcome.Translated : SmmuOutcome.Abort), $"stream {stream}, {access} of 0x{address:x}: {expected.Outcome}");
                if (allowed)
                {
                    Assert.That(result.Address, Is.EqualTo(expected.Output!.Value), $"stream {stream}, 0x{address:x}");
                    reached++;
                }
                foreach (var context in smmuPlan.Contexts)
                    smmu.Write(smmu.Features.BankOffset(context.Bank) + R.BankFaultStatus, 4, uint.MaxValue);
            }
        }
        Assert.That(reached, Is.GreaterThan(500));
    }

    private static StreamTablePlan Plan(string path)
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("board.dts", File.ReadAllText(Path.Combine(Repository.Root, path))))
        {
            Defconfig = new SourceFile("board_defconfig", "CONFIG_ARM64=y\nCONFIG_MMU=y\nCONFIG_LINUX_VERSION=\"6.1\"\n"),
            RequireLayout = true,
        });
        var result = StreamTablePlanner.Plan(compilation.Layout!);
        Assert.That(result.Plan, Is.Not.Null, string.Join("\n", result.Diagnostics));
        return result.Plan!;
    }
}
