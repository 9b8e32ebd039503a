using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Layout.BoardBuilder;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>The corners of the lowmem decision that few boot logs reach. Numbers are worked out by hand from the kernel's rule in the name.</summary>
public class ArmLowmemTests
{
    private const ulong MiB = 1UL << 20;

    [Test]
    public void A_bank_that_crosses_the_limit_is_cut_there()
    {
        // 3.4, no vmalloc=: limit = 0xff000000 - 240M - 8M - PAGE_OFFSET = 760 MiB
        var layout = BoardBuilder.Layout(Board(TargetArchitecture.Arm, Arm(3, 4), (0, 1024 * MiB)));
        Assert.That(layout.Banks.Select(b => (b.Range, b.Kind)), Is.EqualTo(new[]
        {
            (Range(0, 760 * MiB), BankKind.Lowmem),
            (Range(760 * MiB, 1024 * MiB), BankKind.Highmem),
        }));
    }

    [Test]
    public void Before_3_3_the_first_highmem_bank_makes_all_later_ones_highmem()
    {
        // Firmware order: a bank far up first. 3.0 keeps the order, 3.4 sorts.
        var banks = new[] { (0x8000_0000UL, 0x9000_0000UL), (0UL, 0x1000_0000UL) };
        var old = MemoryLayoutPlanner.Plan(Board(TargetArchitecture.Arm, Arm(3, 0), banks));
        var sorted = BoardBuilder.Layout(Board(TargetArchitecture.Arm, Arm(3, 4), banks));
        Assert.Multiple(() =>
        {
            Assert.That(old.Layout, Is.Null);
            Assert.That(old.Diagnostics.Select(d => d.Id), Does.Contain("KMK3509"));
            Assert.That(sorted.LowPages, Is.EqualTo(0x10000));
            Assert.That(sorted.HighPages, Is.EqualTo(0x10000));
        });
    }

    [Test]
    public void A_bank_that_starts_exactly_at_the_limit_is_highmem()
    {
        var layout = BoardBuilder.Layout(Board(TargetArchitecture.Arm, Arm(3, 4), (0, 256 * MiB), (760 * MiB, 800 * MiB)));
        Assert.That(layout.Banks[1].Kind, Is.EqualTo(BankKind.Highmem));
    }

    [Test]
    public void Lowmem_ends_where_RAM_ends_when_that_is_below_the_limit()
    {
        // 0xdf200000 is not 8 MiB aligned: the gap is what is left to the next 8 MiB after adding 8.
        var layout = BoardBuilder.Layout(Board(TargetArchitecture.Arm, Arm(3, 4), (0, 498 * MiB)));
        Assert.Multiple(() =>
        {
            Assert.That(layout.HighMemory, Is.EqualTo(new AddressLimit(0xdf20_0000)));
            Assert.That(Line(layout, "vmalloc").Start, Is.EqualTo(new VirtAddr(0xdf80_0000)));
        });
    }

    [TestCase(3, 4, "Truncating RAM at 20000000-5fffffff to -4f7fffff (vmalloc region overlap).")]
    [TestCase(4, 4, "Truncating RAM at 0x20000000-0x60000000 to -0x50000000")]
    [TestCase(4, 19, "Ignoring RAM at 0x50000000-0x60000000")]
    public void Without_highmem_each_era_says_what_it_drops_in_its_own_words(int major, int minor, string message)
    {
        // 3.4: VMALLOC_END 0xff000000, limit 760 MiB; 4.4 and later: 0xff800000, limit 768 MiB.
        var layout = BoardBuilder.Layout(
            Board(TargetArchitecture.Arm, Arm(major, minor, 0x2000_0000, highmem: false), (0x2000_0000, 0x6000_0000)));
        Assert.Multiple(() =>
        {
            Assert.That(layout.Messages, Does.Contain(message));
            Assert.That(layout.HighPages, Is.Zero);
            Assert.That(layout.Holes.Single().Kind, Is.EqualTo(HoleKind.Ignored));
        });
    }

    // A bank that starts exactly at the limit is not truncated to nothing, it is ignored.
    [TestCase(3, 4, 760UL, "Ignoring RAM at 2f800000-3f7fffff (vmalloc region overlap).")]
    [TestCase(4, 4, 768UL, "Ignoring RAM at 0x30000000-0x40000000 (!CONFIG_HIGHMEM)")]
    public void Without_highmem_a_bank_at_the_limit_is_ignored_whole(int major, int minor, ulong limit, string message)
    {
        var layout = BoardBuilder.Layout(Board(
            TargetArchitecture.Arm, Arm(major, minor, highmem: false), (0, 512 * MiB), (limit * MiB, (limit + 256) * MiB)));
        Assert.That(layout.Messages, Is.EqualTo(new[] { message }));
    }

