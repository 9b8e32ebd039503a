using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Iova;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Smmu;

/// <summary>An address space of devices behind an SMMU: stage 1 tables and IOVA space, which any number of streams can be attached to.</summary>
/// <remarks>
/// <para>An unmap is strict: the tables are changed, the range is invalidated by one operation, and that has completed before it returns. Only then do the addresses go back to
/// the IOVA space, so that no stale entry can meet a new mapping.</para>
/// <para>How streams are connected and how translations are invalidated is the SMMU architecture's, in the classes below this one.</para>
/// </remarks>
/// <typeparam name="TGranule">Translation granule.</typeparam>
public abstract class TranslatedDomain<TGranule> : DmaDomain, IDisposable
    where TGranule : struct, IGranule
{
    private readonly Cpu _cpu;
    private readonly PageTables<Vmsav8Format<TGranule>> _tables;
    private readonly IovaDomain _iova;
    private readonly PageProt?[] _prots = new PageProt?[64];
    private readonly List<uint> _streams = [];
    private readonly Lock _gate = new();

    private protected TranslatedDomain(Cpu cpu, PageTables<Vmsav8Format<TGranule>> tables, IovaDomain iova)
    {
        _cpu = cpu;
        _tables = tables;
        _iova = iova;
        // Tables tell what to invalidate before they give pages of theirs back.
        tables.Domain.Invalidating += Invalidate;
    }

    /// <inheritdoc/>
    public override ulong Granule => Size;

    // The same without a call.
    private static ulong Size
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 1UL << default(TGranule).PageShift;
    }

    /// <summary>Its tables.</summary>
    public PageTables<Vmsav8Format<TGranule>> Tables => _tables;

    /// <summary>Its device addresses.</summary>
    public IovaDomain Iova => _iova;

    /// <summary>For tests of the tests: unmaps are not followed by their invalidation, as a faulty driver's.</summary>
    internal bool ForgetsInvalidation { get; set; }

    /// <summary>Lets a stream use the address space.</summary>
    /// <returns>Syncs that the change of its entry took.</returns>
    public int Attach(uint stream)
    {
        lock (_gate)
        {
            var syncs = Connect(stream);
            _streams.Add(stream);
            return syncs;
        }
    }

    /// <summary>Closes a stream again: its transactions are aborted.</summary>
    public int Detach(uint stream)
    {
        lock (_gate)
        {
            _streams.Remove(stream);
            return Disconnect(stream);
        }
    }

    /// <summary>Makes the SMMU translate a stream's accesses by these tables; syncs that it took.</summary>
    private protected abstract int Connect(uint stream);

    /// <summary>Makes the SMMU abort a stream's accesses; syncs that it took.</summary>
    private protected abstract int Disconnect(uint stream);

    /// <summary>Invalidates the translation of a granule, and returns when that is done.</summary>
    private protected abstract void InvalidateGranule(ulong address);

    /// <summary>Invalidates the translations of granules in a row, and returns when that is done.</summary>
    private protected abstract void InvalidateRange(ulong first, ulong granules);

    /// <summary>Invalidates all translations of the address space, and returns when that is done.</summary>
    private protected abstract void InvalidateAll();

    /// <summary>The last stream is closed: what the SMMU knows of the address space goes.</summary>
    private protected abstract void GiveContext();

    /// <summary>Maps memory at its own addresses: what a boot loader's display scans, a doorbell.</summary>
    /// <exception cref="IovaException">Part of it is in use.</exception>
    public DmaError TryMapIdentity(PhysRange range, DmaAccess access)
    {
        _iova.Reserve(range);
        return ErrorOf(_tables.Map(_cpu, new VirtAddr(range.Start.Value), range.Start, range.Size.Value, ProtOf(access)));
    }

    /// <inheritdoc/>
    public override DmaError TryMap(Cpu cpu, ReadOnlySpan<DmaPiece> pieces, DmaAccess access, ulong mask, out BusAddr address)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        address = default;
        if (pieces.IsEmpty)
            return DmaError.Invalid;
        var granule = Size - 1;
        var offset = pieces[0].Address.Value & granule;
        var total = offset;
        for (var i = 0; i < pieces.Length; i++)
        {
            var piece = pieces[i];
            if (piece.Size == 0 || (i > 0 && (piece.Address.Value & granule) != 0) || (i < pieces.Length - 1 && ((piece.Address.Value + piece.Size) & granule) != 0))
                return DmaError.Invalid;
            total += piece.Size;
        }
        return TryMap(cpu, pieces, total, offset, access, mask, out address);
    }

    /// <inheritdoc/>
    internal override DmaError TryMapGranules(Cpu cpu, ReadOnlySpan<DmaPiece> pieces, DmaAccess access, ulong mask, out BusAddr address) =>
        TryMap(cpu, pieces, (ulong)pieces.Length * Size, 0, access, mask, out address);

    /// <inheritdoc/>
    // Whole by itself: the JIT spends a budget for each method that it compiles, and in a caller that has spent it already the walk would be made of calls.
    [MethodImpl(MethodImplOptions.NoInlining)]
    internal override DmaError TryMapOne(Cpu cpu, PhysAddr memory, ulong size, DmaAccess access, ulong mask, out BusAddr address)
    {
        var offset = memory.Value & (Size - 1);
        // The usual case of a driver's buffer calls nobody.
        if (unchecked(offset + size - 1) < Size && _prots[(int)access] is { } prot && _iova.TryTakeGranuleAtHand(cpu.Number, mask, out var start))
        {
            address = start + offset;
            return _tables.TryMapPage(start.Value, memory.Value - offset, prot)
                ? DmaError.None
                : MapTaken(cpu, start, memory.Value - offset, offset + size, access, ref address);
        }
        return MapOneSlowly(cpu, memory, size, access, mask, out address);
    }

    // More than a granule, no address at hand, access of a kind that is new.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private DmaError MapOneSlowly(Cpu cpu, PhysAddr memory, ulong size, DmaAccess access, ulong mask, out BusAddr address)
    {
        var offset = memory.Value & (Size - 1);
        var total = offset + size;
        if (unchecked(total - 1) >= Size)
            return TryMapRow(cpu, memory.Value - offset, offset, total, access, mask, out address);
        if (!_iova.TryTakeGranule(cpu.Number, mask, out var start))
        {
            address = default;
            return DmaError.NoDeviceAddress;
        }
        address = start + offset;
        return _tables.TryMapPage(start.Value, memory.Value - offset, ProtOf(access))
            ? DmaError.None
            : MapTaken(cpu, start, memory.Value - offset, total, access, ref address);
    }

    // Granules in a row. A method of its own, so that the one granule of a driver's buffer pays for no more than it needs.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private DmaError TryMapRow(Cpu cpu, ulong phys, ulong offset, ulong total, DmaAccess access, ulong mask, out BusAddr address)
    {
        address = default;
        if (!_iova.TryTake(cpu.Number, total, mask, out var start))
            return DmaError.NoDeviceAddress;
        address = start + offset;
        return MapTaken(cpu, start, phys, total, access, ref address);
    }

    // Memory in a row at addresses that were taken for it, which go back where it cannot be.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private DmaError MapTaken(Cpu cpu, BusAddr start, ulong phys, ulong total, DmaAccess access, ref BusAddr address)
    {
        var granule = Size - 1;
        var result = _tables.Map(cpu, new VirtAddr(start.Value), new PhysAddr(phys), (total + granule) & ~granule, ProtOf(access));
        if (result.IsOk)
            return DmaError.None;
        _iova.Give(cpu.Number, start, total);
        address = default;
        return ErrorOf(result);
    }

    /// <inheritdoc/>
    public override void Unmap(Cpu cpu, BusAddr address, ulong size) => UnmapWith(cpu, address, size, new GranuleInvalidation(this));

    /// <summary><see cref="Unmap"/>, which each architecture's domain has compiled for its way of invalidating a granule.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected void UnmapWith<TInvalidation>(Cpu cpu, BusAddr address, ulong size, TInvalidation invalidation)
        where TInvalidation : struct, IGranuleInvalidation
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var offset = address.Value & (Size - 1);
        var start = new BusAddr(address.Value - offset);
        if (unchecked(offset + size - 1) >= Size)
        {
            UnmapRow(cpu, start, offset + size);
            return;
        }
        // The usual case of a driver's buffer goes straight to the command.
        ref var cell = ref _iova.ClaimGranule(cpu.Number, start);
        if (!_tables.TryUnmapPage(start.Value))
            UnmapClaimed(cpu, start, Size);
        else if (!ForgetsInvalidation)
            invalidation.Invalidate(start.Value);
        _iova.GiveClaimedGranule(cpu.Number, start, ref cell);
    }

    private readonly struct GranuleInvalidation(TranslatedDomain<TGranule> domain) : IGranuleInvalidation
    {
        public void Invalidate(ulong address) => domain.InvalidateGranule(address);
    }

    // Granules in a row, as TryMapRow gave them.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void UnmapRow(Cpu cpu, BusAddr start, ulong total)
    {
        _iova.Claim(cpu.Number, start, total);
        UnmapClaimed(cpu, start, (total + Size - 1) & ~(Size - 1));
        _iova.GiveClaimed(cpu.Number, start, total);
    }

    /// <inheritdoc/>
    public override void ReserveWindow(PhysRange window) => _iova.Reserve(window);

    /// <inheritdoc/>
    public override DmaError TryMapAt(Cpu cpu, BusAddr address, ReadOnlySpan<DmaPiece> pieces, DmaAccess access)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (pieces.IsEmpty || (address.Value & (Size - 1)) != 0)
            return DmaError.Invalid;
        foreach (var piece in pieces)
        {
            if (piece.Size == 0 || ((piece.Address.Value | piece.Size) & (Size - 1)) != 0)
                return DmaError.Invalid;
        }
        return MapPieces(cpu, address.Value, pieces, access);
    }

    /// <inheritdoc/>
    public override void UnmapAt(Cpu cpu, BusAddr address, ulong size)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var result = _tables.Unmap(cpu, new VirtAddr(address.Value), size);
        if (!result.IsOk)
            throw new InvalidOperationException($"The device addresses from {address} on are not mapped: {result}.");
    }

    /// <inheritdoc/>
    public override IReadOnlyList<PhysRange> ReachableMemory()
    {
        var found = new List<PhysRange>();
        var shift = default(TGranule).PageShift;
        var end = 1UL << _tables.Format.InputBits;
        for (var at = 0UL; at < end;)
        {
            var leaf = _tables.Walk(new VirtAddr(at));
            // A table of level L has entries of 2^(granule + (3 - L) * (granule bits - 3)) bytes.
            var bytes = 1UL << (shift + ((3 - leaf.Level) * (shift - 3)));
            if (leaf.IsMapped)
                found.Add(new PhysRange(new PhysAddr(leaf.Output & ~(bytes - 1)), bytes));
            at = (at & ~(bytes - 1)) + bytes;
        }
        return RamPlan.Merge(found);
    }

    /// <inheritdoc/>
    public override bool TryToPhys(BusAddr address, out PhysAddr phys) => _tables.TryTranslate(new VirtAddr(address.Value), out phys);

    /// <summary>Closes all its streams and gives tables and addresses back.</summary>
    public void Dispose()
    {
        foreach (var stream in _streams.ToArray())
            Detach(stream);
        GiveContext();
        _tables.Domain.Invalidating -= Invalidate;
        _tables.Release(_cpu);
        _iova.Dispose();
        GC.SuppressFinalize(this);
    }

    private DmaError TryMap(Cpu cpu, ReadOnlySpan<DmaPiece> pieces, ulong total, ulong offset, DmaAccess access, ulong mask, out BusAddr address)
    {
        address = default;
        if (!_iova.TryTake(cpu.Number, total, mask, out var start))
            return DmaError.NoDeviceAddress;
        var error = MapPieces(cpu, start.Value, pieces, access);
        if (error != DmaError.None)
        {
            _iova.Give(cpu.Number, start, total);
            return error;
        }
        address = start + offset;
        return DmaError.None;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void UnmapClaimed(Cpu cpu, BusAddr start, ulong bytes)
    {
        var result = _tables.Unmap(cpu, new VirtAddr(start.Value), bytes);
        if (result.IsOk)
            return;
        _iova.Unclaim(start);
        throw new InvalidOperationException($"The device addresses from {start} on are not mapped: {result}.");
    }

    private DmaError MapPieces(Cpu cpu, ulong start, ReadOnlySpan<DmaPiece> pieces, DmaAccess access)
    {
        var granule = Size - 1;
        var prot = ProtOf(access);
        var at = start;
        for (var i = 0; i < pieces.Length;)
        {
            // Single pages, as many as the table has room for.
            if (_tables.MapSinglePages(at, pieces[i..], prot) is var pages and > 0)
            {
                i += pages;
                at += (ulong)pages << default(TGranule).PageShift;
                continue;
            }
            var first = pieces[i].Address.Value & ~granule;
            var end = pieces[i].Address.Value + pieces[i].Size;
            // Neighbours in memory are mapped at once.
            for (i++; i < pieces.Length && pieces[i].Address.Value == end; i++)
                end += pieces[i].Size;
            var size = ((end + granule) & ~granule) - first;
            var result = _tables.Map(cpu, new VirtAddr(at), new PhysAddr(first), size, prot);
            if (!result.IsOk)
            {
                if (at != start)
                    _tables.Unmap(cpu, new VirtAddr(start), at - start);
                return ErrorOf(result);
            }
            at += size;
        }
        return DmaError.None;
    }

    // What the tables say.
    private void Invalidate(TlbScope scope)
    {
        if (ForgetsInvalidation)
            return;
        if (scope.First is not { } first || scope.Last is not { } last)
            InvalidateAll();
        else if (((last.Value - first.Value) >> default(TGranule).PageShift) + 1 is var granules && granules == 1)
            InvalidateGranule(first.Value);
        else
            InvalidateRange(first.Value, granules);
    }

    private PageProt ProtOf(DmaAccess access) => _prots[(int)access] ?? MakeProt(access);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PageProt MakeProt(DmaAccess access)
    {
        var rights = ((access & DmaAccess.Read) != 0 ? AccessRights.Read : 0) | ((access & DmaAccess.Write) != 0 ? AccessRights.Write : 0);
        // Stage 1 has no write without read: what a device may write it may read back (Arm DDI 0487 D8.4.1).
        if ((rights & AccessRights.Write) != 0)
            rights |= AccessRights.Read;
        var isPrivileged = (access & DmaAccess.Privileged) != 0;
        var type = _tables.Format.TypeFor((access & DmaAccess.Cacheable) != 0 ? MemoryUse.Cached : MemoryUse.WriteCombining);
        var attributes = new PageAttributes(rights, isPrivileged ? AccessRights.None : rights, type, Shareability.Inner) { IsGlobal = false, IsDirty = (rights & AccessRights.Write) != 0 };
        return _prots[(int)access] = _tables.Prot(attributes);
    }

    private static DmaError ErrorOf(in PageTableResult result) => result.Error switch
    {
        PageTableError.None => DmaError.None,
        PageTableError.NoMemory => DmaError.NoMemory,
        PageTableError.AlreadyMapped => DmaError.Busy,
        _ => DmaError.Invalid,
    };
}
