using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.Boards;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Masters as a board's tree connects them: behind which SMMU, with which streams, and which device addresses are never given out.</summary>
[TestFixture("arm,smmu-v3")]
[TestFixture("arm,mmu-500")]
internal sealed class BoardMastersTests(string smmu)
{
    private const string Windows = """
        bus {
            compatible = "simple-bus";
            #address-cells = <2>;
            #size-cells = <2>;
            ranges = <0x0 0x09000000 0x0 0x09000000 0x0 0x1000000>;
            dma-ranges = <0x0 0x80000800 0x0 0x40000800 0x0 0x8000>, <0x0 0x80010000 0x0 0x40010000 0x0 0x8000>;
            far: dma@9200000 { compatible = "test,dma"; reg = <0x0 0x09200000 0x0 0x1000>; iommus = <&smmu 0x40>; memory-region = <&screen>; };
        };
        """;

    private BootedMemory _memory = null!;
    private BoardMasters? _masters;

    private Cpu Cpu => _memory.Allocator.Cpus[0];

    [TearDown]
    public void End()
    {
        _masters?.Dispose();
        _masters = null;
        _memory.Dispose();
    }

    [Test]
    public void Each_has_an_address_space_of_its_own_and_a_fault_names_it()
    {
        var masters = Boot(Device("camera", "<&smmu 0x10>, <&smmu 0x12>") + Device("display", "<&smmu 0x20>") + Device("uart", null));
        var (camera, display, uart) = (masters.Of("/camera"), masters.Of("/display"), masters.Of("/uart"));
        Assert.That(masters.Translated, Is.EquivalentTo(new[] { camera, display }));
        Assert.That((masters.Of("/camera"), uart.Smmu, uart.Device.Domain), Is.EqualTo((camera, (RunningSmmu?)null, (DmaDomain?)null)));
        var faults = new List<(string?, DeviceFaultKind, uint)>();
        masters.Faulted += (master, fault) => faults.Add((master?.NodePath, fault.Kind, fault.StreamId));

        var memory = NewPage();
        var mapper = new DmaMapper(_memory.Memory);
        Assert.That(mapper.TryMap(Cpu, camera.Device, memory, 4096, DmaDirection.ToDevice, out var bus), Is.EqualTo(DmaError.None));
        Assert.That((camera.Reach(bus + 5, AccessRights.Read), uart.Reach(new BusAddr(memory.Value + 5), AccessRights.Read)), Is.EqualTo((memory + 5, memory + 5)));
        // All its streams are attached, and no stream beside them.
        var hardware = camera.Smmu!.Smmu;
        Assert.That(new uint[] { 0x10, 0x11, 0x12, 0x13 }.Select(s => hardware.Translate(new SmmuTransaction(s, null, bus.Value, AccessRights.Read)).Outcome == SmmuOutcome.Translated),
            Is.EqualTo(new[] { true, false, true, false }));
        faults.Clear();
        Assert.That((display.Reach(bus, AccessRights.Read), camera.Reach(bus, AccessRights.Write)), Is.EqualTo(((PhysAddr?)null, (PhysAddr?)null)));
        Assert.That(faults, Is.EqualTo(new[] { ("/display", DeviceFaultKind.Translation, 0x20u), ("/camera", DeviceFaultKind.Permission, 0x10u) }));
        mapper.Unmap(Cpu, camera.Device, bus, 4096, DmaDirection.ToDevice);
        Assert.That(camera.Reach(bus, AccessRights.Read), Is.Null);
    }

    [Test]
    public void Addresses_that_no_bus_lets_through_or_that_are_set_apart_are_not_given_out()
    {
        var masters = Boot(Windows + """
            reserved-memory {
                #address-cells = <2>;
                #size-cells = <2>;
                ranges;
                screen: screen@48000000 { reg = <0x0 0x48000000 0x0 0x4000>; no-map; iommu-addresses = <&far 0x0 0x80012000 0x0 0x4000>; };
            };
            """);
        var far = masters.Of("/bus/dma@9200000");
        var given = new SortedSet<ulong>();
        for (DmaError error; (error = far.Device.Domain!.TryMap(Cpu, [new DmaPiece(NewPage(), 4096)], DmaAccess.Read, ulong.MaxValue, out var bus)) != DmaError.NoDeviceAddress;)
        {
            Assert.That(error, Is.EqualTo(DmaError.None));
            Assert.That(given.Add(bus.Value));
        }
        // Whole pages of both windows, without those of the screen.
        var expected = Enumerable.Range(1, 7).Select(i => 0x8000_0000UL + ((ulong)i << 12)).Concat(Enumerable.Range(0, 8).Where(i => i is < 2 or > 5).Select(i => 0x8001_0000UL + ((ulong)i << 12)));
        Assert.That(given, Is.EqualTo(expected));
    }

