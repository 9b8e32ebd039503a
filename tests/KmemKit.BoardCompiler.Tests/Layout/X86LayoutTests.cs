using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Layout.BoardBuilder;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>32-bit x86: the numbers of the reference's section 4 and of find_low_pfn_range.</summary>
public class X86LayoutTests
{
    private const ulong MiB = 1UL << 20;

    private static Policy Pc(int minor = 2, bool pae = false, bool highmem = true, BootArguments? arguments = null) => new()
    {
        LinuxVersion = Set(new LinuxVersion(3, minor)),
        X86Pae = Set(pae),
        Highmem = Set(highmem),
        Bootargs = arguments ?? new BootArguments(),
    };

    private static MemoryLayout Plan(Policy policy, ulong end) =>
        BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.X86, policy, (0, end)));

    [TestCase(false, 0xf77f_e000UL, "887MB LOWMEM available.")]
    [TestCase(true, 0xf7bf_e000UL, "891MB LOWMEM available.")]
    public void The_top_of_lowmem_hangs_on_where_pkmap_is(bool pae, ulong highMemory, string message)
    {
        var layout = Plan(Pc(pae: pae), 2048 * MiB);
        Assert.Multiple(() =>
        {
            Assert.That(layout.HighMemory, Is.EqualTo(new AddressLimit(highMemory)));
            Assert.That(layout.Messages, Does.Contain(message));
            Assert.That(Line(layout, "vmalloc").Start, Is.EqualTo(new VirtAddr(highMemory + 8 * MiB)));
        });
    }

    [Test]
    public void Vmalloc_asks_for_the_area_and_the_guard_comes_on_top()
    {
        var layout = Plan(Pc(arguments: new BootArguments { Vmalloc = Set(256 * MiB) }), 2048 * MiB);
        Assert.That(Line(layout, "vmalloc").Size, Is.EqualTo(new AddressLimit(256 * MiB)));
    }

    [Test]
    public void Before_2_6_28_lowmem_ends_at_896_MiB()
    {
        var layout = Plan(Pc() with { LinuxVersion = Set(new LinuxVersion(2, 6, 22)) }, 0x3f7c_0000);
        Assert.That(layout.HighMemory, Is.EqualTo(new AddressLimit(0xf800_0000)));
    }

    [Test]
    public void Less_RAM_than_lowmem_holds_is_all_lowmem()
    {
        var layout = Plan(Pc(), 512 * MiB);
        Assert.Multiple(() =>
        {
            Assert.That(layout.HighPages, Is.Zero);
            Assert.That(layout.Messages, Does.Contain("0MB HIGHMEM available."));
            Assert.That(Line(layout, "vmalloc").Start, Is.EqualTo(new VirtAddr(0xe080_0000)));
        });
    }

    [Test]
    public void Highmem_moves_lowmem_pages_over()
    {
        var layout = Plan(Pc(arguments: new BootArguments { Highmem = Set(128 * MiB) }), 512 * MiB);
        Assert.Multiple(() =>
        {
            Assert.That(layout.LowPages, Is.EqualTo(384 * MiB >> 12));
            Assert.That(layout.HighPages, Is.EqualTo(128 * MiB >> 12));
        });
    }

    [Test]
    public void Highmem_that_is_less_than_there_is_drops_the_rest()
    {
        var layout = Plan(Pc(arguments: new BootArguments { Highmem = Set(128 * MiB) }), 2048 * MiB);
        Assert.Multiple(() =>
        {
            Assert.That(layout.HighPages, Is.EqualTo(128 * MiB >> 12));
            Assert.That(layout.Holes.Single().Kind, Is.EqualTo(HoleKind.Ignored));
        });
    }

    [Test]
    public void Without_highmem_the_rest_is_dropped_with_the_kernels_warning()
    {
        var policy = Pc(highmem: false) with { FixaddrStart = Set(new VirtAddr(0xfff1_6000)) };
        var layout = Plan(policy, 2048 * MiB);
        Assert.Multiple(() =>
        {
            // VMALLOC_END = FIXADDR_START - 8K; MAXMEM = that - 3 GiB - 128 MiB
            Assert.That(layout.HighMemory, Is.EqualTo(new AddressLimit(0xfff1_6000 - 0x2000 - 128 * MiB)));
            Assert.That(layout.Messages, Does.Contain("Warning only 895MB will be used."));
            Assert.That(layout.HighPages, Is.Zero);
        });
    }

    [Test]
    public void Without_PAE_memory_above_4_GiB_is_dropped()
    {
        var layout = Plan(Pc(), 6144 * MiB);
        Assert.Multiple(() =>
        {
            Assert.That(layout.LowPages + layout.HighPages, Is.EqualTo(4096 * MiB >> 12));
            Assert.That(layout.Messages, Does.Contain("Use a HIGHMEM64G enabled kernel."));
        });
    }

    [Test]
    public void Zones_are_DMA_Normal_and_HighMem()
    {
        var layout = Plan(Pc(pae: true), 6144 * MiB);
        Assert.That(layout.Zones.Select(z => (z.Name, z.Start.Number, z.Spanned)), Is.EqualTo(new[]
        {
            ("DMA", 0UL, 4096UL), ("Normal", 4096UL, 0x37bfe - 4096UL), ("HighMem", 0x37bfeUL, (6144 * MiB >> 12) - 0x37bfe),
        }));
    }
}
