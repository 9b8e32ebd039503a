using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Highmem;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>kmap, kmap_atomic, fixmap: pages that have no address of their own.</summary>
internal sealed class HighmemTests
{
    private const ulong Page = 4096;
    private static readonly VirtRange s_pkmap = VirtRange.FromBounds(new VirtAddr(0xbfe0_0000), 0xbfe0_8000UL);
    private static readonly VirtRange s_fixmap = VirtRange.FromBounds(new VirtAddr(0xfff0_0000), 0xfffe_0000UL);

    // RAM beyond lowmem: the layout of a 3G/1G kernel with 240 MiB of vmalloc has 760 MiB of lowmem.
    private sealed class HighBoard : IDisposable
    {
        public HighBoard()
        {
            Machine = new MmuMachine<ArmShortFormat>(megabytes: 1024, cpus: 2);
            Map = new PkMap(Machine.Tables, Machine.Machine.Map, s_pkmap, Machine.Rw);
            Fixmap = new Fixmap(Machine.Tables, s_fixmap, PageGeometry.FourKiB);
            Atomic = new KmapAtomic(Fixmap, Machine.Machine.Allocator, Machine.Rw, firstSlot: 3);
        }

        public MmuMachine<ArmShortFormat> Machine { get; }

        public PkMap Map { get; }

        public Fixmap Fixmap { get; }

        public KmapAtomic Atomic { get; }

        public Page High()
        {
            var page = Machine.Cpu.AllocPage(GfpFlags.HighUser);
            Assert.That(Machine.Machine.Map.PageAddress(page), Is.Null, "from highmem");
            return page;
        }

        public void Dispose() => Machine.Dispose();
    }

    [Test]
    public void A_highmem_page_is_mapped_once_counted_and_stays_until_the_search_comes_round()
    {
        using var board = new HighBoard();
        var page = board.High();
        var at = board.Map.Map(board.Machine.Cpu, page);
        Assert.That(s_pkmap.Contains(at));
        Assert.That(board.Map.Map(board.Machine.Cpu, page), Is.EqualTo(at));
        board.Machine.Port.Store(at + 4, 42, Privilege.Privileged);
        Assert.That(board.Machine.Machine.Memory.ReadUInt32(board.Machine.Machine.Map.PageToPhys(page) + 4), Is.EqualTo(42));
        board.Map.Unmap(page);
        board.Map.Unmap(page);
        Assert.That(() => board.Map.Unmap(page), Throws.InstanceOf<KmapException>());
        Assert.That(board.Map.AddressOf(page), Is.EqualTo(at), "still mapped, without a user");
        Assert.That(board.Map.Map(board.Machine.Cpu, page), Is.EqualTo(at), "so it costs nothing to have it again");
        board.Map.Unmap(page);
        for (var i = 0; i < board.Map.Limit; i++)
        {
            var other = board.High();
            board.Map.Map(board.Machine.Cpu, other);
            board.Map.Unmap(other);
        }
        Assert.That(board.Map.AddressOf(page), Is.Null);
        Assert.That(board.Map.Flushes, Is.GreaterThan(0));
        board.Machine.NoBugs();
    }

    [Test]
    public void A_lowmem_page_has_its_address_and_takes_none()
    {
        using var board = new HighBoard();
        var page = board.Machine.Cpu.AllocPage(GfpFlags.Kernel);
        var address = board.Machine.Machine.Map.PageAddress(page);
        Assert.That(board.Map.Map(board.Machine.Cpu, page), Is.EqualTo(address));
        board.Map.Unmap(page);
        Assert.That(board.Map.AddressOf(page), Is.Null);
        Assert.That(board.Atomic.Map(board.Machine.Cpu, page), Is.EqualTo(address));
        board.Atomic.Unmap(board.Machine.Cpu, address!.Value);
    }

