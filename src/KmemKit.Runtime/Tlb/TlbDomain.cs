using System;
using System.Collections.Generic;
using System.Threading;

namespace KmemKit.Runtime.Tlb;

/// <summary>The TLBs of the CPUs that share translation tables: Arm's inner shareable domain, the targets of an x86 or RISC-V shootdown.</summary>
public sealed class TlbDomain
{
    private readonly Lock _sync = new();
    private TlbModel[] _tlbs = [];
    private long _broadcasts;

    /// <summary>Told what hardware would go on with in silence. Called on the thread that made the mistake.</summary>
    public event Action<TranslationBug>? BugReported;

    /// <summary>Told of every invalidation that goes to all CPUs, before it is done. Called on the thread that asks for it.</summary>
    public event Action<TlbScope>? Invalidating;

    /// <summary>Fault injection: asked before an invalidation that goes to all CPUs; true loses it, as hardware with an erratum would. Null in a sound machine.</summary>
    public Func<TlbScope, bool>? Losing { get; set; }

    /// <summary>The TLBs, in the order in which they were added.</summary>
    public IReadOnlyList<TlbModel> Tlbs => Volatile.Read(ref _tlbs);

    /// <summary>Invalidations that went to all CPUs.</summary>
    public long Broadcasts => Interlocked.Read(ref _broadcasts);

    /// <summary>What changed when; null while nobody watches.</summary>
    public MappingChanges? Changes { get; private set; }

    /// <summary>Whether translations are checked.</summary>
    public bool IsWatching => Changes is not null;

    internal ulong AllCpus
    {
        get
        {
            var count = Volatile.Read(ref _tlbs).Length;
            return count >= 64 ? ulong.MaxValue : (1UL << count) - 1;
        }
    }

    /// <summary>
    /// Turns the checks on: every change is remembered, every translation that a TLB gives is compared with the tables, and what is wrong is reported. Before
    /// the first change; it cannot be turned off again.
    /// </summary>
    public MappingChanges Watch()
    {
        lock (_sync)
        {
            Changes ??= new MappingChanges(this);
            foreach (var tlb in _tlbs)
                tlb.DropFrontFromOutside();
            return Changes;
        }
    }

    /// <summary>Invalidates on all CPUs, and returns when none can use what it reaches (TLBI ...IS and DSB ISH; a shootdown).</summary>
    public void Invalidate(in TlbScope scope)
    {
        var tlbs = Volatile.Read(ref _tlbs);
        Invalidating?.Invoke(scope);
        // Tables that no CPU has, such as a device's, broadcast to nobody.
        if (tlbs.Length == 0)
            return;
        Interlocked.Increment(ref _broadcasts);
        if (Losing is { } loses && loses(scope))
            return;
        foreach (var tlb in tlbs)
            tlb.Invalidate(scope);
    }

    /// <summary>Adds a CPU's TLB, whose place becomes its number in reports; up to 64.</summary>
    internal int Add(TlbModel tlb)
    {
        lock (_sync)
        {
            if (_tlbs.Length == 64)
                throw new InvalidOperationException("A domain has up to 64 CPUs.");
            Volatile.Write(ref _tlbs, [.. _tlbs, tlb]);
            return _tlbs.Length - 1;
        }
    }

    internal void Report(TranslationBug bug) => BugReported?.Invoke(bug);
}
