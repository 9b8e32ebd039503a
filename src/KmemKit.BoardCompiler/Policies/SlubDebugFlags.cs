using System;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>What the letters of <c>slub_debug=</c> switch on. Source: mm/slub.c, parse_slub_debug_flags; Documentation/vm/slub.txt.</summary>
[Flags]
public enum SlubDebugFlags
{
    /// <summary>Nothing (<c>-</c>).</summary>
    None = 0,

    /// <summary><c>F</c>: sanity checks on every free and allocation (SLAB_CONSISTENCY_CHECKS).</summary>
    ConsistencyChecks = 1,

    /// <summary><c>Z</c>: red zones around objects (SLAB_RED_ZONE).</summary>
    RedZone = 2,

    /// <summary><c>P</c>: free objects and padding are poisoned (SLAB_POISON).</summary>
    Poison = 4,

    /// <summary><c>U</c>: who allocated and who freed is kept (SLAB_STORE_USER).</summary>
    StoreUser = 8,

    /// <summary><c>T</c>: every allocation and free is printed (SLAB_TRACE).</summary>
    Trace = 16,

    /// <summary><c>A</c>: the cache is one of those that a filtered fault injection lets fail (SLAB_FAILSLAB).</summary>
    FailSlab = 32,

    /// <summary>What the bare word switches on (DEBUG_DEFAULT_FLAGS): <c>FZPU</c>.</summary>
    Default = ConsistencyChecks | RedZone | Poison | StoreUser,

    /// <summary>Those that make objects larger (DEBUG_METADATA_FLAGS), which <c>O</c> switches off again: <c>ZPU</c>.</summary>
    Metadata = RedZone | Poison | StoreUser,
}
