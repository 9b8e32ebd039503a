using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>Several changes of one tree with one invalidation at the end (<c>struct mmu_gather</c>).</summary>
/// <remarks>
/// Between the change and <see cref="Finish"/> CPUs may still use the translations that were there: pages that were mapped must not be given to anyone else
/// before. Tables that were emptied are kept until then as well. Used by one thread; it can be used again afterwards.
/// </remarks>
public sealed class TlbGather
{
    private readonly Cpu _cpu;
    private RemovedTables _removed;
    private TableAllocator? _tables;
    private TlbDomain? _domain;
    private TlbScope _scope;

    /// <summary>An empty one.</summary>
    /// <param name="cpu">Where tables are given back.</param>
    public TlbGather(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        _cpu = cpu;
    }

    /// <summary>Whether nothing has been changed since the last <see cref="Finish"/>.</summary>
    public bool IsEmpty => _domain is null;

    /// <summary>Invalidates what was changed, on all CPUs, then gives the tables back.</summary>
    public void Finish()
    {
        if (_domain is null)
            return;
        _domain.Invalidate(_scope);
        _domain = null;
        if (_tables is not null)
            _removed.GiveAll(_tables, _cpu);
    }

    /// <summary>The mistake that the checks are there for: tables and pages go while translations stay.</summary>
    internal void FinishWithoutInvalidation()
    {
        _domain = null;
        if (_tables is not null)
            _removed.GiveAll(_tables, _cpu);
    }

    internal void Add(TlbDomain domain, TableAllocator tables, in TlbScope scope, ref RemovedTables removed)
    {
        if (_domain is null)
        {
            (_domain, _tables, _scope) = (domain, tables, scope);
            _removed = removed;
            removed = default;
            return;
        }
        if (!ReferenceEquals(_tables, tables))
            throw new InvalidOperationException("A gather is of one tree: finish it before another one is changed.");
        var (first, last) = (scope.First!.Value, scope.Last!.Value);
        _scope = _scope with { First = first < _scope.First ? first : _scope.First, Last = last > _scope.Last ? last : _scope.Last };
        _removed.TakeAll(ref removed);
    }
}
