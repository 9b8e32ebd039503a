using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Iova;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Smmu.V3.Driver;

/// <summary>Makes address spaces of devices.</summary>
public static class SmmuDomain
{
    /// <summary>An empty address space.</summary>
    /// <typeparam name="TGranule">Translation granule.</typeparam>
    /// <param name="driver">The SMMU's driver.</param>
    /// <param name="cpu">Whose pages the tables are made of.</param>
    /// <param name="memory">RAM.</param>
    /// <param name="aperture">Device addresses; null for all of the input size.</param>
    /// <param name="inputBits">Bits of a device address, 25 to 48.</param>
    /// <returns>Null where there is no page for the root table or the context descriptor.</returns>
    /// <exception cref="InvalidOperationException">All ASIDs are in use; nothing stays taken.</exception>
    public static SmmuDomain<TGranule>? TryCreate<TGranule>(SmmuV3Driver driver, Cpu cpu, PhysicalMemory memory, PhysRange? aperture = null, int inputBits = 39)
        where TGranule : struct, IGranule
    {
        ArgumentNullException.ThrowIfNull(driver);
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(memory);
        var output = Math.Min(48, driver.Smmu.Features.OutputAddressBits);
        var format = new Vmsav8Format<TGranule>(inputBits, output);
        var iova = new IovaDomain(new PageGeometry(default(TGranule).PageShift), aperture ?? new PhysRange(PhysAddr.Zero, 1UL << inputBits), cpu.Allocator.Cpus.Count);
        PageTables<Vmsav8Format<TGranule>>? tables = null;
        PhysAddr? context = null;
        try
        {
            // A domain of no CPU's TLB: this tree's invalidations are commands.
            tables = PageTables.Create(cpu, memory, format, new TlbDomain());
            if (tables is not null)
            {
                context = driver.Take(StructureWords.Bytes);
                return new SmmuDomain<TGranule>(driver, cpu, tables, iova, context.Value, driver.TakeAsid());
            }
        }
        catch (Exception exception) when (exception is InsufficientMemoryException or InvalidOperationException)
        {
            if (context is { } place)
                driver.Give(place);
            tables?.Release(cpu);
            iova.Dispose();
            if (exception is InvalidOperationException)
                throw;
            return null;
        }
        iova.Dispose();
        return null;
    }
}

