using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace KmemKit.Runtime.Processes;

/// <summary>When nothing can be reclaimed any more (mm/oom_kill.c).</summary>
public sealed partial class ProcessTable
{
    private readonly List<string> _oomLog = [];

    /// <summary>What the kernel logged about processes that it ended, in its words.</summary>
    public IReadOnlyList<string> OutOfMemory => _oomLog;

    /// <summary>oom_badness: how much memory ending the process would give back, in pages, moved by its oom_score_adj in thousandths of all memory. 0 and below is never chosen.</summary>
    public long BadnessOf(Process process)
    {
        System.ArgumentNullException.ThrowIfNull(process);
        if (!process.IsAlive || process.OomScoreAdjust == Process.NeverEnded)
            return long.MinValue;
        var space = process.Space;
        return space.AnonymousPages + space.FilePages + space.Tables.TablePages + (process.OomScoreAdjust * (long)Kernel.Allocator.TotalPages / 1000);
    }

    /// <summary>Ends the process that is worst to keep.</summary>
    /// <param name="current">For whom memory is needed; null for nobody's process.</param>
    /// <returns>Whether asking again makes sense: somebody else was ended.</returns>
    internal bool TryRelieve(AddressSpace current)
    {
        var victim = _processes.Values.Where(process => BadnessOf(process) > 0).MaxBy(BadnessOf);
        if (victim is null)
            return false;
        var space = victim.Space;
        var kb = Kernel.Layout.Pages.PageSize >> 10;
        _oomLog.Add(string.Create(CultureInfo.InvariantCulture,
            $"Out of memory: Killed process {victim.Pid} ({victim.Name}) total-vm:{space.VirtualBytes >> 10}kB, anon-rss:{(ulong)space.AnonymousPages * kb}kB, file-rss:{(ulong)space.FilePages * kb}kB, shmem-rss:0kB, UID:0 pgtables:{(ulong)space.Tables.TablePages * kb}kB oom_score_adj:{victim.OomScoreAdjust}"));
        victim.End(Signal.Kill);
        return !current.IsDead;
    }
}