    [Test]
    public void With_LPAE_the_messages_have_sixteen_digits()
    {
        var policy = Arm(5, 10, highmem: false) with { ArmLpae = Set(true) };
        var layout = BoardBuilder.Layout(Board(TargetArchitecture.Arm, policy, (0, 0x4000_0000)));
        Assert.That(layout.Messages, Does.Contain("Ignoring RAM at 0x0000000030000000-0x0000000040000000"));
    }

    [Test]
    public void From_4_11_a_nomap_tail_moves_the_lowmem_limit_and_what_lies_behind_the_last_whole_2_MiB_is_ignored()
    {
        // reference, section 2: RAM end 0x9ef00000 by a NOMAP tail; ignored from 0x9ee00000, high_memory not rounded.
        var board = Board(TargetArchitecture.Arm, Arm(5, 15, 0x8000_0000, highmem: false), (0x8000_0000, 0xa000_0000)) with
        {
            Reserved = [new ReservedRegion("tail", Range(0x9ef0_0000, 0xa000_0000), default) { NoMap = true }],
        };
        var layout = BoardBuilder.Layout(board);
        Assert.Multiple(() =>
        {
            Assert.That(layout.Messages, Does.Contain("Ignoring RAM at 0x9ee00000-0xa0000000"));
            Assert.That(layout.LowmemLimit, Is.EqualTo(new AddressLimit(0x9ef0_0000)));
            Assert.That(layout.LowPages, Is.EqualTo((0x9ee0_0000UL - 0x8000_0000) >> 12));
        });
    }

    [Test]
    public void Before_4_11_a_nomap_region_lowers_the_counts_and_not_the_limit()
    {
        var board = Board(TargetArchitecture.Arm, Arm(4, 4, 0x8000_0000), (0x8000_0000, 0xa000_0000)) with
        {
            Reserved = [new ReservedRegion("tail", Range(0x9ef0_0000, 0xa000_0000), default) { NoMap = true }],
        };
        var layout = BoardBuilder.Layout(board);
        Assert.Multiple(() =>
        {
            Assert.That(layout.LowmemLimit, Is.EqualTo(new AddressLimit(0xa000_0000)));
            Assert.That(layout.LowPages, Is.EqualTo((0x9ef0_0000UL - 0x8000_0000) >> 12));
            Assert.That(layout.Holes.Single(), Is.EqualTo(new PhysicalHole(Range(0x9ef0_0000, 0xa000_0000), HoleKind.NoMap, default)));
        });
    }

    [TestCase(5, 3, 0x8010_0000UL)]
    [TestCase(5, 4, 0x8020_0000UL)]
    public void From_5_4_lowmem_starts_at_the_first_whole_2_MiB(int major, int minor, ulong start)
    {
        var result = MemoryLayoutPlanner.Plan(Board(TargetArchitecture.Arm, Arm(major, minor, 0x8000_0000), (0x8010_0000, 0x9000_0000)));
        Assert.Multiple(() =>
        {
            Assert.That(result.Layout!.Banks[0].Range.Start, Is.EqualTo(new PhysAddr(start)));
            Assert.That(result.Diagnostics.Any(d => d.Id == "KMK3528"), Is.EqualTo(start == 0x8020_0000));
        });
    }

    [Test]
    public void A_bank_that_ends_at_4_GiB_loses_its_last_page()
    {
        var result = MemoryLayoutPlanner.Plan(Board(TargetArchitecture.Arm, Arm(3, 4, 0x8000_0000), (0x8000_0000, 0x1_0000_0000)));
        Assert.Multiple(() =>
        {
            Assert.That(result.Layout!.Banks[^1].Range.End, Is.EqualTo(new AddressLimit(0xffff_f000)));
            Assert.That(result.Layout.Messages, Does.Contain("Truncating memory at 0x80000000 to fit in 32-bit physical address space"));
            Assert.That(result.Diagnostics.Select(d => d.Id), Does.Contain("KMK3502"));
        });
    }

    [Test]
    public void With_LPAE_memory_above_4_GiB_is_highmem_and_whole()
    {
        var policy = Arm(5, 10, 0x8000_0000) with { ArmLpae = Set(true) };
        var layout = BoardBuilder.Layout(Board(TargetArchitecture.Arm, policy, (0x8000_0000, 0x1_0000_0000), (0x2_0000_0000, 0x2_4000_0000)));
        Assert.Multiple(() =>
        {
            Assert.That(layout.LowPages, Is.EqualTo(768 * MiB >> 12));
            Assert.That(layout.HighPages, Is.EqualTo((1280 + 1024) * MiB >> 12));
            Assert.That(layout.Messages, Is.Empty);
        });
    }

