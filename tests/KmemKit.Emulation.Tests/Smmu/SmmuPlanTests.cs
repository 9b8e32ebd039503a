using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Mmu;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Smmu;

/// <summary>The image that KmemKit makes of a board, loaded on the machine: devices reach what the board's policy grants them, and nothing else; a wrong bit shows.</summary>
public sealed class SmmuPlanTests
{
    // Four devices: bus 0 slots 1 to 3 (0x8, 0x10, 0x18), and one behind the root port at 0x4100, so that the smallest table has two levels. The third passes through.
    private const string Board = """
        /dts-v1/;
        / {
        	compatible = "linux,dummy-virt";
        	#address-cells = <2>;
        	#size-cells = <2>;
        	cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a53"; reg = <0>; }; };
        	memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x40000000>; };
        	smmu: smmuv3@9050000 { compatible = "arm,smmu-v3"; reg = <0x0 0x09050000 0x0 0x20000>; #iommu-cells = <1>; dma-coherent; kmemkit,idr = <0x0d40101a 0x02730010 0x74>; };
        	pcie: pcie@10000000 {
        		compatible = "pci-host-ecam-generic";
        		device_type = "pci";
        		#address-cells = <3>;
        		#size-cells = <2>;
        		reg = <0x40 0x10000000 0x0 0x10000000>;
        		ranges = <0x02000000 0x0 0x10000000 0x0 0x10000000 0x0 0x2eff0000>;
        		iommu-map = <0x0 &smmu 0x0 0x10000>;
        		dma-coherent;
        	};
        	protection {
        		compatible = "kmemkit,protection";
        		#address-cells = <2>;
        		#size-cells = <2>;
        		device-first {
        			masters = <&pcie>;
        			requester-ids = <0x8>;
        			ring@50000000 { reg = <0x0 0x50000000 0x0 0x00200000>; access = "rw"; iova = <0x0 0x00200000>; };
        			image@50300000 { reg = <0x0 0x50300000 0x0 0x00003000>; access = "r"; iova = <0x0 0x00110000>; };
        			far@51000000 { reg = <0x0 0x51000000 0x0 0x00010000>; access = "rw"; iova = <0x40 0x00000000>; };
        		};
        		device-second {
        			masters = <&pcie>;
        			requester-ids = <0x10 0x4100>;
        			granule = <0x10000>;
        			shared@60000000 { reg = <0x0 0x60000000 0x0 0x00400000>; access = "rw"; };
        			table@61000000 { reg = <0x0 0x61000000 0x0 0x00010000>; access = "r"; };
        		};
        		device-third {
        			masters = <&pcie>;
        			requester-ids = <0x18>;
        			translation = "bypass";
        		};
        	};
        };
        """;

