using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>Which mapping changed when, and which CPUs have not yet been told: the memory of the checks.</summary>
/// <remarks>
/// A change stays pending, range by range, until every CPU that was there at the time has invalidated it. It is kept in a ring of the last ones after that, so
/// that a report can name it. One lock: with checks on, speed is not the point.
/// </remarks>
public sealed class MappingChanges
{
    private const int Remembered = 1024;
    private const ulong SmallestPage = 4095;

    private readonly TlbDomain _domain;
    private readonly Lock _sync = new();
    private readonly List<Pending> _pending = [];
    private readonly Queue<MappingChange> _past = new();
    private long _number;

    private readonly record struct Pending(MappingChange Change, ulong First, ulong Last, ulong Cpus);

    internal MappingChanges(TlbDomain domain) => _domain = domain;

    /// <summary>Changes and invalidations until now.</summary>
    public long Now => Interlocked.Read(ref _number);

    /// <summary>Changes that a CPU has not invalidated yet, or parts of them.</summary>
    public int PendingCount
    {
        get
        {
            lock (_sync)
                return _pending.Count;
        }
    }

    /// <summary>The last change of an address; null where none is known.</summary>
    public MappingChange? LastOf(VirtAddr address)
    {
        lock (_sync)
        {
            MappingChange? last = null;
            foreach (var change in _past)
            {
                if (change.Scope.First <= address && change.Scope.Last >= address)
                    last = change;
            }
            return last;
        }
    }

    /// <summary>Live translations change.</summary>
    internal void Break(MappingChangeKind kind, in TlbScope scope)
    {
        lock (_sync)
        {
            var change = new MappingChange(++_number, kind, scope);
            _past.Enqueue(change);
            if (_past.Count > Remembered)
                _past.Dequeue();
            var cpus = _domain.AllCpus;
            if (cpus != 0)
                _pending.Add(new Pending(change, scope.First!.Value.Value, scope.Last!.Value.Value, cpus));
        }
    }

    /// <summary>Something is mapped where nothing was; on architectures with break-before-make its old translation has to be invalidated by now.</summary>
    internal void Make(ulong first, ulong last, ulong output, ushort? asid, bool breaks)
    {
        if (!breaks)
            return;
        TranslationBug? bug = null;
        lock (_sync)
        {
            foreach (var pending in _pending)
            {
                if (pending.First > last || pending.Last < first || (asid is { } space && pending.Change.Scope.Asid is { } other && other != space))
                    continue;
                bug = new TranslationBug(
                    TranslationBugKind.BreakBeforeMake,
                    $"[{new VirtAddr(first)}, {new VirtAddr(last)}] is mapped to {new PhysAddr(output)} before the translations of {pending.Change} are invalidated on CPUs {pending.Cpus:x}.",
                    pending.Change);
                break;
            }
        }
        if (bug is not null)
            _domain.Report(bug);
    }

    /// <summary>A CPU invalidates.</summary>
    internal void Invalidated(int cpu, in TlbScope scope)
    {
        lock (_sync)
        {
            _number++;
            var bit = 1UL << cpu;
            // A translation goes as a whole, whichever of its addresses is named: a page at least, and all of what was one leaf.
            var (least, most) = ((scope.First?.Value ?? 0) & ~SmallestPage, (scope.Last?.Value ?? ulong.MaxValue) | SmallestPage);
            for (var i = _pending.Count - 1; i >= 0; i--)
            {
                var pending = _pending[i];
                if ((pending.Cpus & bit) == 0 || pending.First > most || pending.Last < least)
                    continue;
                var wasLeaf = pending.Change.Kind is MappingChangeKind.Split or MappingChangeKind.Write;
                var (from, to) = wasLeaf ? (pending.First, pending.Last) : (least, most);
                // The addresses aside: they are cut below.
                if (!(scope with { First = null, Last = null }).Covers(pending.Change.Scope with { First = null, Last = null }))
                    continue;
                _pending.RemoveAt(i);
                if (pending.First < from)
                    _pending.Add(pending with { Last = from - 1 });
                if (pending.Last > to)
                    _pending.Add(pending with { First = to + 1 });
                var left = pending.Cpus & ~bit;
                if (left != 0)
                    _pending.Add(pending with { First = ulong.Max(from, pending.First), Last = ulong.Min(to, pending.Last), Cpus = left });
            }
        }
    }
}
