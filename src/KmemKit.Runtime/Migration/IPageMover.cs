using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Migration;

/// <summary>The owner of movable pages: lets compaction and contiguous allocation move them elsewhere (<c>struct movable_operations</c>).</summary>
/// <remarks>
/// <para>A move has three steps: <see cref="TryIsolate"/>, then <see cref="Move"/> or <see cref="PutBack"/>. Calls come on the thread of whoever asks for
/// memory, any time a request that may sleep is made, and different pages at once from different CPUs. So the owner has a lock of its own that its
/// uses of a page and <see cref="Move"/> share, and does not hold it while it makes a request that may sleep.</para>
/// <para>The owner may free a page at any time, between the steps as well: the mover's own reference keeps the page until it has let go.</para>
/// <para>Source: include/linux/migrate.h, Documentation/mm/page_migration.rst.</para>
/// </remarks>
public interface IPageMover
{
    /// <summary>How many references the owner has to a page and gives up for the new one; a page with more is pinned and stays (<c>folio_expected_refs</c>).</summary>
    /// <param name="page">One of its pages.</param>
    int References(Page page) => 1;

    /// <summary>Agrees to a move, or not; no lock of the allocator is held (<c>isolate_page</c>).</summary>
    /// <param name="page">One of its pages, the first of its block.</param>
    /// <param name="mode">What the caller is ready to wait for.</param>
    bool TryIsolate(Page page, MigrateMode mode) => true;

    /// <summary>Moves a page: under the owner's lock, has the contents and references taken over by <see cref="PageMigration.TryCopy"/>, and uses the new page from then on (<c>migrate_page</c>).</summary>
    /// <param name="migration">From where to where; valid during the call only.</param>
    MoveResult Move(PageMigration migration);

    /// <summary>The move did not take place, the page stays (<c>putback_page</c>). The owner may have freed it at the same moment.</summary>
    /// <param name="page">The page.</param>
    void PutBack(Page page)
    {
    }
}