    private static StreamTablePlan Plan(PhysAddr? at = null)
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("board.dts", Board))
        {
            Defconfig = new SourceFile("board_defconfig", "CONFIG_ARM64=y\nCONFIG_MMU=y\nCONFIG_LINUX_VERSION=\"6.1\"\n"), RequireLayout = true,
        });
        Assert.That(compilation.HasErrors, Is.False, string.Join('\n', compilation.Diagnostics));
        return StreamTablePlanner.Plan(compilation.Layout!, new StreamTableOptions { Base = at }).Plan!;
    }

    [Test]
    public void Devices_reach_what_they_are_granted_and_nothing_else()
    {
        var plan = Plan(new PhysAddr(0x4400_0000));
        Assert.That(plan.Smmus[0].Shape!.IsTwoLevel);
        var round = Round(plan);
        var images = new[] { new MemoryImage(plan.Base.Value, StreamTableImage.Write(plan)) };
        var (wrong, reached) = Compare(plan, round, images);
        TestContext.Out.WriteLine($"{round.Probes.Count} accesses, {reached} reach memory");
        Regime.Check("the policy", wrong);
    }

    // A bit of an entry, a descriptor, a table: each makes some device reach something else than the policy says.
    [Test]
    public void A_flipped_bit_shows()
    {
        var plan = Plan(new PhysAddr(0x4400_0000));
        var smmu = plan.Smmus[0];
        var image = StreamTableImage.Write(plan);
        var round = Round(plan);
        var context = smmu.Contexts[0];
        var leaf = StreamWalk.Of(plan, 0, 8, new BusAddr(0x20_0000)).Steps[^1].Address;
        var entry = StreamWalk.Of(plan, 0, 8, new BusAddr(0x20_0000)).Steps.First(s => s.What == "STE").Address;
        foreach (var (what, place, bit) in (IEnumerable<(string, ulong, int)>)
            [("STE.V", entry, 0), ("STE.Config", entry, 1), ("CD.V", context.Descriptor!.Value.Value, 31), ("TTB0", context.Descriptor.Value.Value + 8, 13), ("valid", leaf, 0), ("AP[2]", leaf, 7), ("output", leaf, 22)])
        {
            var changed = (byte[])image.Clone();
            changed[(int)(place - plan.Base.Value) + (bit / 8)] ^= (byte)(1 << (bit % 8));
            Assert.That(Compare(plan, round, [new MemoryImage(plan.Base.Value, changed)]).Wrong, Is.Not.Empty, what);
        }
    }

    private static SmmuRound Round(StreamTablePlan plan)
    {
        var random = new Random(11);
        var probes = new List<DmaProbe>();
        for (var device = 0; device < SmmuMachine.Streams.Length; device++)
        {
            var binding = plan.Smmus[0].BindingOf(SmmuMachine.Streams[device])!;
            var pages = new SortedSet<ulong> { 0, 0x5400_0000, 0x7000_0000 };
            foreach (var region in binding.Context < 0 ? [] : plan.Smmus[0].Contexts[binding.Context].Map.Regions)
            {
                var (first, size) = (region.Virt.Start.Value, region.Virt.Size.Value);
                pages.UnionWith([first - 0x1000, first, first + size - 0x1000, first + size, first + (1UL << 41), region.Phys.Value]);
                for (var i = 0; i < 12; i++)
                    pages.Add(first + ((ulong)random.NextInt64((long)(size / 0x1000)) * 0x1000));
            }
            // Untranslated accesses go to memory that nobody else has.
            probes.AddRange(pages.Where(p => binding.Context >= 0 || p >= 0x5000_0000).SelectMany(p => (DmaProbe[])[new(device, p, false), new(device, p, true)]));
        }
        var registers = plan.Smmus[0].Registers.ToDictionary(r => r.Name, r => r.Value);
        return new SmmuRound("plan", registers["STRTAB_BASE"], (uint)registers["STRTAB_BASE_CFG"], [.. probes.OrderBy(_ => random.Next())]);
    }

    /// <summary>Where the policy sends an access; null for nowhere. Out of the plan's map, not its tables.</summary>
    private static ulong? Expected(StreamTablePlan plan, DmaProbe probe)
    {
        var binding = plan.Smmus[0].BindingOf(SmmuMachine.Streams[probe.Device])!;
        if (binding.Context < 0)
            return probe.Target;
        var region = plan.Smmus[0].Contexts[binding.Context].Map.At(new VirtAddr(probe.Target));
        var right = probe.IsWrite ? AccessRights.Write : AccessRights.Read;
        return region is not null && (region.Attributes.User & right) != 0 ? region.ToPhys(new VirtAddr(probe.Target)).Value : null;
    }

    private static (List<string> Wrong, int Reached) Compare(StreamTablePlan plan, SmmuRound round, IReadOnlyList<MemoryImage> images)
    {
        var expected = round.Probes.Select(p => Expected(plan, p)).ToList();
        var fills = expected.OfType<ulong>().Select(o => o & ~0xFFFUL).Distinct().Order().ToList();
        var (_, outcomes, written) = SmmuMachine.Run(new SmmuScript([round], fills), images);
        var wrong = new List<string>();
        var last = new Dictionary<ulong, ulong>();
        for (var i = 0; i < round.Probes.Count; i++)
        {
            var (probe, outcome) = (round.Probes[i], outcomes[0][i]);
            if (expected[i] is { } output)
            {
                if (probe.IsWrite)
                    last[output & ~0xFFFUL] = (ulong)i + 1;
                if (outcome.Events != 0 || (!probe.IsWrite && outcome.Value != output >> 12))
                    wrong.Add($"{probe}: {outcome}; it is given 0x{output:x}");
            }
            else if (outcome.Events != 1 || outcome.Record.StreamId != SmmuMachine.Streams[probe.Device] || outcome.Record.InputAddress != probe.Target || outcome.Record.IsRead == probe.IsWrite)
            {
                wrong.Add($"{probe}: {outcome}; it is given nothing there");
            }
        }
        wrong.AddRange(written.Where(w => w.Value != last.GetValueOrDefault(w.Key)).Select(w => $"page 0x{w.Key:x}: written by probe {w.Value}, not {last.GetValueOrDefault(w.Key)}"));
        return (wrong, expected.OfType<ulong>().Count());
    }
}
