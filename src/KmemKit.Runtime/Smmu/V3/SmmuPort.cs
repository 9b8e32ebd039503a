using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>How one device's accesses reach memory through an SMMU (a TBU of the hardware): with a small cache of its own of pages that the device may access.</summary>
/// <remarks>
/// The cache answers as long as nothing was invalidated anywhere in the SMMU; then each page is asked for anew, and the SMMU's own caches answer, stale or not. It holds RAM only.
/// One thread at a time.
/// </remarks>
public sealed unsafe class SmmuPort : IDisposable
{
    private const int Pages = 64;

    [StructLayout(LayoutKind.Sequential)]
    private struct Line
    {
        // Page address of a readable and of a writable page; Never where it is not.
        public ulong Read;
        public ulong Write;
        public nuint Host;
        private readonly ulong _padding;
    }

    private const ulong Never = 1;

    private readonly SmmuV3 _smmu;
    private readonly Line* _lines;
    private long _generation;
    private bool _disposed;

    /// <summary>A device's port.</summary>
    /// <param name="smmu">The SMMU.</param>
    /// <param name="streamId">The device's StreamID.</param>
    /// <param name="substreamId">Substream of its accesses; null for none.</param>
    public SmmuPort(SmmuV3 smmu, uint streamId, uint? substreamId = null)
    {
        ArgumentNullException.ThrowIfNull(smmu);
        _smmu = smmu;
        StreamId = streamId;
        SubstreamId = substreamId;
        _lines = (Line*)NativeMemory.AlignedAlloc((nuint)(Pages * sizeof(Line)), 64);
        Forget();
    }

    /// <summary>The device's StreamID.</summary>
    public uint StreamId { get; }

    /// <summary>Substream of its accesses; null for none.</summary>
    public uint? SubstreamId { get; }

    /// <summary>Whether accesses are privileged.</summary>
    public Privilege Privilege { get; init; } = Privilege.User;

    /// <summary>Reads 8 bytes, aligned to 8.</summary>
    /// <returns>What became of it; the value is 0 unless <see cref="SmmuOutcome.Translated"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SmmuOutcome Read(BusAddr address, out ulong value)
    {
        var line = _lines + ((address.Value >> 12) & (Pages - 1));
        if (line->Read == (address.Value & ~0xFF8UL) && _generation == _smmu.Generation)
        {
            value = *(ulong*)(line->Host + (nuint)(address.Value & 0xFFF));
            return SmmuOutcome.Translated;
        }
        value = 0;
        return ReadSlowly(address, out value);
    }

    /// <summary>Writes 8 bytes, aligned to 8.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SmmuOutcome Write(BusAddr address, ulong value)
    {
        var line = _lines + ((address.Value >> 12) & (Pages - 1));
        if (line->Write == (address.Value & ~0xFF8UL) && _generation == _smmu.Generation)
        {
            *(ulong*)(line->Host + (nuint)(address.Value & 0xFFF)) = value;
            return SmmuOutcome.Translated;
        }
        return Transfer(address, MemoryMarshal.AsBytes(new Span<ulong>(ref value)), isWrite: true);
    }

    /// <summary>Reads bytes. Where one page of them cannot be had, those before it were read and the rest is 0.</summary>
    public SmmuOutcome Read(BusAddr address, Span<byte> destination) => Transfer(address, destination, isWrite: false);

