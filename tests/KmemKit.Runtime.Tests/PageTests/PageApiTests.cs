using System;
using System.Linq;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

internal sealed unsafe class PageApiTests
{
    private Machine _machine = null!;

    [SetUp]
    public void Boot() => _machine = Machine.Arm(64 * Machine.MiB);

    [TearDown]
    public void End()
    {
        _machine.Allocator.Verify();
        _machine.Dispose();
    }

    [TestCase(1UL, 0)]
    [TestCase(4096UL, 0)]
    [TestCase(4097UL, 1)]
    [TestCase(65UL << 10, 5)]
    [TestCase(4UL << 20, 10)]
    [TestCase(ulong.MaxValue, 52)]
    public void Get_order_is_the_smallest_block_that_holds_the_size(ulong size, int order) => Assert.That(_machine.Cpu.GetOrder(size), Is.EqualTo(order));

    [Test]
    public void A_request_of_512_pages_from_a_block_of_1024_leaves_512()
    {
        var zone = _machine.Allocator.Zones[0];
        var (large, half) = (zone.FreeBlocks(10), zone.FreeBlocks(9));
        var taken = Enumerable.Range(0, (int)half).Select(_ => _machine.Cpu.AllocPages(GfpFlags.HighUserMovable, 9)).ToArray();
        var page = _machine.Cpu.AllocPages(GfpFlags.HighUserMovable, 9);
        Assert.That((zone.FreeBlocks(10), zone.FreeBlocks(9)), Is.EqualTo((large - 1, 1u)));
        _machine.Cpu.FreePages(page, 9);
        Assert.That((zone.FreeBlocks(10), zone.FreeBlocks(9)), Is.EqualTo((large, 0u)), "the buddies merge again");
        foreach (var other in taken)
            _machine.Cpu.FreePages(other, 9);
    }

    [TestCase(GfpFlags.Kernel)]
    [TestCase(GfpFlags.HighUserMovable)]
    [TestCase(GfpFlags.Kernel | GfpFlags.Reclaimable)]
    public void Pairs_stay_in_the_cpu_list(GfpFlags flags)
    {
        _machine.Cpu.FreePage(_machine.Cpu.AllocPage(flags));
        var (free, inLists) = (_machine.Allocator.Zones[0].FreePages, _machine.Cpu.PagesInLists(_machine.Allocator.Zones[0]));
        for (var i = 0; i < 1000; i++)
            _machine.Cpu.FreePage(_machine.Cpu.AllocPage(flags));
        Assert.That(_machine.Allocator.Zones[0].FreePages, Is.EqualTo(free));
        Assert.That(_machine.Cpu.PagesInLists(_machine.Allocator.Zones[0]), Is.EqualTo(inLists));
    }

    [Test]
    public void Addresses_lead_to_their_pages_and_back()
    {
        var address = _machine.Cpu.GetFreePages(GfpFlags.Kernel, 2)!.Value;
        var page = _machine.Map.VirtToPage(address + 4096);
        Assert.That(_machine.Map.PageAddress(page), Is.EqualTo((VirtAddr?)(address + 4096)));
        Assert.That(_machine.Map.PfnToPage(_machine.Map.PageToPfn(page)), Is.EqualTo(page));
        _machine.Cpu.FreePages(address, 2);
        Assert.Throws<PageErrorException>(() => _machine.Cpu.FreePage(address + 1));
    }

    [Test]
    public void A_zeroed_page_is_zero_after_someone_wrote_it()
    {
        var page = _machine.Cpu.AllocPage(GfpFlags.Kernel);
        new Span<byte>(_machine.Map.PageData(page), 4096).Fill(0xa5);
        _machine.Cpu.FreePage(page);
        var address = _machine.Cpu.GetZeroedPage(GfpFlags.Kernel)!.Value;
        var again = _machine.Map.VirtToPage(address);
        Assert.That(again, Is.EqualTo(page), "the page that was freed last comes first");
        Assert.That(new ReadOnlySpan<byte>(_machine.Map.PageData(again), 4096).ContainsAnyExcept((byte)0), Is.False);
        _machine.Cpu.FreePage(address);
    }

    [Test]
    public void An_exact_allocation_gives_back_what_it_does_not_need()
    {
        var before = Free();
        var address = _machine.Cpu.AllocPagesExact(65 << 10, GfpFlags.Kernel)!.Value;
        Assert.That(before - Free(), Is.EqualTo(17), "65 KiB are 17 pages, of a block of 32");
        _machine.Cpu.FreePagesExact(address, 65 << 10);
        Assert.That(Free(), Is.EqualTo(before));
    }