/// <summary>An address space of devices behind an SMMUv3: stage 1 tables, IOVA space and context descriptor, which any number of streams can be attached to.</summary>
/// <remarks>
/// An unmap is strict: the tables are changed, the range is invalidated by one command, and a CMD_SYNC has completed before it returns. Only then do the addresses go back to
/// the IOVA space, so that no stale entry can meet a new mapping.
/// </remarks>
/// <typeparam name="TGranule">Translation granule.</typeparam>
public sealed class SmmuDomain<TGranule> : DmaDomain, IDisposable
    where TGranule : struct, IGranule
{
    private readonly SmmuV3Driver _driver;
    private readonly Cpu _cpu;
    private readonly PageTables<Vmsav8Format<TGranule>> _tables;
    private readonly IovaDomain _iova;
    private readonly PageProt?[] _prots = new PageProt?[64];
    private readonly PhysAddr _context;
    private readonly List<uint> _streams = [];
    private readonly Lock _gate = new();
    private readonly int _shift;

    internal SmmuDomain(SmmuV3Driver driver, Cpu cpu, PageTables<Vmsav8Format<TGranule>> tables, IovaDomain iova, PhysAddr context, ushort asid)
    {
        _driver = driver;
        _cpu = cpu;
        _tables = tables;
        _iova = iova;
        _shift = default(TGranule).PageShift;
        Asid = asid;
        _context = context;
        var cd = ContextDescriptor.Lower(
            tables.Root, tables.Format.InputBits, _shift, Math.Min(tables.Format.OutputBits, driver.Smmu.Features.OutputAddressBits), tables.Format.Mair, asid);
        // Tables tell what to invalidate before they give pages of theirs back.
        tables.Domain.Invalidating += Invalidate;
        driver.Install(_context, cd.Words, static words => words[ContextDescriptorFields.V] != 0 ? s_allBits : new StructureWords().With(ContextDescriptorFields.V, 1), Command.CfgiAll);
    }

    private static readonly StructureWords s_allBits = new([~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL]);

    /// <summary>Its address space identifier.</summary>
    public ushort Asid { get; }

    /// <inheritdoc/>
    public override ulong Granule => 1UL << _shift;

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
            var syncs = _driver.InstallEntry(stream, StreamTableEntry.Stage1(_context));
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
            return _driver.InstallEntry(stream, StreamTableEntry.Abort);
        }
    }

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
        var granule = Granule - 1;
        var offset = pieces[0].Address.Value & granule;
        var total = offset;
        for (var i = 0; i < pieces.Length; i++)
        {
            var piece = pieces[i];
            if (piece.Size == 0 || (i > 0 && (piece.Address.Value & granule) != 0) || (i < pieces.Length - 1 && ((piece.Address.Value + piece.Size) & granule) != 0))
                return DmaError.Invalid;
            total += piece.Size;
        }
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

    /// <inheritdoc/>
    public override void Unmap(Cpu cpu, BusAddr address, ulong size)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var offset = address.Value & (Granule - 1);
        var start = new BusAddr(address.Value - offset);
        _iova.Check(start, offset + size);
        var bytes = (offset + size + Granule - 1) & ~(Granule - 1);
        var result = _tables.Unmap(cpu, new VirtAddr(start.Value), bytes);
        if (!result.IsOk)
            throw new InvalidOperationException($"The device addresses from {address} on are not mapped: {result}.");
        _iova.Give(cpu.Number, start, offset + size);
    }

    /// <inheritdoc/>
    public override void ReserveWindow(PhysRange window) => _iova.Reserve(window);

    /// <inheritdoc/>
    public override DmaError TryMapAt(Cpu cpu, BusAddr address, ReadOnlySpan<DmaPiece> pieces, DmaAccess access)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (pieces.IsEmpty || (address.Value & (Granule - 1)) != 0)
            return DmaError.Invalid;
        foreach (var piece in pieces)
        {
            if (piece.Size == 0 || ((piece.Address.Value | piece.Size) & (Granule - 1)) != 0)
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
        var end = 1UL << _tables.Format.InputBits;
        for (var at = 0UL; at < end;)
        {
            var leaf = _tables.Walk(new VirtAddr(at));
            // A table of level L has entries of 2^(granule + (3 - L) * (granule bits - 3)) bytes.
            var bytes = 1UL << (_shift + ((3 - leaf.Level) * (_shift - 3)));
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
        _driver.GiveAsid(Asid);
        _driver.Give(_context);
        _tables.Domain.Invalidating -= Invalidate;
        _tables.Release(_cpu);
        _iova.Dispose();
    }

    private DmaError MapPieces(Cpu cpu, ulong start, ReadOnlySpan<DmaPiece> pieces, DmaAccess access)
    {
        var granule = Granule - 1;
        var prot = ProtOf(access);
        var at = start;
        for (var i = 0; i < pieces.Length;)
        {
            // Single pages, as many as the table has room for.
            if (_tables.MapSinglePages(at, pieces[i..], prot) is var pages and > 0)
            {
                i += pages;
                at += (ulong)pages << _shift;
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

    // One command for any range: (NUM+1) * 2^SCALE granules, as few too many as 32 steps allow (4.4.1.1).
    private void Invalidate(TlbScope scope)
    {
        if (ForgetsInvalidation)
            return;
        if (scope.First is not { } first || scope.Last is not { } last)
        {
            _driver.SendOneAndSync(Command.TlbiNhAsid(0, Asid));
            return;
        }
        var granules = ((last.Value - first.Value) >> _shift) + 1;
        var command = Command.TlbiNhVa(0, Asid, first.Value, leaf: false);
        if (granules > 1)
        {
            var scale = 0;
            while (((granules - 1) >> scale) + 1 > 32)
                scale++;
            command = command.WithRange((int)((granules - 1) >> scale), scale, _shift);
        }
        _driver.SendOneAndSync(command);
    }

    private PageProt ProtOf(DmaAccess access)
    {
        if (_prots[(int)access] is { } known)
            return known;
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
