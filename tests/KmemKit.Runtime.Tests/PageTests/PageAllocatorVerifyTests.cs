using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Cma;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Tests.MovementTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>The check of a whole page allocator, which so many tests end with, sees each kind of damage and names the frame.</summary>
internal sealed unsafe class PageAllocatorVerifyTests
{
    private const GfpFlags Kernel = GfpFlags.Kernel;

    private Machine _machine = null!;
    private MovableHeap _heap = null!;

    private Cpu Cpu => _machine.Cpu;

    private PageMap Map => _machine.Map;

    // 128 MiB from 1 GiB on, the last 16 MiB but 16 a contiguous area.
    [SetUp]
    public void Boot()
    {
        _machine = Machine.Boot(TestBoards.Arm64("""
            memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x8000000>; };
            reserved-memory {
                #address-cells = <2>;
                #size-cells = <2>;
                ranges;
                camera@46000000 { compatible = "shared-dma-pool"; reusable; linux,cma-default; reg = <0x0 0x46000000 0x0 0x1000000>; };
            };
            """), new PageAllocatorOptions { Cpus = 1 });
        _heap = new MovableHeap(_machine);
    }

    [TearDown]
    public void End() => _machine.Dispose();

    [Test]
    public void A_sound_allocator_with_blocks_of_each_kind_holds()
    {
        _ = Block(0);
        _ = Block(3);
        Cpu.FreePages(Block(1), 1);
        Assert.That(_heap.Alloc(Cpu, 2), Is.Not.Null);
        Assert.That(Area.Alloc(Cpu, 5).IsOk);
        Assert.That(_machine.Allocator.Verify, Throws.Nothing);
    }

    [Test]
    public void A_frame_in_two_allocated_blocks()
    {
        var page = Block(3);
        Damage(page, 2, PageState.Allocated | 1);
        Damaged($"{Frame(page, 2)} is in two blocks.");
    }

    [Test]
    public void A_frame_that_is_allocated_and_in_the_zone()
    {
        var page = Block(10);
        Cpu.FreePages(page, 10);
        Damage(page, 0, PageState.Allocated);
        Damaged($"{Frame(page)} is in two blocks.");
    }

    [Test]
    public void A_frame_that_is_allocated_and_in_a_list_of_the_CPU()
    {
        var page = Block(0);
        Cpu.FreePages(page, 0);
        Assert.That(Listed(), Does.Contain((page.Index, 0)));
        Damage(page, 0, PageState.Allocated);
        Damaged($"{Frame(page)} is in two blocks.");
    }

    [Test]
    public void A_block_that_grew_over_its_neighbour()
    {
        var page = Block(4);
        Cpu.FreePages(page, 4);
        var (first, second) = (Block(3), Block(3));
        Assert.That(second.Index, Is.EqualTo(first.Index ^ 8), "the halves of what was given back last");
        (first, second) = first.Index < second.Index ? (first, second) : (second, first);
        Damage(first, 0, PageState.Allocated | 4);
        Damaged($"{Frame(second)} is in two blocks.");
    }

    [Test]
    public void An_allocated_block_that_is_not_aligned()
    {
        var page = Block(3);
        Damage(page, 0, 0);
        Damage(page, 1, PageState.Allocated | 1);
        Damaged($"{Frame(page, 1)} heads a block of order 1 that is not aligned.");
    }

    [Test]
    public void A_block_that_nobody_has()
    {
        var page = Block(3);
        Damage(page, 0, 0);
        Damaged($"{Frame(page)} is lost.");
    }

    [Test]
    public void The_end_of_a_block_that_shrank()
    {
        var page = Block(3);
        Damage(page, 0, PageState.Allocated | 2);
        Damaged($"{Frame(page, 4)} is lost.");
    }

    [Test]
    public void A_reserved_frame_that_is_allocated()
    {
        var reserved = new Page(Map.ReservedRuns[0].First);
        Damage(reserved, 0, PageState.Allocated);
        Damaged($"{Frame(reserved)} is not the allocator's, but it has it.");
    }

