using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Mpu;
using KmemKit.Runtime.Processor;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MpuTests;

/// <summary>One protection node, two modes: regions of an MPU and pages of an MMU allow the same accesses, but for what their granularity adds.</summary>
public sealed class ModeDifferentialTests
{
    private const ulong Page = 4096;
    private const string Mpu = "arm,cortex-r5", Mmu = "arm,cortex-a15";

    private static readonly Privilege[] s_privileges = Enum.GetValues<Privilege>();
    private static readonly AccessRights[] s_rights = [AccessRights.Read, AccessRights.Write, AccessRights.Execute];

    [Test]
    public void A_policy_of_whole_pages_is_the_same_to_the_byte() => Assert.That(Differences("""
        domain-a { stack@20200000 { reg = <0x20200000 0x3000>; privileged = "rw"; user = "rw"; memory-type = "normal-wbwa"; }; };
        domain-b { ram@20210000 { reg = <0x20210000 0xb000>; privileged = "rw"; user = "rw"; memory-type = "normal-wbwa"; };
                   guard@20214000 { reg = <0x20214000 0x1000>; }; };
        """), Is.Empty);

    [Test]
    public void An_entry_that_ends_within_a_page_differs_by_the_rest_of_it_and_nothing_else()
    {
        // 0x420 bytes at 0x20210c00: 0xc00 bytes of the first page are in front of it, 0xfe0 of the second behind; the regions may be rounded too.
        var differences = Differences("""
            domain-a { small@20210c00 { reg = <0x20210c00 0x420>; privileged = "rw"; user = "rw"; memory-type = "normal-wbwa"; allow-rounding; }; };
            """);
        foreach (var (range, text) in differences)
            TestContext.Out.WriteLine($"{range}: {text}");
        var added = PhysRange.FromBounds(new PhysAddr(0x2021_0000), 0x2021_2000ul);
        Assert.That(differences.Keys.All(added.Contains), "only in pages that the entry has a part of");
        Assert.That(differences.Keys.All(r => !r.Overlaps(new PhysRange(new PhysAddr(0x2021_0c00), 0x420))), "not within the entry");
        var bytes = differences.Keys.Aggregate(0UL, (sum, r) => sum + r.Size.Value);
        TestContext.Out.WriteLine($"{bytes} bytes");
        Assert.That(bytes, Is.GreaterThan(0).And.LessThanOrEqualTo(2 * Page - 0x420));
    }

    [TestCase("", 0ul)]
    [TestCase("small@20210c00 { reg = <0x20210c00 0x420>; privileged = \"rw\"; memory-type = \"normal-wbwa\"; allow-rounding; };", 2 * Page - 0x420)]
    public void The_two_booted_kernels_allow_the_same_at_the_addresses_that_each_has_for_a_byte(string entry, ulong most)
    {
        var (regions, pages) = (Compile(Mpu, "n", entry), Compile(Mmu, "y", entry));
        using var mpu = MpuKernel.Boot(regions);
        using var mmu = MmuKernel.Boot(pages);
        var edges = regions.Board!.Protection!.Entries.Select(e => e.Range).Concat(mpu.Unit.Table.Regions.Select(r => r.Range)).SelectMany(r => new[] { r.Start.Value, r.End.Value })
            .Concat(mpu.Unit.Table.Regions.Where(r => r.SubregionDisable != 0).SelectMany(r => Enumerable.Range(1, 7).Select(i => r.Range.Start.Value + r.Range.Size.Value / 8 * (ulong)i)))
            .SelectMany(e => new[] { e, e & ~(Page - 1), (e + Page - 1) & ~(Page - 1) }).Where(e => e < 1UL << 32).Distinct().Order().Append(1UL << 32).ToList();
        var (differ, compared) = (0UL, 0);
        for (var i = 0; i + 1 < edges.Count; i++)
        {
            // Where a driver reaches that byte with an MMU: the linear map, or what boot mapped for the device.
            var virt = mmu.Plan.Map.Regions.Where(r => r.Rule != MapRule.Identity && r.PhysRange.Contains(new PhysAddr(edges[i])))
                .Select(r => (VirtAddr?)(r.Virt.Start + (edges[i] - r.Phys.Value))).FirstOrDefault();
            foreach (var privilege in s_privileges)
            {
                foreach (var right in s_rights)
                {
                    var byRegions = mpu.Cpu.Ask(new VirtAddr(edges[i]), 1, right, privilege) == FaultCause.None;
                    var byPages = virt is { } at && Reaches(mmu.Cpu, at, right, privilege);
                    compared++;
                    if (byRegions == byPages)
                        continue;
                    TestContext.Out.WriteLine($"[{edges[i]:x}, {edges[i + 1]:x}) {privilege} {right}: {(byRegions ? "regions" : "pages")} allow it");
                    Assert.That(byPages, "what the MPU allows the MMU allows");
                    differ += right == AccessRights.Read ? edges[i + 1] - edges[i] : 0;
                }
            }
        }
        TestContext.Out.WriteLine($"{compared} pairs compared, {differ} bytes of difference");
        Assert.That(compared, Is.GreaterThanOrEqualTo(30));
        Assert.That(differ, most == 0 ? Is.Zero : Is.GreaterThan(0).And.LessThanOrEqualTo(most));
    }