    [TestCase(3, 4, 4UL, "vmalloc area too small, limiting to 16MB", 0xfe00_0000UL)]
    [TestCase(3, 4, 4000UL, "vmalloc area is too big, limiting to 976MB", 0xc200_0000UL)]
    [TestCase(5, 15, 4UL, "vmalloc area is too small, limiting to 16MiB", 0xfe00_0000UL)]
    [TestCase(5, 15, 4000UL, "vmalloc area is too big, limiting to 976MiB", 0xc200_0000UL)]
    public void Vmalloc_has_a_least_and_a_most(int major, int minor, ulong megabytes, string message, ulong vmallocMin)
    {
        // 3.4: END 0xff000000; least END-16M, most leaves 32M of lowmem. 5.15: END 0xff800000 and 8M more on both sides.
        var layout = BoardBuilder.Layout(Board(TargetArchitecture.Arm, Arm(major, minor, vmalloc: megabytes * MiB), (0, 16 * MiB)));
        Assert.Multiple(() =>
        {
            Assert.That(layout.Messages, Does.Contain(message));
            Assert.That(layout.VmallocMin, Is.EqualTo(new VirtAddr(vmallocMin)));
        });
    }

    [Test]
    public void The_vmalloc_request_is_exact_up_to_5_13_and_gets_the_guard_on_top_from_5_14()
    {
        var before = BoardBuilder.Layout(Board(TargetArchitecture.Arm, Arm(5, 10, vmalloc: 400 * MiB), (0, 1024 * MiB)));
        var after = BoardBuilder.Layout(Board(TargetArchitecture.Arm, Arm(6, 9, vmalloc: 400 * MiB), (0, 1024 * MiB)));
        Assert.Multiple(() =>
        {
            Assert.That(before.LowmemLimit, Is.EqualTo(new AddressLimit(0x2680_0000)));
            Assert.That(after.LowmemLimit, Is.EqualTo(new AddressLimit(0x2600_0000)));
            Assert.That(Line(before, "vmalloc").Size, Is.EqualTo(new AddressLimit(392 * MiB)));
            Assert.That(Line(after, "vmalloc").Size, Is.EqualTo(new AddressLimit(400 * MiB)));
        });
    }

    [TestCase(3, 13, false)]
    [TestCase(3, 14, true)]
    public void From_3_14_memory_below_PHYS_OFFSET_is_dropped_and_said(int major, int minor, bool said)
    {
        var policy = Arm(major, minor, 0x8020_0000);
        var layout = BoardBuilder.Layout(Board(TargetArchitecture.Arm, policy, (0x8020_0000, 0x9000_0000), (0x9800_0000, 0x9900_0000)));
        Assert.That(layout.Messages, Is.Empty);
        var below = MemoryLayoutPlanner.Plan(Board(TargetArchitecture.Arm, policy, (0x8000_0000, 0x9000_0000)));
        if (said)
            Assert.That(below.Layout!.Messages, Does.Contain("Ignoring memory below PHYS_OFFSET: 0x80000000-0x80200000"));
        else
            Assert.That(below.Layout, Is.Null);
    }

    [Test]
    public void Mem_replaces_the_banks_of_the_firmware()
    {
        // tcltv (reference, section 1.3): mem=244M@68M mem=276M@2284M: the second bank is wholly above the limit and does not raise lowmem.
        var policy = Arm(3, 8, 68 * MiB) with
        {
            Bootargs = new BootArguments
            {
                Mem = [Set(new MemoryArgument(244 * MiB, 68 * MiB)), Set(new MemoryArgument(276 * MiB, 2284 * MiB))],
            },
        };
        var layout = BoardBuilder.Layout(Board(TargetArchitecture.Arm, policy, (0, 4000 * MiB)));
        Assert.Multiple(() =>
        {
            Assert.That(Line(layout, "lowmem").Size, Is.EqualTo(new AddressLimit(244 * MiB)));
            Assert.That(layout.HighPages, Is.EqualTo(276 * MiB >> 12));
        });
    }

    [Test]
    public void A_hole_of_the_devicetree_is_taken_before_the_lowmem_decision()
    {
        var board = Board(TargetArchitecture.Arm, Arm(3, 4), (0, 0x8000_0000)) with
        {
            // seed 002: two holes make three banks of one.
            Holes =
            [
                new MemoryHole(Range(0x5d0_0000, 0x5d0_0000 + 0x7d0_0000), "/memory_hole", default),
                new MemoryHole(Range(0xfa0_0000, 0xfa0_0000 + 0x50_0000), "/memory_hole", default),
            ],
        };
        var layout = BoardBuilder.Layout(board);
        Assert.That(layout.Banks.Where(b => b.Kind == BankKind.Lowmem).Select(b => b.Range), Is.EqualTo(new[]
        {
            Range(0, 93 * MiB), Range(218 * MiB, 250 * MiB), Range(255 * MiB, 760 * MiB),
        }));
    }
}