    [Test]
    public void With_all_addresses_in_use_kmap_waits_for_one()
    {
        using var board = new HighBoard();
        var pages = new List<Page>();
        for (var i = 0; i < board.Map.Limit; i++)
        {
            pages.Add(board.High());
            board.Map.Map(board.Machine.Cpu, pages[^1]);
        }
        Assert.That(board.Map.Limit, Is.EqualTo(8));
        var more = board.High();
        Assert.That(board.Map.TryMapNow(board.Machine.Cpu, more), Is.Null);
        var other = board.Machine.Machine.Allocator.Cpus[1];
        var waiter = Task.Run(() => board.Map.Map(other, more));
        SpinWait.SpinUntil(() => board.Map.Waiting == 1);
        Assert.That(waiter.IsCompleted, Is.False);
        var freed = board.Map.AddressOf(pages[3]);
        board.Map.Unmap(pages[3]);
        Assert.That(waiter.Result, Is.EqualTo(freed));
        Assert.That(board.Map.AddressOf(pages[3]), Is.Null);
        board.Machine.NoBugs();
    }

    [Test]
    public void Who_may_not_sleep_may_not_use_kmap()
    {
        using var board = new HighBoard();
        var page = board.High();
        var at = board.Atomic.Map(board.Machine.Cpu, page);
        Assert.That(board.Machine.Cpu.InAtomic);
        Assert.That(() => board.Map.Map(board.Machine.Cpu, page), Throws.InstanceOf<KmapException>());
        board.Atomic.Unmap(board.Machine.Cpu, at);
        Assert.That(board.Machine.Cpu.InAtomic, Is.False);
    }

    [Test]
    public void Atomic_mappings_nest_on_each_CPU_and_go_in_the_opposite_order()
    {
        using var board = new HighBoard();
        var cpus = board.Machine.Machine.Allocator.Cpus;
        var pages = Enumerable.Range(0, KmapAtomic.Depth).Select(_ => board.High()).ToArray();
        var at = pages.Select(page => board.Atomic.Map(cpus[0], page)).ToArray();
        Assert.That(at.Distinct().Count(), Is.EqualTo(KmapAtomic.Depth));
        Assert.That(() => board.Atomic.Map(cpus[0], pages[0]), Throws.InstanceOf<KmapException>());
        Assert.That(at, Does.Not.Contain(board.Atomic.Map(cpus[1], pages[0])), "the other CPU has slots of its own");
        Assert.That(() => board.Atomic.Unmap(cpus[0], at[0]), Throws.InstanceOf<KmapException>());
        foreach (var address in at.Reverse())
            board.Atomic.Unmap(cpus[0], address);
        Assert.That(() => board.Atomic.Unmap(cpus[0], at[0]), Throws.InstanceOf<KmapException>());
        board.Machine.NoBugs();
    }

    [Test]
    public void Fixmap_slots_count_down_from_the_top_and_are_used_once_at_a_time()
    {
        using var board = new HighBoard();
        Assert.That(board.Fixmap.Count, Is.EqualTo(224));
        Assert.That(board.Fixmap.ToVirt(0).Value, Is.EqualTo(0xfffd_f000));
        Assert.That(board.Fixmap.ToVirt(223).Value, Is.EqualTo(0xfff0_0000));
        Assert.That(board.Fixmap.ToSlot(new VirtAddr(0xfffd_f123)), Is.Zero);
        Assert.That(() => board.Fixmap.ToVirt(224), Throws.InstanceOf<KmapException>());
        Assert.That(() => board.Fixmap.ToSlot(new VirtAddr(0xfffe_0000)), Throws.InstanceOf<KmapException>());
        Assert.That(board.Fixmap.Set(board.Machine.Cpu, 2, new PhysAddr(0x1000), board.Machine.Rw), Is.EqualTo(board.Fixmap.ToVirt(2)));
        Assert.That(() => board.Fixmap.Set(board.Machine.Cpu, 2, new PhysAddr(0x2000), board.Machine.Rw), Throws.InstanceOf<KmapException>());
        board.Fixmap.Clear(board.Machine.Cpu, 2);
        Assert.That(() => board.Fixmap.Clear(board.Machine.Cpu, 2), Throws.InstanceOf<KmapException>());
    }
}
