using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Boot;

namespace KmemKit.Runtime.Proc;

/// <summary>The names of the kernel's page counters, in the order of its release (<c>vmstat_text</c>).</summary>
/// <remarks>
/// Until 4.7 every zone has all of them. Since 4.8 a zone has few, and those of the page lists belong to the node. Each row says since which release there is
/// such a counter and up to which. Source: mm/vmstat.c and include/linux/mmzone.h by release, real files of 3.2, 4.1, 4.4, 4.11, 5.6, 5.8 and 6.x.
/// </remarks>
internal static class StatItems
{
    // In front of the tables, which are made of them.
    private static readonly LinuxVersion s_never = new(int.MaxValue, 0);
    private static readonly string[] s_numa = ["numa_hit", "numa_miss", "numa_foreign", "numa_interleave", "numa_local", "numa_other"];

    private enum Need
    {
        None,
        Numa,
        Swap,
        Zsmalloc,
    }

    // Counters of a zone up to 4.7.
    private static readonly Row[] s_classic =
    [
        new("nr_free_pages"), Since("nr_alloc_batch", 3, 12), new("nr_inactive_anon"), new("nr_active_anon"), new("nr_inactive_file"), new("nr_active_file"),
        new("nr_unevictable"), new("nr_mlock"), new("nr_anon_pages"), new("nr_mapped"), new("nr_file_pages"), new("nr_dirty"), new("nr_writeback"),
        new("nr_slab_reclaimable"), new("nr_slab_unreclaimable"), new("nr_page_table_pages"), new("nr_kernel_stack"), new("nr_unstable"), new("nr_bounce"),
        new("nr_vmscan_write"), Since("nr_vmscan_immediate_reclaim", 3, 2), new("nr_writeback_temp"), new("nr_isolated_anon"), new("nr_isolated_file"),
        new("nr_shmem"), new("nr_dirtied") { Since = new(2, 6, 37) }, new("nr_written") { Since = new(2, 6, 37) }, Since("nr_pages_scanned", 3, 17),
        .. NumaRows(), Since("workingset_refault", 3, 15), Since("workingset_activate", 3, 15), Since("workingset_nodereclaim", 3, 15),
        new("nr_anon_transparent_hugepages") { Since = new(2, 6, 38) }, Since("nr_free_cma", 3, 7),
    ];

    // Counters of a zone from 4.8 on; those of NUMA are a group of their own behind them from 4.14 on.
    private static readonly Row[] s_zone =
    [
        new("nr_free_pages"), new("nr_zone_inactive_anon"), new("nr_zone_active_anon"), new("nr_zone_inactive_file"), new("nr_zone_active_file"),
        new("nr_zone_unevictable"), new("nr_zone_write_pending"), new("nr_mlock"), Until("nr_slab_reclaimable", 4, 13), Until("nr_slab_unreclaimable", 4, 13),
        Until("nr_page_table_pages", 5, 11), Until("nr_kernel_stack", 5, 9), new("nr_bounce"),
        new("nr_zspages") { Need = Need.Zsmalloc }, .. NumaRows().Select(static row => row with { Until = new(4, 14) }), new("nr_free_cma"),
    ];

    // Counters of a node.
    private static readonly Row[] s_node =
    [
        new("nr_inactive_anon"), new("nr_active_anon"), new("nr_inactive_file"), new("nr_active_file"), new("nr_unevictable"),
        Since("nr_slab_reclaimable", 4, 13), Since("nr_slab_unreclaimable", 4, 13), new("nr_isolated_anon"), new("nr_isolated_file"),
        Until("nr_pages_scanned", 4, 12), Since("workingset_nodes", 4, 20), Until("workingset_refault", 5, 9), Since("workingset_refault_anon", 5, 9),
        Since("workingset_refault_file", 5, 9), Until("workingset_activate", 5, 9), Since("workingset_activate_anon", 5, 9),
        Since("workingset_activate_file", 5, 9),
        new("workingset_restore") { Since = new(4, 20), Until = new(5, 9) }, Since("workingset_restore_anon", 5, 9), Since("workingset_restore_file", 5, 9),
        new("workingset_nodereclaim"), new("nr_anon_pages"), new("nr_mapped"), new("nr_file_pages"), new("nr_dirty"), new("nr_writeback"),
        new("nr_writeback_temp"), new("nr_shmem"), new("nr_shmem_hugepages"), new("nr_shmem_pmdmapped"), Since("nr_file_hugepages", 5, 4),
        Since("nr_file_pmdmapped", 5, 4), new("nr_anon_transparent_hugepages"), Until("nr_unstable", 5, 8), new("nr_vmscan_write"),
        new("nr_vmscan_immediate_reclaim"), new("nr_dirtied"), new("nr_written"), Since("nr_throttled_written", 5, 16),
        Since("nr_kernel_misc_reclaimable", 4, 20),
        Since("nr_foll_pin_acquired", 5, 7), Since("nr_foll_pin_released", 5, 7), Since("nr_kernel_stack", 5, 9), Since("nr_page_table_pages", 5, 11),
        Since("nr_sec_page_table_pages", 6, 1), Since("nr_swapcached", 5, 12) with { Need = Need.Swap },
    ];

    /// <summary>Whether node counters are apart from zone counters.</summary>
    public static bool HasNodeCounters(KernelBuild build) => build.IsSince(4, 8);

    /// <summary>A zone's counters.</summary>
    public static IEnumerable<string> OfZone(KernelBuild build)
    {
        var names = Names(HasNodeCounters(build) ? s_zone : s_classic, build);
        return build.IsNuma && build.IsSince(4, 14) ? names.Concat(Names(NumaRows(), build)) : names;
    }

    /// <summary>A node's counters; none before 4.8.</summary>
    public static IEnumerable<string> OfNode(KernelBuild build) => HasNodeCounters(build) ? Names(s_node, build) : [];

    private static IEnumerable<string> Names(Row[] rows, KernelBuild build) =>
        rows.Where(row => row.Since <= build.Version && build.Version < row.Until && IsMet(row.Need, build)).Select(static row => row.Name);

    private static bool IsMet(Need need, KernelBuild build) => need switch
    {
        Need.Numa => build.IsNuma,
        Need.Swap => build.HasSwap,
        Need.Zsmalloc => build.HasZsmalloc,
        _ => true,
    };

    private static Row[] NumaRows() => [.. s_numa.Select(static name => new Row(name) { Need = Need.Numa })];

    private static Row Since(string name, int major, int minor) => new(name) { Since = new LinuxVersion(major, minor) };

    private static Row Until(string name, int major, int minor) => new(name) { Until = new LinuxVersion(major, minor) };

    private sealed record Row(string Name)
    {
        public LinuxVersion Since { get; init; }

        public LinuxVersion Until { get; init; } = s_never;

        public Need Need { get; init; }
    }
}