    [Test]
    public void A_compound_page_knows_its_head_and_goes_with_its_last_reference()
    {
        var head = _machine.Cpu.AllocPages(GfpFlags.Kernel | GfpFlags.Comp, 4);
        var tail = _machine.Map.PfnToPage(_machine.Map.PageToPfn(head) + 9);
        Assert.That(_machine.Map.CompoundHead(tail), Is.EqualTo(head));
        Assert.That(_machine.Map.CompoundOrder(head), Is.EqualTo(4));
        Assert.That((_machine.Map.Flags(head), _machine.Map.Flags(tail)), Is.EqualTo((PageFlags.Head, PageFlags.Tail)));
        _machine.Map.GetPage(tail);
        Assert.That(_machine.Map.PageCount(head), Is.EqualTo(2));
        _machine.Cpu.PutPage(tail);
        Assert.That(_machine.Map.IsAllocated(head), Is.True);
        _machine.Cpu.PutPage(tail);
        Assert.That(_machine.Map.PageCount(head), Is.Zero);
    }

    [Test]
    public void Bulk_requests_give_pages_of_their_own()
    {
        var pages = new Page[1000];
        Assert.That(_machine.Cpu.AllocPagesBulk(GfpFlags.Kernel, pages), Is.EqualTo(1000));
        Assert.That(pages.Distinct().Count(), Is.EqualTo(1000));
        _machine.Cpu.FreePagesBulk(pages);
    }

    [Test]
    public void Threads_on_cpus_of_their_own_lose_nothing_while_a_third_drains_them()
    {
        using var machine = Machine.Arm(128 * Machine.MiB, new PageAllocatorOptions { Cpus = 3 });
        var before = BuddyModelTests.FreeLists(machine);
        Exception? failed = null;
        var seed = BuddyModelTests.Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        var running = true;
        void Guard(Action work)
        {
            try
            {
                work();
            }
            catch (Exception exception)
            {
                failed = exception;
            }
        }

        var churning = Enumerable.Range(0, 2).Select(number => new Thread(() => Guard(() => Churn(machine.Allocator.Cpus[number], new Random(seed + number))))).ToArray();
        var draining = new Thread(() => Guard(() =>
        {
            while (Volatile.Read(ref running))
                machine.Allocator.DrainAllPages(machine.Allocator.Cpus[2]);
        }));
        // A lock that is never given back ends the test, not the run.
        foreach (var thread in churning.Append(draining))
        {
            thread.IsBackground = true;
            thread.Start();
        }
        var isDone = churning.All(static thread => thread.Join(TimeSpan.FromMinutes(2)));
        Volatile.Write(ref running, false);
        Assert.That(isDone && draining.Join(TimeSpan.FromMinutes(1)), Is.True, "a thread hangs");
        Assert.That(failed, Is.Null);
        machine.Allocator.Verify();
        machine.Allocator.DrainAllPages(machine.Cpu);
        Assert.That(BuddyModelTests.FreeLists(machine), Is.EqualTo(before));
    }

    [Test]
    public void Neither_pairs_nor_failures_allocate_managed_memory()
    {
        var cpu = _machine.Cpu;
        // Twice: with full lists the second time takes other ways, and what runs for the first time is compiled and its types loaded.
        Work(cpu);
        Work(cpu);
        Assert.That(ManagedAllocation.LeastOf(() => Work(cpu)), Is.Zero);

        static void Work(Cpu cpu)
        {
            Span<Page> pages = stackalloc Page[300];
            for (var order = 0; order <= 10; order++)
                cpu.FreePages(cpu.AllocPages(GfpFlags.Kernel, order), order);
            cpu.AllocPagesBulk(GfpFlags.Kernel, pages);
            cpu.AllocPages(GfpFlags.Kernel, 11);
            cpu.FreePagesBulk(pages);
        }
    }

    private static void Churn(Cpu cpu, Random random)
    {
        var held = new (Page Page, int Order)[500];
        for (var i = 0; i < 300_000; i++)
        {
            ref var slot = ref held[random.Next(held.Length)];
            if (!slot.Page.IsNull)
                cpu.FreePages(slot.Page, slot.Order);
            var order = random.Next(6);
            slot = (cpu.AllocPages((random.Next(2) == 0 ? GfpFlags.Kernel : GfpFlags.HighUserMovable) | GfpFlags.NoWarn, order), order);
        }
        foreach (var (page, order) in held)
        {
            if (!page.IsNull)
                cpu.FreePages(page, order);
        }
    }

    private long Free()
    {
        _machine.Cpu.DrainLocalPages();
        return _machine.Allocator.Zones[0].FreePages;
    }
}
