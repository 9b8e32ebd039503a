using System;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Migration;

/// <summary>One move, as an owner sees it: from where, to where, and the copy that it orders (<c>migrate_folio</c>).</summary>
public sealed unsafe class PageMigration
{
    private readonly PageMap _map;
    private readonly MovablePages _movable;
    private MovingPage _from;

    internal PageMigration(PageMap map, MovablePages movable, MigrateMode mode)
    {
        _map = map;
        _movable = movable;
        Mode = mode;
    }

    /// <summary>The page that the owner has: first of its block.</summary>
    public Page From { get; private set; }

    /// <summary>The page that takes its place.</summary>
    public Page To { get; private set; }

    /// <summary>Order of both blocks.</summary>
    public int Order => _from.Order;

    /// <summary>What the caller is ready to wait for.</summary>
    public MigrateMode Mode { get; }

    /// <summary>The references that go to the new page with the move.</summary>
    internal int References { get; private set; }

    internal bool IsCopied { get; private set; }

    internal bool IsPinned { get; private set; }

    /// <summary>
    /// Copies contents, flags, private words, references and registration to the new page. The owner calls it under the lock that its uses of the page need as well,
    /// and then uses the new page.
    /// </summary>
    /// <returns>False where someone else has a reference to the page, or it is locked or no longer registered: it stays.</returns>
    /// <exception cref="InvalidOperationException">It was copied already.</exception>
    public bool TryCopy()
    {
        if (IsCopied)
            throw new InvalidOperationException("The page was copied already.");
        var from = _from.Index;
        var to = To.Index;
        var descriptor = _map.DescriptorAt(from);
        References = _from.Mover.References(From);
        // The isolator's own reference is the one more.
        IsPinned = Volatile.Read(ref descriptor->ExtraReferences) != References;
        if (IsPinned || References < 1 || (Volatile.Read(ref descriptor->Flags) & (int)PageFlags.Locked) != 0 || !_movable.IsRegistered(from))
            return false;
        var bytes = (nuint)_map.Pages.PageSize;
        for (var page = 0u; page < _from.Pages; page++)
            NativeMemory.Copy(_map.PageData(new Page(from + page)), _map.PageData(new Page(to + page)), bytes);
        for (var page = 0u; page < _from.Pages; page++)
        {
            var source = _map.DescriptorAt(from + page);
            var target = _map.DescriptorAt(to + page);
            target->Flags = source->Flags & ~(int)PageMap.Movement;
            target->Private = source->Private;
            target->Mapping = source->Mapping;
        }
        _map.DescriptorAt(to)->ExtraReferences = References - 1;
        _movable.Inherit(from, to);
        IsCopied = true;
        return true;
    }

    internal void Start(in MovingPage from, uint to)
    {
        _from = from;
        From = new Page(from.Index);
        To = new Page(to);
        References = 0;
        IsCopied = false;
        IsPinned = false;
    }
}
