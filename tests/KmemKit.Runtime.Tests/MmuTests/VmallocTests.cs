using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Tlb;
using KmemKit.Runtime.Vmalloc;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>vmalloc, vmap, and who has which addresses.</summary>
internal sealed class VmallocTests
{
    private const ulong Page = KernelMemory.Page;
    private const Privilege Kernel = Privilege.Privileged;

    [Test]
    public void Memory_is_in_a_row_for_the_CPU_and_page_by_page_anywhere_with_a_guard_page_behind_it()
    {
        using var kernel = new KernelMemory();
        var at = kernel.Space.Vmalloc(kernel.Cpu, (5 * Page) - 3)!.Value;
        Assert.That(at, Is.EqualTo(KernelMemory.Range.Start));
        for (var i = 0UL; i < 5 * Page; i += 8)
            kernel.Machine.Port.Store(at + i, i, Kernel);
        var area = kernel.Space.FindArea(at + 9)!;
        Assert.That(area.Size, Is.EqualTo(6 * Page));
        Assert.That(area.Pages, Has.Length.EqualTo(5));
        for (var i = 0UL; i < 5; i++)
        {
            var page = kernel.Space.VmallocToPage(at + (i * Page) + 7);
            Assert.That(page, Is.EqualTo(area.Pages[(int)i]));
            var phys = kernel.Machine.Machine.Map.PageToPhys(page);
            Assert.That(kernel.Machine.Machine.Memory.ReadUInt64(phys + 8), Is.EqualTo((i * Page) + 8));
        }
        Assert.That(kernel.Machine.FaultOf(() => kernel.Machine.Port.Load<byte>(at + (5 * Page), Kernel)).Cause, Is.EqualTo(FaultCause.Translation));
        Assert.That(kernel.Space.VmallocToPage(at + (5 * Page)).IsNull);
        var next = kernel.Space.Vmalloc(kernel.Cpu, 1)!.Value;
        Assert.That(next, Is.EqualTo(at + (6 * Page)));
        kernel.Space.Vfree(kernel.Cpu, at);
        kernel.Space.Vfree(kernel.Cpu, next);
        Assert.That(kernel.Space.PageCount, Is.Zero);
        kernel.Machine.NoBugs();
    }

    [Test]
    public void Freed_addresses_come_back_only_after_their_translations_are_invalidated()
    {
        using var kernel = new KernelMemory();
        kernel.Space.LazyBytes = 16 * Page;
        var at = kernel.Space.Vmalloc(kernel.Cpu, Page)!.Value;
        kernel.Machine.Port.Store(at, 1, Kernel);
        var broadcasts = kernel.Machine.Domain.Broadcasts;
        kernel.Space.Vfree(kernel.Cpu, at);
        Assert.That(kernel.Machine.Domain.Broadcasts, Is.EqualTo(broadcasts), "lazily");
        Assert.That(kernel.Space.WaitingBytes, Is.EqualTo(2 * Page));
        Assert.That(kernel.Space.Vmalloc(kernel.Cpu, Page), Is.Not.EqualTo(at));
        // A use after free reaches the old page, and is seen.
        kernel.Machine.Port.Load<int>(at, Kernel);
        Assert.That(kernel.Machine.Bugs.Single().Kind, Is.EqualTo(TranslationBugKind.StaleEntry));
        Assert.That(kernel.Machine.Bugs.Single().Change!.Value.Kind, Is.EqualTo(MappingChangeKind.Unmap));
        for (var i = 0; i < 8; i++)
            kernel.Space.Vfree(kernel.Cpu, kernel.Space.Vmalloc(kernel.Cpu, Page)!.Value);
        Assert.That(kernel.Machine.Domain.Broadcasts, Is.EqualTo(broadcasts + 1), "all that waited at once");
        kernel.Space.Purge(kernel.Cpu);
        Assert.That(kernel.Space.Vmalloc(kernel.Cpu, Page), Is.EqualTo(at));
        Assert.That(kernel.Machine.Domain.Changes!.PendingCount, Is.Zero);
    }

