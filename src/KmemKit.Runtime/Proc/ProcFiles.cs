using System;
using System.Collections.Immutable;
using KmemKit.Runtime.Boot;

namespace KmemKit.Runtime.Proc;

/// <summary>The files about memory in the <c>/proc</c> of a booted board; each reading is a new look.</summary>
public sealed class ProcFiles
{
    private readonly BootedMemory _booted;

    internal ProcFiles(BootedMemory booted) => _booted = booted;

    /// <summary>The names there are, in alphabetical order.</summary>
    public static ImmutableArray<string> Names { get; } = ["buddyinfo", "iomem", "meminfo", "pagetypeinfo", "slabinfo", "vmstat", "zoneinfo"];

    /// <summary><c>/proc/buddyinfo</c>.</summary>
    public BuddyInfo BuddyInfo => BuddyInfo.Of(_booted.Allocator);

    /// <summary><c>/proc/pagetypeinfo</c>.</summary>
    public PageTypeInfo PageTypeInfo => PageTypeInfo.Of(_booted.Allocator);

    /// <summary><c>/proc/zoneinfo</c>.</summary>
    public ZoneInfo ZoneInfo => ZoneInfo.Of(_booted.Allocator, _booted.UseNow);

    /// <summary><c>/proc/meminfo</c>.</summary>
    public MemInfo MemInfo => MemInfo.Of(_booted.Allocator, _booted.UseNow, DirectMap.Of(_booted.Layout, _booted.Statistics.Build));

    /// <summary><c>/proc/slabinfo</c>; null with SLOB, which has none.</summary>
    public SlabInfoTable? SlabInfo => SlabInfoTable.Of(_booted.Objects);

    /// <summary><c>/proc/vmstat</c>.</summary>
    public VmStat VmStat => VmStat.Of(_booted.Allocator, _booted.UseNow);

    /// <summary>A file's text; empty for slabinfo with SLOB.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is no such file.</exception>
    public string Read(string name) => name switch
    {
        "buddyinfo" => BuddyInfo.ToString(),
        "iomem" => IomemText.Write(_booted.Memory.Iomem),
        "meminfo" => MemInfo.ToString(),
        "pagetypeinfo" => PageTypeInfo.ToString(),
        "slabinfo" => SlabInfo?.ToString() ?? "",
        "vmstat" => VmStat.ToString(),
        "zoneinfo" => ZoneInfo.ToString(),
        _ => throw new ArgumentException($"There is no /proc/{name} here: there are {string.Join(", ", Names)}.", nameof(name)),
    };
}