    [Test]
    public void What_the_policy_lets_pass_has_the_addresses_of_its_bus()
    {
        var masters = Boot(Device("camera", "<&smmu 0x10>") + """
            protection { compatible = "kmemkit,protection"; #address-cells = <2>; #size-cells = <2>; device-open { masters = <&camera>; translation = "bypass"; }; };
            """);
        Assert.That(masters.Of("/camera").Smmu, Is.Null);
        Assert.That(masters.Translated, Is.Empty);
    }

    [Test]
    public void A_master_of_two_SMMUs_is_refused_and_the_others_are_not()
    {
        var masters = Boot($$"""other: iommu@9080000 { compatible = "{{smmu}}"; reg = <0x0 0x09080000 0x0 0x20000>; #iommu-cells = <1>; #global-interrupts = <1>; };"""
            + Device("camera", "<&smmu 0x10>, <&other 0x10>") + Device("display", "<&other 0x20>"));
        Assert.That(() => masters.Of("/camera"), Throws.InvalidOperationException.With.Message.Contains("/camera").And.Message.Contains("more than one SMMU"));
        Assert.That(masters.Of("/display").Smmu!.Board.Name, Is.EqualTo("other"));
        Assert.That(masters.Refused.Keys, Is.EqualTo(new[] { "/camera" }));
    }

    /// <summary>The same StreamID at two SMMUs is two devices.</summary>
    [Test]
    public void A_fault_names_the_master_behind_the_SMMU_that_tells_it()
    {
        var masters = Boot($$"""other: iommu@9080000 { compatible = "{{smmu}}"; reg = <0x0 0x09080000 0x0 0x20000>; #iommu-cells = <1>; #global-interrupts = <1>; };"""
            + Device("camera", "<&smmu 0x10>") + Device("display", "<&other 0x10>"));
        var faults = new List<string?>();
        masters.Faulted += (master, _) => faults.Add(master?.NodePath);
        masters.Of("/display").Reach(default, AccessRights.Read);
        masters.Of("/camera").Reach(default, AccessRights.Read);
        Assert.That(faults, Is.EqualTo(new[] { "/display", "/camera" }));
    }

    [Test]
    public void Without_an_SMMU_an_address_goes_where_the_bus_puts_it()
    {
        var masters = Boot(Windows.Replace("iommus = <&smmu 0x40>; memory-region = <&screen>;", "", StringComparison.Ordinal));
        var far = masters.Of("/bus/dma@9200000");
        Assert.That((far.Smmu, far.Reach(new BusAddr(0x80001004), AccessRights.Write), far.Reach(new BusAddr(0x80008800), AccessRights.Write)),
            Is.EqualTo(((RunningSmmu?)null, new PhysAddr(0x40001004), (PhysAddr?)null)));
    }

    [Test]
    public void Everything_is_given_back()
    {
        var layout = Layout(Device("camera", "<&smmu 0x10>"));
        _memory = BootedMemory.Boot(layout);
        var before = FreePages();
        for (var i = 0; i < 3; i++)
        {
            using var masters = BoardMasters.Boot(layout, Cpu, _memory.Memory);
            var camera = masters.Of("/camera");
            camera.Device.Domain!.TryMap(Cpu, [new DmaPiece(layout.Banks[0].Range.Start, 4096)], DmaAccess.Read, ulong.MaxValue, out var bus);
            Assert.That(camera.Reach(bus, AccessRights.Read), Is.Not.Null);
        }
        Assert.That(FreePages(), Is.EqualTo(before));
    }