    [Test]
    public void What_fails_in_one_stage_takes_the_stages_before_it_back()
    {
        using var kernel = new KernelMemory(megabytes: 16);
        var free = kernel.FreePages;
        // More than is free: the pages that came go back.
        Assert.That(kernel.Space.Vmalloc(kernel.Cpu, kernel.Machine.Machine.Allocator.TotalPages * Page, GfpFlags.Kernel | GfpFlags.NoWarn), Is.Null);
        Assert.That(kernel.FreePages, Is.EqualTo(free));
        Assert.That(() => kernel.Space.Vmalloc(kernel.Cpu, 1UL << 30), Throws.InstanceOf<VmallocException>(), "more than all memory");
        Assert.That(() => kernel.Space.Vmalloc(kernel.Cpu, 0), Throws.InstanceOf<VmallocException>());
        kernel.Space.Vfree(kernel.Cpu, kernel.Space.Vmalloc(kernel.Cpu, 3 << 20)!.Value);
        kernel.Space.Purge(kernel.Cpu);
        Assert.That(kernel.Machine.Tables.ReclaimTables(kernel.Cpu, KernelMemory.Range), Is.GreaterThanOrEqualTo(0));
        Assert.That(kernel.FreePages, Is.EqualTo(free), "tables included");
        // No address: the range is full.
        var taken = new List<VirtAddr>();
        while (kernel.Space.Vmap(kernel.Cpu, [new Page(5), new Page(5), new Page(5)]) is { } at)
            taken.Add(at);
        Assert.That(taken, Has.Count.EqualTo((int)(KernelMemory.Range.Size.Value / (4 * Page))));
        Assert.That(kernel.Space.Vmalloc(kernel.Cpu, Page), Is.Null);
        kernel.Space.Vunmap(kernel.Cpu, taken[7]);
        Assert.That(kernel.Space.Vmalloc(kernel.Cpu, Page), Is.EqualTo(taken[7]), "what waits is purged before giving up");
        // No page.
        var areas = kernel.Space.Areas.Count;
        kernel.Space.Vunmap(kernel.Cpu, taken[8]);
        kernel.TakeAllPages();
        Assert.That(kernel.Space.Vmalloc(kernel.Cpu, Page), Is.Null);
        Assert.That(kernel.Space.Areas, Has.Count.EqualTo(areas - 1));
        kernel.Machine.NoBugs();
    }

    [Test]
    public void Misuse_is_named_and_changes_nothing()
    {
        using var kernel = new KernelMemory();
        var at = kernel.Space.Vmalloc(kernel.Cpu, 3 * Page)!.Value;
        var map = kernel.Space.Vmap(kernel.Cpu, [new Page(9)])!.Value;
        Expect(VmallocErrorKind.NoArea, () => kernel.Space.Vfree(kernel.Cpu, at + Page));
        Expect(VmallocErrorKind.NoArea, () => kernel.Space.Vfree(kernel.Cpu, new VirtAddr(0x1000)));
        Expect(VmallocErrorKind.WrongKind, () => kernel.Space.Vfree(kernel.Cpu, map));
        Expect(VmallocErrorKind.WrongKind, () => kernel.Space.Vunmap(kernel.Cpu, at));
        kernel.Machine.Port.Store(at + Page, 1, Kernel);
        kernel.Space.Vfree(kernel.Cpu, at);
        Expect(VmallocErrorKind.NoArea, () => kernel.Space.Vfree(kernel.Cpu, at));
        kernel.Space.Vunmap(kernel.Cpu, map);
    }

