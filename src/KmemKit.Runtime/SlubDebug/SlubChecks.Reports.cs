using System;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>What is said when something is wrong, and how it is put right.</summary>
internal sealed unsafe partial class SlubChecks
{
    private const int BytesBefore = 16;

    /// <summary>An object is live although its cache is to be destroyed.</summary>
    public void ReportRemaining(Cpu cpu, in SlabView slab, ReadOnlySpan<int> live)
    {
        var remaining = ImmutableArray.CreateBuilder<RemainingObject>(live.Length);
        foreach (var index in live)
        {
            var at = slab.ObjectAt(index);
            remaining.Add(new RemainingObject(
                _machine.VirtAddressOf(at), (ulong)(at - slab.Start), _checker.HasTracks ? _machine.Record(_checker.AllocTrack(at)) : null));
        }
        var function = _machine.Style.IsPlain ? "__kmem_cache_shutdown()" : "kmem_cache_close()";
        _machine.Report(Create(SlabReportKind.ObjectsRemaining, $"Objects remaining in {_cache.Name} on {function}", cpu, default) with
        {
            Slab = FactsOf(slab),
            Remaining = remaining.MoveToImmutable(),
        });
    }

    /// <summary>Who allocated an object; null where that is not kept.</summary>
    public TrackRecord? AllocatedBy(byte* at) => _checker.HasTracks ? _machine.Record(_checker.AllocTrack(at)) : null;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReportAlloc(Cpu cpu, byte* at, in ObjectFault fault, AllocationSite site)
    {
        const string GivenUp = "Marking all objects used";
        if (fault.Kind != ObjectFaultKind.None)
        {
            ReportDamage(cpu, at, fault, site, GivenUp);
            return;
        }
        ReportObject(SlabReportKind.FreePointerCorrupt, "Freepointer corrupt", cpu, at, site, GivenUp);
        WriteWord(at, 0);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void ReportFree(Cpu cpu, byte* at, in ObjectFault fault, AllocationSite site) => ReportDamage(cpu, at, fault, site, NotFreed(at));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Trace(byte* at, bool isAllocation)
    {
        if (_cache.Allocator.FindSlab(at, out var slab))
            _machine.Trace(SlabReportText.WriteTrace(_cache.Name, isAllocation, FactsOf(slab), _machine.VirtAddressOf(at), _machine.Style));
    }

    private string NotFreed(byte* at) => $"Object at {_machine.Style.Pointer(_machine.VirtAddressOf(at))} not freed";

    // check_bytes_and_report: says it, then restores.
    private void ReportDamage(Cpu cpu, byte* at, in ObjectFault fault, AllocationSite site, string? furtherFix)
    {
        var (kind, what) = Name(fault.Kind);
        _cache.Allocator.FindSlab(at, out var slab);
        var damage = DamageOf(slab, at, fault);
        var report = WithObject(Create(kind, what + " overwritten", cpu, site) with { Damage = damage }, slab, at);
        var name = _machine.Style.IsPlain ? what + " " : "";
        var restoring = $"Restoring {name}{_machine.Style.Pointer(damage.First)}-{_machine.Style.Pointer(damage.Last)}=0x{fault.Expected:x}";
        _machine.Report(report with { Fixes = furtherFix is null ? [restoring] : [restoring, furtherFix] });
        SlabObjectChecker.Restore(at, fault);
    }

    private void ReportObject(SlabReportKind kind, string problem, Cpu cpu, byte* at, AllocationSite site, string fix)
    {
        _cache.Allocator.FindSlab(at, out var slab);
        _machine.Report(WithObject(Create(kind, problem, cpu, site), slab, at) with { Fixes = [fix] });
    }

    // slab_err: no object is concerned that could be dumped.
    private void ReportInvalid(Cpu cpu, byte* at, AllocationSite site) => _machine.Report(Create(
        SlabReportKind.InvalidObjectPointer, $"Invalid object pointer {_machine.Style.Pointer(_machine.VirtAddressOf(at))}", cpu, site) with
    {
        Slab = _cache.Allocator.FindSlab(at, out var slab) ? FactsOf(slab) : null,
        Fixes = [NotFreed(at)],
    });

    private void CheckSlabPadding(Cpu cpu, in SlabView slab, AllocationSite site)
    {
        if ((_cache.Flags & SlabFlags.Poison) == 0)
            return;
        var from = (int)(slab.First - slab.Start) + (slab.Objects * _cache.Layout.Size);
        var fault = SlabObjectChecker.Differs(slab.Start, from, (int)slab.Bytes, SlabPoison.InUse, ObjectFaultKind.ObjectPadding);
        if (fault.Kind == ObjectFaultKind.None)
            return;
        var style = _machine.Style;
        var damage = DamageOf(slab, slab.Start, fault);
        var range = $"{style.Pointer(damage.First)}-{style.Pointer(damage.Last)}";
        var place = style.IsPlain ? $" @offset={damage.Offset}" : "";
        var name = style.IsPlain ? "slab padding " : "";
        _machine.Report(Create(SlabReportKind.SlabPaddingOverwritten, $"Padding overwritten. {range}{place}", cpu, site) with
        {
            Damage = damage,
            Slab = FactsOf(slab),
            Dumps = [Dump("Padding", slab.Start + from, (int)slab.Bytes - from)],
            Fixes = [$"Restoring {name}{range}=0x{SlabPoison.InUse:x}"],
        });
        SlabObjectChecker.Restore(slab.Start, fault);
    }

    private SlabReport Create(SlabReportKind kind, string problem, Cpu cpu, AllocationSite site) =>
        new(kind, _cache.Name, problem, _machine.Taint(), _machine.Style, _machine.By(cpu, site));

    // print_trailer.
    private SlabReport WithObject(SlabReport report, in SlabView slab, byte* at)
    {
        var layout = _cache.Layout;
        var dumps = ImmutableArray.CreateBuilder<MemoryDump>();
        if (layout.RedLeftPad > 0 && (_cache.Flags & SlabFlags.RedZone) != 0)
            dumps.Add(Dump("Redzone", at - layout.RedLeftPad, layout.RedLeftPad));
        else if (at > slab.Start + BytesBefore)
            dumps.Add(Dump("Bytes b4", at - BytesBefore, BytesBefore));
        dumps.Add(Dump("Object", at, (int)Math.Min((uint)layout.ObjectSize, (uint)_cache.Allocator.PageSize)));
        if ((_cache.Flags & SlabFlags.RedZone) != 0)
            dumps.Add(Dump("Redzone", at + layout.ObjectSize, layout.Inuse - layout.ObjectSize));
        if (layout.PaddingAt < layout.Size - layout.RedLeftPad)
            dumps.Add(Dump("Padding", at + layout.PaddingAt, layout.Size - layout.RedLeftPad - layout.PaddingAt));
        return report with
        {
            Allocated = AllocatedBy(at),
            Freed = _checker.HasTracks ? _machine.Record(_checker.FreeTrack(at)) : null,
            Slab = FactsOf(slab),
            Object = _machine.VirtAddressOf(at),
            FreePointer = HasWord && ReadWord(at) is not 0 and var word && word != WordOf(at) ? new VirtAddr(word) : null,
            Dumps = dumps.ToImmutable(),
        };
    }

    private MemoryDump Dump(string label, byte* at, int length) =>
        new(label, _machine.VirtAddressOf(at), [.. new ReadOnlySpan<byte>(at, length)]);

    private DamagedBytes DamageOf(in SlabView slab, byte* at, in ObjectFault fault)
    {
        var first = SlabObjectChecker.At(at, fault.First);
        return new DamagedBytes(
            _machine.VirtAddressOf(first), _machine.VirtAddressOf(SlabObjectChecker.At(at, fault.End - 1)), (ulong)(first - slab.Start), *first, fault.Expected);
    }

    private SlabFacts FactsOf(in SlabView slab)
    {
        var next = slab.NextFree;
        return new SlabFacts(
            _machine.PageAddress(slab.Page), _machine.VirtAddressOf(slab.Start), slab.Objects, slab.Used,
            next < 0 ? null : _machine.VirtAddressOf(slab.ObjectAt(next)), KernelPageFlags.Of(_cache.Allocator.Pages.Map.Flags(slab.Page)));
    }

    private (SlabReportKind Kind, string What) Name(ObjectFaultKind kind) => kind switch
    {
        ObjectFaultKind.LeftRedZone => (SlabReportKind.LeftRedZoneOverwritten, _machine.Style.IsPlain ? "Left Redzone" : "Redzone"),
        ObjectFaultKind.RightRedZone => (SlabReportKind.RedZoneOverwritten, _machine.Style.IsPlain ? "Right Redzone" : "Redzone"),
        ObjectFaultKind.RequestedRedZone => (SlabReportKind.RequestedRedZoneOverwritten, "kmalloc Redzone"),
        ObjectFaultKind.Poison => (SlabReportKind.PoisonOverwritten, "Poison"),
        ObjectFaultKind.AlignmentPadding => (SlabReportKind.AlignmentPaddingOverwritten, "Alignment padding"),
        _ => (SlabReportKind.ObjectPaddingOverwritten, "Object padding"),
    };
}
