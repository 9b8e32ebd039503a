using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.KernelMaps;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Tables.SmallBoard;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>What a kernel has mapped, rule by rule: each case says by hand what may be done at which address.</summary>
internal sealed class KernelMapTests
{
    [Test]
    public void The_image_in_the_linear_map_is_either_written_or_executed()
    {
        var map = Map("arm,cortex-a9", 0x80000000, Arm + ArmImage);
        Assert.Multiple(() =>
        {
            Assert.That(Rights(map, 0xc0000000), Is.EqualTo("rw"), "in front of the image");
            Assert.That(Rights(map, 0xc0100000), Is.EqualTo("rx"), ".text");
            Assert.That(Rights(map, 0xc01fffff), Is.EqualTo("rx"), ".text");
            Assert.That(Rights(map, 0xc0200000), Is.EqualTo("r"), ".rodata");
            Assert.That(Rights(map, 0xc0300000), Is.EqualTo("rx"), ".init.text");
            Assert.That(Rights(map, 0xc0380000), Is.EqualTo("rw"), "the data of .init");
            Assert.That(Rights(map, 0xc0400000), Is.EqualTo("rw"), ".data");
            Assert.That(Rights(map, 0xc0480000), Is.EqualTo("rw"), "behind the image");
            // Boot code runs at the physical addresses of .text, and nowhere else.
            Assert.That(Rights(map, 0x80100000), Is.EqualTo("rx"));
            Assert.That(Rights(map, 0x80200000), Is.Null);
            Assert.That(map.At(new VirtAddr(0x80100000))!.Global, Is.False);
        });
    }

    [Test]
    public void What_is_executed_at_one_address_is_not_written_at_another()
    {
        var map = Map("arm,cortex-a53", 0x40000000, Arm64 + "CONFIG_KERNEL_PHYS=0x40200000\n"
            + "CONFIG_KERNEL_TEXT=\"0xffff800008010000-0xffff800008110000\"\nCONFIG_KERNEL_DATA=\"0xffff800008110000-0xffff800008210000\"\n");
        var linear = 0xffff000000000000UL;
        Assert.Multiple(() =>
        {
            Assert.That(Rights(map, 0xffff800008010000), Is.EqualTo("rx"));
            Assert.That(map.At(new VirtAddr(0xffff800008010000))!.Phys, Is.EqualTo(new PhysAddr(0x40200000)));
            Assert.That(Rights(map, 0xffff800008110000), Is.EqualTo("rw"));
            Assert.That(Rights(map, linear + 0x200000), Is.EqualTo("r"), "the linear map's view of .text");
            Assert.That(Rights(map, linear + 0x300000), Is.EqualTo("rw"), "the linear map's view of .data");
        });
        foreach (var executed in map.Regions.Where(r => (r.Attributes.Privileged & AccessRights.Execute) != 0))
        {
            Assert.That(map.Regions.Where(r => r.PhysRange.Overlaps(executed.PhysRange) && (r.Attributes.Privileged & AccessRights.Write) != 0), Is.Empty);
        }
    }

    [Test]
    public void Memory_that_is_not_to_be_mapped_is_at_no_address_and_other_reserved_memory_is()
    {
        var map = Map("arm,cortex-a9", 0x80000000, Arm + ArmImage, extra:
            "reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges; gone@84000000 { reg = <0x84000000 0x100000>; no-map; }; kept@85000000 { reg = <0x85000000 0x100000>; }; };");
        Assert.That(map.Regions.Where(r => r.PhysRange.Overlaps(new PhysRange(new PhysAddr(0x84000000), 0x100000))), Is.Empty);
        Assert.That(Rights(map, 0xc3ffffff), Is.EqualTo("rw"));
        Assert.That(Rights(map, 0xc4000000), Is.Null);
        Assert.That(Rights(map, 0xc4100000), Is.EqualTo("rw"));
        Assert.That(Rights(map, 0xc5000000), Is.EqualTo("rw"));
    }

