using KmemKit.Runtime.Boot;

namespace KmemKit.Runtime.Buddy;

/// <summary>What a boot may choose; the defaults are the kernel's for the board.</summary>
public sealed record PageAllocatorOptions
{
    /// <summary>CPUs; null for as many as the board has enabled, at least 1.</summary>
    public int? Cpus { get; init; }

    /// <summary>What the kernel is built as; null for what the layout says.</summary>
    public KernelBuild? Build { get; init; }

    /// <summary>vm.min_free_kbytes; null for the kernel's choice by the amount of lowmem.</summary>
    public int? MinFreeKbytes { get; init; }

    /// <summary>Order of a pageblock, 6 to the largest block's; null for a huge page's (9 with 4 KiB pages) where the architecture has them, else the largest block's.</summary>
    public int? PageBlockOrder { get; init; }
}
