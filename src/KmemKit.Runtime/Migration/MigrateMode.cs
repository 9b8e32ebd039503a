namespace KmemKit.Runtime.Migration;

/// <summary>How much trouble a move is worth (<c>enum migrate_mode</c>).</summary>
/// <remarks>Source: include/linux/migrate_mode.h.</remarks>
public enum MigrateMode
{
    /// <summary>MIGRATE_ASYNC: do not wait for anything; what is busy stays.</summary>
    Async = 0,

    /// <summary>MIGRATE_SYNC_LIGHT: wait for short things, not for I/O.</summary>
    SyncLight = 1,

    /// <summary>MIGRATE_SYNC: wait.</summary>
    Sync = 2,
}