    /// <summary>Writes bytes. Where one page of them cannot be had, those before it were written.</summary>
    public SmmuOutcome Write(BusAddr address, ReadOnlySpan<byte> source) =>
        Transfer(address, MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(source), source.Length), isWrite: true);

    /// <summary>Gives its cache back.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        NativeMemory.AlignedFree(_lines);
    }

    /// <summary>The access that waits for software; null where none does.</summary>
    public StalledTransaction? Stalled { get; private set; }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private SmmuOutcome ReadSlowly(BusAddr address, out ulong value)
    {
        value = 0;
        return Transfer(address, MemoryMarshal.AsBytes(new Span<ulong>(ref value)), isWrite: false);
    }

    private SmmuOutcome Transfer(BusAddr address, Span<byte> bytes, bool isWrite)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!isWrite)
            bytes.Clear();
        if (bytes.Length > 0 && (ulong)bytes.Length - 1 > ulong.MaxValue - address.Value)
            return SmmuOutcome.Abort;
        for (var done = 0; done < bytes.Length;)
        {
            var at = address.Value + (ulong)done;
            var part = bytes[done..Math.Min(bytes.Length, done + (int)(0x1000 - (at & 0xFFF)))];
            var page = at & ~0xFFFUL;
            var line = _lines + ((at >> 12) & (Pages - 1));
            if (_generation != _smmu.Generation || (isWrite ? line->Write : line->Read) != page)
            {
                var outcome = Fill(at, isWrite, out var physical);
                if (outcome != SmmuOutcome.Translated)
                    return outcome;
                if ((isWrite ? line->Write : line->Read) != page)
                {
                    // A device, or RAM that does not fill its page.
                    var answer = AccessDirectly(physical, part, isWrite);
                    if (answer != SmmuOutcome.Translated)
                        return answer;
                    done += part.Length;
                    continue;
                }
            }
            var host = new Span<byte>((byte*)line->Host + (at & 0xFFF), part.Length);
            if (isWrite)
                part.CopyTo(host);
            else
                host.CopyTo(part);
            done += part.Length;
        }
        return SmmuOutcome.Translated;
    }

    private SmmuOutcome Fill(ulong address, bool isWrite, out PhysAddr physical)
    {
        var generation = _smmu.Generation;
        if (_generation != generation)
            Forget();
        var result = _smmu.Translate(new SmmuTransaction(StreamId, SubstreamId, address, isWrite ? AccessRights.Write : AccessRights.Read, Privilege));
        Stalled = result.Outcome == SmmuOutcome.Stalled ? result.Stall : null;
        physical = result.Address;
        if (result.Outcome != SmmuOutcome.Translated)
            return result.Outcome;
        // What was invalidated meanwhile is not kept.
        var host = _smmu.Memory.PointerTo(new PhysAddr(result.Address.Value & ~0xFFFUL), 0x1000);
        if (host is null || generation != _smmu.Generation)
            return result.Outcome;
        _generation = generation;
        var page = address & ~0xFFFUL;
        var line = _lines + ((address >> 12) & (Pages - 1));
        if (line->Read != page && line->Write != page)
            *line = new Line { Read = Never, Write = Never };
        line->Host = (nuint)host;
        if (isWrite)
            line->Write = page;
        else
            line->Read = page;
        return result.Outcome;
    }

    private SmmuOutcome AccessDirectly(PhysAddr address, Span<byte> bytes, bool isWrite)
    {
        try
        {
            // One access where it is one to the device, for registers know the difference.
            if (bytes.Length is 1 or 2 or 4 or 8 && address.IsAligned((ulong)bytes.Length))
            {
                AccessOnce(address, bytes, isWrite);
                return SmmuOutcome.Translated;
            }
            for (var i = 0; i < bytes.Length; i++)
                AccessOnce(address + (ulong)i, bytes.Slice(i, 1), isWrite);
            return SmmuOutcome.Translated;
        }
        catch (BusFaultException)
        {
            // Nothing answers behind the SMMU: the device's error response, no event.
            return SmmuOutcome.Abort;
        }
    }

    private void AccessOnce(PhysAddr address, Span<byte> bytes, bool isWrite)
    {
        var memory = _smmu.Memory;
        switch (bytes.Length, isWrite)
        {
            case (1, false): bytes[0] = memory.ReadByte(address); break;
            case (2, false): MemoryMarshal.Write(bytes, memory.ReadUInt16(address)); break;
            case (4, false): MemoryMarshal.Write(bytes, memory.ReadUInt32(address)); break;
            case (8, false): MemoryMarshal.Write(bytes, memory.ReadUInt64(address)); break;
            case (1, true): memory.WriteByte(address, bytes[0]); break;
            case (2, true): memory.WriteUInt16(address, MemoryMarshal.Read<ushort>(bytes)); break;
            case (4, true): memory.WriteUInt32(address, MemoryMarshal.Read<uint>(bytes)); break;
            default: memory.WriteUInt64(address, MemoryMarshal.Read<ulong>(bytes)); break;
        }
    }

    private void Forget()
    {
        for (var i = 0; i < Pages; i++)
            _lines[i] = new Line { Read = Never, Write = Never };
        _generation = _smmu.Generation;
    }
}