    [Test]
    public void A_block_that_reaches_beyond_the_last_descriptor()
    {
        using var odd = Machine.Arm((64 * Machine.MiB) + (3 * 4096));
        var last = odd.Map.Frames - 3;
        Assert.That(last % 4, Is.Zero);
        odd.Map.States[last] = PageState.Allocated | 2;
        Assert.That(odd.Allocator.Verify, Throws.InvalidOperationException.With.Message.EqualTo($"4 frames from descriptor {last} on are in blocks: there are {last + 3} descriptors."));
    }

    [Test]
    public void A_frame_in_the_list_of_another_zone()
    {
        using var machine = Machine.Arm(Machine.GiB, new PageAllocatorOptions { Cpus = 1 });
        var high = machine.Cpu.AllocPages(GfpFlags.HighUser, 0);
        machine.Cpu.FreePages(machine.Cpu.AllocPages(Kernel, 0), 0);
        Assert.That(machine.Map.FrameAt(high.Index), Is.GreaterThanOrEqualTo(machine.Allocator.Zones[1].Start));
        machine.Map.States[high.Index] = 0;
        for (var type = 0; type < PerCpuList.TypesPerOrder; type++)
        {
            var list = machine.Cpu.ListOf(0, 0, type);
            if (list->Count == 0)
                continue;
            list->Stack[list->Count++] = high.Index;
            break;
        }
        Assert.That(machine.Allocator.Verify, Throws.InvalidOperationException.With.Message.EqualTo($"{machine.Map.FrameAt(high.Index)} is on a list of {machine.Allocator.Zones[0]}, where it does not belong."));
    }

    [Test]
    public void A_movable_page_that_is_not_counted()
    {
        var item = _heap.Alloc(Cpu)!;
        Map.DescriptorAt(item.Page.Index)->Flags &= ~(int)PageFlags.Movable;
        Damaged("0 blocks are movable, the count says 1.");
    }

    [Test]
    public void A_movable_page_that_its_isolator_forgot()
    {
        var item = _heap.Alloc(Cpu)!;
        Map.DescriptorAt(item.Page.Index)->Flags |= (int)PageFlags.Isolated;
        Damaged($"{Frame(item.Page)} is {PageFlags.Movable | PageFlags.Isolated}, and allocated.");
    }

    [Test]
    public void A_movable_page_inside_a_block()
    {
        var item = _heap.Alloc(Cpu, 2)!;
        Map.DescriptorAt(item.Page.Index + 1)->Flags |= (int)PageFlags.Movable;
        Damaged($"{Frame(item.Page, 1)} is {PageFlags.Movable}, and no first page of a block.");
    }

    [Test]
    public void A_row_of_a_contiguous_area_that_went_back_without_it()
    {
        var row = Area.Alloc(Cpu, 8);
        Cpu.FreeContigRange(row.First, 8);
        Damaged($"{Frame(row.First)} is allocated from the contiguous area camera, but free.");
    }

    [Test]
    public void A_pageblock_of_a_contiguous_area_that_became_another_kind()
    {
        // All of it is taken: what is free would be seen on the wrong list first.
        var row = Area.Alloc(Cpu, 512, 9);
        var block = &_machine.Allocator.Blocks[row.First.Index >> _machine.Allocator.PageBlockOrder];
        *block = PageBlocks.Word(PageBlocks.ZoneOf(*block), MigrateType.Movable);
        Damaged($"{Frame(row.First)} of the contiguous area camera is in a pageblock of kind Movable.");
    }

    private CmaArea Area => _machine.Allocator.CmaAreas.Single();

    private Page Block(int order)
    {
        var page = Cpu.AllocPages(Kernel, order);
        Assert.That(page.IsNull, Is.False);
        return page;
    }

    private List<(uint Index, int Order)> Listed()
    {
        var blocks = new List<(uint, int)>();
        Cpu.VisitLists((_, index, order) => blocks.Add((index, order)));
        return blocks;
    }

    private void Damage(Page block, uint frame, byte state) => Map.States[block.Index + frame] = state;

    private PageFrame Frame(Page block, uint frame = 0) => Map.FrameAt(block.Index + frame);

    private void Damaged(string says) => Assert.That(_machine.Allocator.Verify, Throws.InvalidOperationException.With.Message.EqualTo(says));
}