    [Test]
    public void A_mask_of_an_SMMUv2_is_a_group()
    {
        var masters = Boot("""
            matched: iommu@9080000 { compatible = "arm,mmu-500"; reg = <0x0 0x09080000 0x0 0x20000>; #iommu-cells = <2>; #global-interrupts = <1>; };
            """ + Device("camera", "<&matched 0x100 0x3>"));
        var hardware = masters.Of("/camera").Smmu!.Smmu;
        masters.Of("/camera").Device.Domain!.TryMap(Cpu, [new DmaPiece(NewPage(), 4096)], DmaAccess.Read, ulong.MaxValue, out var bus);
        Assert.That(new uint[] { 0xff, 0x100, 0x103, 0x104 }.Select(s => hardware.Translate(new SmmuTransaction(s, null, bus.Value, AccessRights.Read)).Outcome == SmmuOutcome.Translated),
            Is.EqualTo(new[] { false, true, true, false }));
    }

    [Test]
    public void Stream_match_mask_is_of_every_StreamID()
    {
        var masters = Boot("""
            masked: iommu@9080000 { compatible = "arm,mmu-500"; reg = <0x0 0x09080000 0x0 0x20000>; #iommu-cells = <1>; #global-interrupts = <1>; stream-match-mask = <0x7f80>; };
            """ + Device("camera", "<&masked 0x5>"));
        var hardware = masters.Of("/camera").Smmu!.Smmu;
        masters.Of("/camera").Device.Domain!.TryMap(Cpu, [new DmaPiece(NewPage(), 4096)], DmaAccess.Read, ulong.MaxValue, out var bus);
        Assert.That(new uint[] { 0x5, 0x7f85, 0x6 }.Select(s => hardware.Translate(new SmmuTransaction(s, null, bus.Value, AccessRights.Read)).Outcome == SmmuOutcome.Translated),
            Is.EqualTo(new[] { true, true, false }));
    }

    [Test]
    public void A_StreamID_may_be_as_large_as_the_stream_table_and_a_larger_one_is_refused()
    {
        var last = smmu == "arm,smmu-v3" ? 0x1ff_ffffu : 0x7fffu;
        var masters = Boot(Device("camera", $"<&smmu {last}>") + Device("display", "<&smmu 0x0>") + (smmu == "arm,smmu-v3" ? Device("encoder", $"<&smmu {last + 1}>") : ""));
        Assert.That(masters.Refused.Keys, Is.EqualTo(smmu == "arm,smmu-v3" ? ["/encoder"] : Array.Empty<string>()));
        Assert.That(masters.Translated.Count(), Is.EqualTo(2));
        foreach (var master in masters.Translated)
        {
            Assert.That(master.Device.Domain!.TryMap(Cpu, [new DmaPiece(NewPage(), 4096)], DmaAccess.Read, ulong.MaxValue, out var bus), Is.EqualTo(DmaError.None));
            Assert.That(master.Reach(bus, AccessRights.Read), Is.Not.Null);
        }
    }

    private static string Device(string name, string? iommus) =>
        $$"""{{name}}: {{name}} { compatible = "test,{{name}}"; {{(iommus is null ? "" : $"iommus = {iommus};")}} };""";

    private KmemKit.BoardCompiler.Layout.MemoryLayout Layout(string nodes) => TestBoards.Arm64($$"""
        memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x10000000>; };
        smmu: iommu@9050000 { compatible = "{{smmu}}"; reg = <0x0 0x09050000 0x0 0x20000>; #iommu-cells = <1>; #global-interrupts = <1>; };
        {{nodes}}
        """);

    private BoardMasters Boot(string nodes)
    {
        var layout = Layout(nodes);
        _memory = BootedMemory.Boot(layout);
        return _masters = BoardMasters.Boot(layout, Cpu, _memory.Memory);
    }

    private long FreePages()
    {
        _memory.Allocator.DrainAllPages(Cpu);
        return _memory.Allocator.Zones.Sum(z => z.FreePages);
    }

    private PhysAddr NewPage() => _memory.Map.PageToPhys(Cpu.AllocPages(Gfp.GfpFlags.Kernel, 0));
}
