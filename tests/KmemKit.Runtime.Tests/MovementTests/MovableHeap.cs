using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Migration;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MovementTests;

/// <summary>An owner of movable pages, each full of words that only it has; it refuses moves as a test wants.</summary>
internal sealed unsafe class MovableHeap(Machine machine) : IPageMover
{
    private const GfpFlags Flags = GfpFlags.HighUserMovable | GfpFlags.NoWarn;

    private readonly object _sync = new();
    private readonly Dictionary<Page, Item> _byPage = [];
    private ulong _stamps;

    public sealed class Item
    {
        public Page Page { get; set; }

        public int Order { get; init; }

        public ulong Stamp { get; init; }

        public int References { get; set; } = 1;
    }

    public Func<Page, bool> Isolates { get; set; } = static _ => true;

    public Func<Page, MoveResult> Moves { get; set; } = static _ => MoveResult.Moved;

    public int Moved { get; private set; }

    public int PutBacks { get; private set; }

    public int Count
    {
        get
        {
            lock (_sync)
                return _byPage.Count;
        }
    }

    public List<Item> Items
    {
        get
        {
            lock (_sync)
                return [.. _byPage.Values];
        }
    }

    /// <summary>Takes a block and registers it; null when memory is short.</summary>
    public Item? Alloc(Cpu cpu, int order = 0, GfpFlags flags = Flags)
    {
        var page = cpu.AllocPages(flags, order);
        return page.IsNull ? null : Adopt(page, order);
    }

    public Item Adopt(Page page, int order = 0)
    {
        lock (_sync)
        {
            var item = new Item { Page = page, Order = order, Stamp = ++_stamps << 20 };
            for (var n = 0u; n < 1u << order; n++)
                Words(item, n, out var word).Fill(word);
            _byPage.Add(page, item);
            machine.Allocator.Movable.Register(page, this);
            return item;
        }
    }

    public void Free(Cpu cpu, Item item)
    {
        lock (_sync)
            Assert.That(_byPage.Remove(item.Page), Is.True);
        for (var i = 0; i < item.References; i++)
            cpu.FreePages(item.Page, item.Order);
    }

    public void FreeAll(Cpu cpu)
    {
        foreach (var item in Items)
            Free(cpu, item);
    }

    /// <summary>Every word of every page is still what it was.</summary>
    public void CheckContents()
    {
        lock (_sync)
        {
            foreach (var item in _byPage.Values)
                CheckContents(item);
        }
    }

    public void CheckContents(Item item)
    {
        for (var page = 0u; page < 1u << item.Order; page++)
        {
            if (Words(item, page, out var word).IndexOfAnyExcept(word) >= 0)
                Assert.Fail($"{machine.Map.PageToPfn(item.Page) + page} does not hold {word:x} everywhere");
        }
    }

    /// <summary>Which frames hold what.</summary>
    public string Places() => string.Join(' ', Items.OrderBy(static item => item.Stamp).Select(static item => $"{item.Stamp:x}@{item.Page}"));

    int IPageMover.References(Page page)
    {
        lock (_sync)
            return _byPage.TryGetValue(page, out var item) ? item.References : 1;
    }

    bool IPageMover.TryIsolate(Page page, MigrateMode mode)
    {
        Assert.That(machine.Map.Flags(page) & (PageFlags.Movable | PageFlags.Isolated), Is.EqualTo(PageFlags.Movable | PageFlags.Isolated));
        return Isolates(page);
    }

    MoveResult IPageMover.Move(PageMigration migration)
    {
        var wish = Moves(migration.From);
        if (wish != MoveResult.Moved)
            return wish;
        lock (_sync)
        {
            if (!_byPage.TryGetValue(migration.From, out var item))
                return MoveResult.Refused;
            if (!migration.TryCopy())
                return MoveResult.Busy;
            _byPage.Remove(migration.From);
            item.Page = migration.To;
            _byPage.Add(item.Page, item);
            Moved++;
            return MoveResult.Moved;
        }
    }

    void IPageMover.PutBack(Page page)
    {
        lock (_sync)
            PutBacks++;
    }

    // Each page is full of a word of its own.
    private Span<ulong> Words(Item item, uint page, out ulong word)
    {
        word = item.Stamp + page;
        return MemoryMarshal.Cast<byte, ulong>(new Span<byte>(machine.Map.PageData(new Page(item.Page.Index + page)), (int)machine.Map.Pages.PageSize));
    }
}