    [Test]
    public void Huge_areas_use_large_leaves_and_fall_back_to_pages()
    {
        using var kernel = new KernelMemory();
        var huge = kernel.Space.Vmalloc(kernel.Cpu, 3 << 20, huge: true)!.Value;
        Assert.That(huge.IsAligned(1 << 20));
        Assert.That(kernel.Machine.Tables.ShapeAt(huge)!.Value.Bytes, Is.EqualTo(1 << 20));
        Assert.That(kernel.Machine.Tables.TableCount, Is.Zero, "no table at all");
        kernel.Machine.Port.Store(huge + (2 << 20) + 8, 77, Kernel);
        var small = kernel.Space.Vmalloc(kernel.Cpu, 3 << 20)!.Value;
        Assert.That(kernel.Machine.Tables.ShapeAt(small)!.Value.Bytes, Is.EqualTo(Page));
        kernel.Space.Vfree(kernel.Cpu, huge);
        kernel.Space.Vfree(kernel.Cpu, small);
        kernel.Machine.Machine.Allocator.Verify();
    }

    [Test]
    public void The_list_of_areas_has_the_kernels_form()
    {
        using var kernel = new KernelMemory();
        kernel.Space.Vmalloc(kernel.Cpu, 8192, caller: "alloc_large_system_hash+0x16c/0x248");
        kernel.Io.Ioremap(kernel.Cpu, new PhysAddr(0xfd00_0010), 16, "of_iomap+0x30/0x38");
        kernel.Space.Vmap(kernel.Cpu, [new Page(1), new Page(2)], caller: "atomic_pool_init+0x94/0x174");
        Assert.That(VmallocInfo.Write(kernel.Space, is64Bit: false), Is.EqualTo(
            """
            0xf0000000-0xf0003000   12288 alloc_large_system_hash+0x16c/0x248 pages=2 vmalloc
            0xf0003000-0xf0005000    8192 of_iomap+0x30/0x38 phys=0xfd000000 ioremap
            0xf0005000-0xf0008000   12288 atomic_pool_init+0x94/0x174 pages=2 vmap

            """));
    }

    [Test]
    public void Random_areas_agree_with_a_list_of_ranges()
    {
        const int Steps = 20_000;
        var seed = BuddyModelTests.Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        var random = new Random(seed);
        var tree = new RangeTree<int>();
        var model = new SortedDictionary<ulong, (ulong Size, int Value)>();
        for (var step = 0; step < Steps; step++)
        {
            var start = (ulong)random.Next(4096) * 16;
            var size = (ulong)(1 + random.Next(40)) * 16;
            var clash = model.Any(range => range.Key < start + size && start < range.Key + range.Value.Size);
            if (random.Next(2) == 0 && !clash)
            {
                tree.Add(start, size, step);
                model.Add(start, (size, step));
            }
            else if (random.Next(2) == 0)
            {
                Assert.That(tree.Remove(start), Is.EqualTo(model.Remove(start)));
            }
            else
            {
                var alignment = 1UL << random.Next(10);
                ulong? expected = null;
                foreach (var (at, range) in model)
                {
                    var place = Math.Max((at + alignment - 1) & ~(alignment - 1), (start + alignment - 1) & ~(alignment - 1));
                    if (place + size > at + range.Size)
                        continue;
                    expected = place;
                    break;
                }
                var found = tree.TryFindLowest(size, alignment, start, ulong.MaxValue, out var lowest);
                if (found != expected.HasValue || (found && lowest != expected))
                    Assert.Fail($"the lowest {size:x} bytes aligned to {alignment:x} from {start:x} are at {expected:x}, found {lowest:x}");
            }
            if (step % 1000 == 0)
                Assert.That(tree.InOrder().Select(range => (range.Start, range.Size)), Is.EqualTo(model.Select(range => (range.Key, range.Value.Size))));
        }
        Assert.That(tree.Count, Is.EqualTo(model.Count));
    }

    private static void Expect(VmallocErrorKind kind, Action action) =>
        Assert.That(Assert.Throws<VmallocException>(() => action())!.Kind, Is.EqualTo(kind));
}
