using System.Threading;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Migration;

/// <summary>What became of one attempt to move a page.</summary>
internal enum MoveOutcome
{
    /// <summary>It is at its new place, and the old one is free.</summary>
    Moved,

    /// <summary>Its owner freed it meanwhile: there is nothing to move, and the target was not used.</summary>
    Freed,

    /// <summary>The owner is busy with it, or it is locked.</summary>
    Busy,

    /// <summary>Someone beside its owner holds it.</summary>
    Pinned,

    /// <summary>The owner refuses, or no longer offers it.</summary>
    Refused,
}

/// <summary>Moves isolated pages one by one (<c>unmap_and_move</c>).</summary>
/// <remarks>
/// The owner orders the copy in the middle of its own critical section, so that nothing is written between copy and switch. Until its answer is there both pages
/// are allocated; after it one of the two is stripped and freed. Source: mm/migrate.c.
/// </remarks>
internal sealed unsafe class PageMigrator(Cpu cpu, MigrateMode mode)
{
    /// <summary>NR_MAX_MIGRATE_PAGES_RETRY: how often a busy page is tried.</summary>
    public const int Attempts = 10;

    private readonly PageMap _map = cpu.Allocator.Map;
    private readonly MovablePages _movable = cpu.Allocator.Movable;
    private readonly PageMigration _migration = new(cpu.Allocator.Map, cpu.Allocator.Movable, mode);

    /// <summary>The CPU that it runs on.</summary>
    public Cpu Cpu { get; } = cpu;

    /// <summary>What it is ready to wait for.</summary>
    public MigrateMode Mode { get; } = mode;

    /// <summary>Tries to move a page. The page stays isolated, and the target allocated and as it was, unless the outcome says that it is moved or freed.</summary>
    /// <param name="page">An isolated page.</param>
    /// <param name="target">An allocated block of the same order.</param>
    public MoveOutcome TryMove(in MovingPage page, uint target)
    {
        if (Volatile.Read(ref _map.DescriptorAt(page.Index)->ExtraReferences) == 0)
        {
            _movable.LetGo(Cpu, page);
            return MoveOutcome.Freed;
        }
        if (!_movable.IsRegistered(page.Index))
            return MoveOutcome.Refused;
        _migration.Start(page, target);
        var result = MoveResult.Refused;
        try
        {
            result = page.Mover.Move(_migration);
        }
        finally
        {
            // An owner that takes the copy back, or throws, keeps the page that it had.
            if (result != MoveResult.Moved && _migration.IsCopied)
                Discard(target, page.Order);
        }
        if (result == MoveResult.Moved && !_migration.IsCopied)
        {
            // Its contents are still here: the page cannot be given up.
            Cpu.Allocator.Report(KernelBugKind.MovedWithoutCopy, GfpFlags.None, page.Order);
            return MoveOutcome.Refused;
        }
        if (result == MoveResult.Moved)
        {
            Cpu.Allocator.Events.CountMigrated(page.Pages);
            _movable.Strip(page.Index, page.Order, _migration.References);
            _movable.LetGo(Cpu, page);
            return MoveOutcome.Moved;
        }
        return _migration.IsPinned ? MoveOutcome.Pinned : result == MoveResult.Busy ? MoveOutcome.Busy : MoveOutcome.Refused;
    }

    // The target is as a fresh allocation again.
    private void Discard(uint target, int order)
    {
        _movable.Strip(target, order, _migration.References - 1);
        _map.States[target] = (byte)(_map.States[target] & ~PageState.Marked);
    }
}
