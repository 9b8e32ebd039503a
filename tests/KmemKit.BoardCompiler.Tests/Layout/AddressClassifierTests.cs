using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Tests.Writers;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Layout;

public sealed class AddressClassifierTests
{
    [TestCase(0x0UL, "logical", "lowmem", 0xc0000000UL)]
    [TestCase(0x5afffffUL, "logical", "lowmem", 0xc5afffffUL)]
    [TestCase(0x5b00000UL, "hole", "gap", null)]
    [TestCase(0x5cfffffUL, "hole", "gap", null)]
    [TestCase(0x5d00000UL, "logical", "lowmem", 0xc5d00000UL)]
    [TestCase(0x10000000UL, "reserved", "modem", null)]
    [TestCase(0x11000000UL, "hole", "gap", null)]
    [TestCase(0x20000000UL, "highmem", "highmem", null)]
    [TestCase(0x2fffffffUL, "highmem", "highmem", null)]
    [TestCase(0x30000000UL, "nothing", "", null)]
    [TestCase(0xf991e004UL, "device", "uart2", null)]
    [TestCase(0xf991f000UL, "device", "/soc", null)]
    [TestCase(0xffffffffffffffffUL, "nothing", "", null)]
    public void A_physical_address_is_what_the_board_has_there(ulong address, string kind, string name, ulong? mapsTo)
    {
        var meaning = AddressClassifier.ClassifyPhysical(SampleLayout.Full(), new PhysAddr(address));

        Assert.That((meaning.KindName, meaning.Name, meaning.MapsTo), Is.EqualTo((kind, name, mapsTo)), meaning.Reason);
    }

    [TestCase(0x0UL, "user", "user", null)]
    [TestCase(0xbeffffffUL, "user", "user", null)]
    [TestCase(0xbf000000UL, "modules", "modules", null)]
    [TestCase(0xbfe00000UL, "pkmap", "pkmap", null)]
    [TestCase(0xc0000000UL, "logical", "lowmem", 0x0UL)]
    [TestCase(0xc0008000UL, "logical", ".text", 0x8000UL)]
    [TestCase(0xc5b00000UL, "hole", "gap", null)]
    [TestCase(0xcfffffffUL, "logical", "lowmem", 0xfffffffUL)]
    [TestCase(0xd0000000UL, "guard", "guard", null)]
    [TestCase(0xd0800000UL, "vmalloc", "vmalloc", null)]
    [TestCase(0xff000000UL, "nothing", "", null)]
    [TestCase(0xfff00000UL, "fixmap", "fixmap", null)]
    [TestCase(0xffff0fffUL, "vectors", "vector", null)]
    [TestCase(0x100000000UL, "nothing", "", null)]
    public void A_virtual_address_is_what_the_kernel_has_there(ulong address, string kind, string name, ulong? mapsTo)
    {
        var meaning = AddressClassifier.ClassifyVirtual(SampleLayout.Full(), new VirtAddr(address));

        Assert.That((meaning.KindName, meaning.Name, meaning.MapsTo), Is.EqualTo((kind, name, mapsTo)), meaning.Reason);
    }

    [Test]
    public void What_maps_one_way_maps_back_and_only_RAM_of_the_linear_map_does()
    {
        var layout = SampleLayout.Full();
        foreach (var address in SampleLayout.Borders(layout))
        {
            var physical = AddressClassifier.ClassifyPhysical(layout, new PhysAddr(address));
            Assert.That(physical.MapsTo is not null, Is.EqualTo(layout.Linear.IsRam(new PhysAddr(address))), $"0x{address:x}");
            if (physical.MapsTo is { } virtualAddress)
                Assert.That(AddressClassifier.ClassifyVirtual(layout, new VirtAddr(virtualAddress)).MapsTo, Is.EqualTo(address));

            var meaning = AddressClassifier.ClassifyVirtual(layout, new VirtAddr(address));
            Assert.That(meaning.MapsTo is not null, Is.EqualTo(layout.Linear.VirtToPhys(new VirtAddr(address), out _) == TranslationStatus.Ok), $"0x{address:x}");
        }
    }

    [Test]
    public void A_hole_says_what_the_unchecked_macro_would_have_given()
    {
        var meaning = AddressClassifier.ClassifyPhysical(SampleLayout.Full(), new PhysAddr(0x5b0_1000));

        Assert.That(meaning.Reason, Does.Contain("0x5b00000-0x5d00000").And.Contain("0xc5b01000"));
    }

    [Test]
    public void Reserved_RAM_that_stays_mapped_names_its_region()
    {
        var meaning = AddressClassifier.ClassifyPhysical(SampleLayout.Full(), new PhysAddr(0x600_0000));

        Assert.That(meaning.Kind, Is.EqualTo(AddressKind.Logical));
        Assert.That(meaning.Reason, Does.Contain("ramoops"));
    }

    [Test]
    public void The_saved_virtual_addresses_of_a_hole_are_vmalloc()
    {
        var layout = SampleLayout.Full(SampleLayout.Board(reclaim: ReclaimStrategy.VmallocSaving));
        layout = layout with { Virtual = layout.Virtual.Add(new VirtualRange("vmalloc", SampleLayout.Virt(0xc5b0_0000, 0xc5d0_0000), SizeUnit.MB)) };

        Assert.That(AddressClassifier.ClassifyVirtual(layout, new VirtAddr(0xc5b0_0000)).Kind, Is.EqualTo(AddressKind.Vmalloc));
    }

    [Test]
    public void Without_an_MMU_a_virtual_address_is_the_physical_one()
    {
        var full = SampleLayout.Full();
        var layout = full with { Board = full.Board with { UsesMmu = false } };

        var meaning = AddressClassifier.ClassifyVirtual(layout, new VirtAddr(0xf991_e000));

        Assert.That((meaning.Name, meaning.MapsTo), Is.EqualTo(("uart2", (ulong?)0xf991_e000)));
    }

    [TestCase(TargetArchitecture.Arm64, 0x0000_ffff_ffff_ffffUL, "user")]
    [TestCase(TargetArchitecture.Arm64, 0x0001_0000_0000_0000UL, "nothing")]
    [TestCase(TargetArchitecture.X64, 0x0000_7fff_ffff_efffUL, "user")]
    [TestCase(TargetArchitecture.X64, 0x0000_7fff_ffff_f000UL, "nothing")]
    [TestCase(TargetArchitecture.X86, 0xbfff_ffffUL, "user")]
    public void User_space_ends_where_the_architecture_says(TargetArchitecture architecture, ulong address, string kind)
    {
        var layout = SampleLayout.Full(SampleLayout.Board(architecture: architecture)) with { Virtual = [], Linear = LinearMap.Empty };

        Assert.That(AddressClassifier.ClassifyVirtual(layout, new VirtAddr(address)).KindName, Is.EqualTo(kind));
    }

    [Test]
    public void Every_answer_has_a_reason() =>
        Assert.That(SampleLayout.Borders(SampleLayout.Full()).SelectMany(a => new[]
        {
            AddressClassifier.ClassifyPhysical(SampleLayout.Full(), new PhysAddr(a)), AddressClassifier.ClassifyVirtual(SampleLayout.Full(), new VirtAddr(a)),
        }).Select(m => m.Reason), Has.None.Empty);
}