    private static bool Reaches(IMmuCpu cpu, VirtAddr address, AccessRights right, Privilege privilege)
    {
        try
        {
            cpu.Translate(address, right, privilege);
            return true;
        }
        catch (MemoryFaultException)
        {
            return false;
        }
    }

    // Addresses at which the modes allow different accesses in some domain, and what.
    private static Dictionary<PhysRange, string> Differences(string domains)
    {
        var (regions, pages) = (Compile(Mpu, "n", domains), Compile(Mmu, "y", domains));
        using var kernel = MpuKernel.Boot(regions);
        var found = new Dictionary<PhysRange, string>();
        foreach (var domain in kernel.Domains)
        {
            kernel.Switch(domain.Name);
            var result = PageTablePlanner.Plan(pages.Layout!, new PageTableOptions { Style = MapStyle.Flat, Domain = domain.Name.Length == 0 ? null : domain.Name });
            Assert.That(result.Plan, Is.Not.Null, string.Join('\n', result.Diagnostics));
            var policy = regions.Board!.Protection!;
            // Edges of everything that decides, and the pages and granules that they are rounded to: between two of them nothing changes.
            var edges = policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)).Select(e => e.Range)
                .Concat(kernel.Unit.Table.Regions.Select(r => r.Range)).SelectMany(r => new[] { r.Start.Value, r.End.Value })
                .Concat(kernel.Unit.Table.Regions.Where(r => r.SubregionDisable != 0).SelectMany(r => Enumerable.Range(1, 7).Select(i => r.Range.Start.Value + r.Range.Size.Value / 8 * (ulong)i)))
                .SelectMany(e => new[] { e, e & ~(Page - 1), (e + Page - 1) & ~(Page - 1) }).Append(0UL).Where(e => e < 1UL << 32).Distinct().Order().Append(1UL << 32).ToList();
            for (var i = 0; i + 1 < edges.Count; i++)
            {
                if (Difference(kernel, result.Plan!, edges[i]) is { } text)
                    found[PhysRange.FromBounds(new PhysAddr(edges[i]), edges[i + 1])] = text;
            }
        }
        return found;
    }

    private static string? Difference(MpuKernel kernel, PageTablePlan plan, ulong address)
    {
        var walk = AddressWalk.Of(plan, new VirtAddr(address));
        if (walk.Output is { } output)
            Assert.That(output.Value, Is.EqualTo(address), "one to one");
        foreach (var privilege in s_privileges)
        {
            foreach (var right in s_rights)
            {
                var byRegions = kernel.Cpu.Ask(new VirtAddr(address), 1, right, privilege) == FaultCause.None;
                var byPages = walk.Output is not null && walk.Tree!.Format.Check(walk.Steps[^1].Attributes, right, privilege, default) == FaultCause.None;
                if (byRegions != byPages)
                    return $"{privilege} {right}: {(byRegions ? "regions" : "pages")} allow it";
            }
        }
        return null;
    }

    private static BoardCompilation Compile(string cpu, string mmu, string domains)
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("modes.dts", $$"""
            /dts-v1/;
            / {
            	compatible = "test,modes";
            	#address-cells = <1>;
            	#size-cells = <1>;
            	cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; compatible = "{{cpu}}"; reg = <0>; }; };
            	memory@20000000 { device_type = "memory"; reg = <0x20000000 0x1000000>; };
            	uart0: serial@40004000 { compatible = "arm,pl011"; reg = <0x40004000 0x1000>; };
            	protection {
            		compatible = "kmemkit,protection";
            		#address-cells = <1>;
            		#size-cells = <1>;
            		{{(mmu == "n" ? "regions = <16>;" : "")}}
            		code@20000000 { reg = <0x20000000 0x100000>; privileged = "rx"; user = "rx"; memory-type = "normal-wbwa"; };
            		data@20100000 { reg = <0x20100000 0x100000>; privileged = "rw"; memory-type = "normal-wbwa"; };
            		uart { region = <&uart0>; privileged = "rw"; memory-type = "device"; shareable; };
            		{{domains}}
            	};
            };
            """))
        {
            Defconfig = new SourceFile("modes_defconfig", $"CONFIG_ARM=y\nCONFIG_MMU={mmu}\n"), RequireLayout = true,
        });
        Assert.That(compilation.Layout, Is.Not.Null, string.Join('\n', compilation.Diagnostics));
        return compilation;
    }
}
