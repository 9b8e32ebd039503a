using System.Globalization;
using System.Text;
using System.Threading;

namespace KmemKit.Runtime.Migration;

/// <summary>Event counters of page movement, under the names of <c>/proc/vmstat</c>.</summary>
/// <remarks>Source: include/linux/vm_event_item.h. Counted from boot; each is exact, together they are not of one moment.</remarks>
public sealed class VmEvents
{
    private long _migrateSuccess;
    private long _migrateFail;
    private long _compactStall;
    private long _compactSuccess;
    private long _compactFail;
    private long _migrateScanned;
    private long _freeScanned;
    private long _isolated;
    private long _cmaAllocSuccess;
    private long _cmaAllocFail;

    internal VmEvents()
    {
    }

    /// <summary>pgmigrate_success: pages moved.</summary>
    public long MigrateSuccess => Interlocked.Read(ref _migrateSuccess);

    /// <summary>pgmigrate_fail: blocks that could not be moved.</summary>
    public long MigrateFail => Interlocked.Read(ref _migrateFail);

    /// <summary>compact_stall: requests that compacted memory for themselves.</summary>
    public long CompactStall => Interlocked.Read(ref _compactStall);

    /// <summary>compact_success: such requests that were met afterwards.</summary>
    public long CompactSuccess => Interlocked.Read(ref _compactSuccess);

    /// <summary>compact_fail: such requests that were not.</summary>
    public long CompactFail => Interlocked.Read(ref _compactFail);

    /// <summary>compact_migrate_scanned: frames that the migrate scanner looked at.</summary>
    public long MigrateScanned => Interlocked.Read(ref _migrateScanned);

    /// <summary>compact_free_scanned: frames that the free scanner looked at.</summary>
    public long FreeScanned => Interlocked.Read(ref _freeScanned);

    /// <summary>compact_isolated: pages that either scanner took, movable and free ones.</summary>
    public long Isolated => Interlocked.Read(ref _isolated);

    /// <summary>cma_alloc_success: requests to contiguous areas that were met.</summary>
    public long CmaAllocSuccess => Interlocked.Read(ref _cmaAllocSuccess);

    /// <summary>cma_alloc_fail: those that were not.</summary>
    public long CmaAllocFail => Interlocked.Read(ref _cmaAllocFail);

    /// <summary>The lines of <c>/proc/vmstat</c>, in the kernel's order.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (name, value) in new (string, long)[]
        {
            ("pgmigrate_success", MigrateSuccess), ("pgmigrate_fail", MigrateFail), ("compact_migrate_scanned", MigrateScanned), ("compact_free_scanned", FreeScanned),
            ("compact_isolated", Isolated), ("compact_stall", CompactStall), ("compact_fail", CompactFail), ("compact_success", CompactSuccess),
            ("cma_alloc_success", CmaAllocSuccess), ("cma_alloc_fail", CmaAllocFail),
        })
        {
            text.Append(CultureInfo.InvariantCulture, $"{name} {value}\n");
        }
        return text.ToString();
    }

    internal void CountMigrated(long pages) => Interlocked.Add(ref _migrateSuccess, pages);

    internal void CountNotMoved(long blocks) => Interlocked.Add(ref _migrateFail, blocks);

    internal void CountStall() => Interlocked.Increment(ref _compactStall);

    internal void CountCompaction(bool isMet) => Interlocked.Increment(ref isMet ? ref _compactSuccess : ref _compactFail);

    internal void CountScanned(long migrate, long free, long isolated)
    {
        Interlocked.Add(ref _migrateScanned, migrate);
        Interlocked.Add(ref _freeScanned, free);
        Interlocked.Add(ref _isolated, isolated);
    }

    internal void CountCma(bool isMet) => Interlocked.Increment(ref isMet ? ref _cmaAllocSuccess : ref _cmaAllocFail);
}