    [Test]
    public void Devices_are_device_memory_in_the_vmalloc_area_with_a_page_between_them()
    {
        var map = Map("arm,cortex-a9", 0x80000000, Arm + ArmImage, extra:
            "soc { compatible = \"simple-bus\"; #address-cells = <1>; #size-cells = <1>; ranges; uart@10000000 { reg = <0x10000000 0x100>; };"
            + " off@10010000 { status = \"disabled\"; reg = <0x10010000 0x1000>; }; ram@10020000 { compatible = \"mmio-sram\"; reg = <0x10020000 0x1000>; };"
            + " big@10100000 { reg = <0x10100000 0x200000>; }; };");
        var io = map.Regions.Where(r => r.Rule == MapRule.StaticIo).ToList();
        Assert.That(io.Select(r => (r.Name, r.Phys.Value, r.Attributes.Memory)), Is.EqualTo(new[]
        {
            ("uart@10000000", 0x10000000UL, MpuMemoryType.Device), ("ram@10020000", 0x10020000UL, MpuMemoryType.NormalWriteBackWriteAllocate),
            ("big@10100000", 0x10100000UL, MpuMemoryType.Device),
        }));
        var vmalloc = map.Layout.Virtual.Single(v => v.Name == "vmalloc").Range;
        Assert.That(io.All(r => vmalloc.Contains(r.Virt) && r.Attributes.Privileged == AccessRights.ReadWrite && r.Attributes.User == 0));
        for (var i = 1; i < io.Count; i++)
            Assert.That(io[i].Virt.Start.Value, Is.GreaterThanOrEqualTo(io[i - 1].Virt.End.Value + 0x1000));
        Assert.That(vmalloc.End.Value - io[^1].Virt.End.Value, Is.GreaterThanOrEqualTo(0x1000));
        // So that it can be one block.
        Assert.That((io[2].Virt.Start.Value - io[2].Phys.Value) % 0x200000, Is.Zero);
    }

    [Test]
    public void Without_a_background_the_policy_maps_what_it_grants_and_nothing_else()
    {
        var map = Map("arm,cortex-a53", 0x40000000, Arm64, extra:
            "protection { compatible = \"kmemkit,protection\"; #address-cells = <1>; #size-cells = <1>; code { reg = <0x40100000 0x100000>; privileged = \"rx\"; };"
            + " data { reg = <0x40200000 0x100000>; privileged = \"rw\"; user = \"rw\"; }; guard { reg = <0x40280000 0x1000>; }; uart { reg = <0x9000000 0x1000>; privileged = \"rw\"; };"
            + " domain-task { stack { reg = <0x40400000 0x1000>; privileged = \"rw\"; user = \"rw\"; }; }; };");
        var linear = 0xffff000000000000UL;
        Assert.Multiple(() =>
        {
            Assert.That(Rights(map, linear), Is.Null);
            Assert.That(Rights(map, linear + 0x100000), Is.EqualTo("rx"));
            Assert.That(map.At(new VirtAddr(linear + 0x200000))!.Attributes.User.ToText(), Is.EqualTo("rw"));
            Assert.That(Rights(map, linear + 0x280000), Is.Null, "the hole in the entry");
            Assert.That(Rights(map, linear + 0x281000), Is.EqualTo("rw"));
            Assert.That(Rights(map, linear + 0x300000), Is.Null);
            Assert.That(Rights(map, linear + 0x400000), Is.Null, "only while the domain runs");
            Assert.That(map.Regions.Count(r => r.Phys == new PhysAddr(0x9000000) && r.Attributes.Memory == MpuMemoryType.Device), Is.EqualTo(1));
            Assert.That(Rights(map, 0x40100000), Is.EqualTo("rx"), "identity, by the same policy");
            Assert.That(Rights(map, 0x40000000), Is.Null);
        });
    }

    [Test]
    public void A_flat_map_has_virtual_addresses_that_are_physical_ones()
    {
        var compilation = Compile("arm,cortex-a9", 0x80000000, Arm + ArmImage, "");
        var map = KernelMapPlanner.Plan(compilation.Layout!, new KernelMapOptions(MapStyle.Flat)).Map!;
        Assert.That(map.Regions.All(r => r.Virt.Start.Value == r.Phys.Value));
        Assert.That(Rights(map, 0x80100000), Is.EqualTo("rx"));
        Assert.That(Rights(map, 0x80200000), Is.EqualTo("r"));
        Assert.That(map.VectorsPage, Is.Null);
        Assert.That(map.EmptyTables, Is.Empty);
    }

    [Test]
    public void Vectors_have_a_page_of_their_own_that_is_executed_and_the_fixmap_has_tables()
    {
        var map = Map("arm,cortex-a9", 0x80000000, Arm + ArmImage);
        Assert.That(Rights(map, 0xffff0000), Is.EqualTo("rx"));
        Assert.That(map.At(new VirtAddr(0xffff0000))!.PhysRange, Is.EqualTo(map.VectorsPage));
        Assert.That(map.VectorsPage!.Value.End.Value, Is.EqualTo(0x90000000), "the top of lowmem");
        Assert.That(map.EmptyTables.Select(e => e.Name), Is.EquivalentTo(new[] { "fixmap", "pkmap" }));
    }
}
