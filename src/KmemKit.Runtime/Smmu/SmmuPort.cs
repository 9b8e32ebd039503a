using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Dma.Ports;

namespace KmemKit.Runtime.Smmu;

/// <summary>How one device's accesses reach memory through an SMMU (a TBU of the hardware): with a small cache of its own of pages that the device may access.</summary>
/// <remarks>
/// <para>The cache answers as long as nothing was invalidated anywhere in the SMMU; then each page is asked for anew, and the SMMU's own caches answer, stale or not. It holds RAM
/// only.</para>
/// <para>Accesses go in order: while one waits for software (<see cref="SmmuOutcome.Stalled"/>), all others do, and the one that waited is made again with its answer.
/// One thread at a time.</para>
/// </remarks>
public sealed unsafe class SmmuPort : IDmaPort, IDisposable
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

    private readonly SystemMmu _smmu;
    private readonly Line* _lines;
    private long _generation;
    private bool _disposed;

    /// <summary>A device's port.</summary>
    /// <param name="smmu">The SMMU.</param>
    /// <param name="streamId">The device's StreamID.</param>
    /// <param name="substreamId">Substream of its accesses; null for none.</param>
    public SmmuPort(SystemMmu smmu, uint streamId, uint? substreamId = null)
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

    /// <summary>The access that waits for software; null where none does.</summary>
    public StalledTransaction? Stalled { get; private set; }

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
        return Transfer(address, MemoryMarshal.AsBytes(new Span<ulong>(ref value)), isWrite: true, out _);
    }

    /// <summary>Reads bytes. Where one page of them cannot be had, those before it were read and the rest is 0.</summary>
    public SmmuOutcome Read(BusAddr address, Span<byte> destination) => Transfer(address, destination, isWrite: false, out _);

    /// <summary>Writes bytes. Where one page of them cannot be had, those before it were written.</summary>
    public SmmuOutcome Write(BusAddr address, ReadOnlySpan<byte> source) => Write(address, source, out _);

    /// <inheritdoc/>
    public SmmuOutcome Read(BusAddr address, Span<byte> destination, out int done) => Transfer(address, destination, isWrite: false, out done);

    /// <inheritdoc/>
    public SmmuOutcome Write(BusAddr address, ReadOnlySpan<byte> source, out int done) =>
        Transfer(address, MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(source), source.Length), isWrite: true, out done);

    /// <summary>Gives its cache back.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        NativeMemory.AlignedFree(_lines);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private SmmuOutcome ReadSlowly(BusAddr address, out ulong value)
    {
        value = 0;
        return Transfer(address, MemoryMarshal.AsBytes(new Span<ulong>(ref value)), isWrite: false, out _);
    }

    private SmmuOutcome Transfer(BusAddr address, Span<byte> bytes, bool isWrite, out int done)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        done = 0;
        if (bytes.Length > 0 && (ulong)bytes.Length - 1 > ulong.MaxValue - address.Value)
            return End(SmmuOutcome.Abort, bytes, isWrite);
        if (Stalled is { Result: null })
            return End(SmmuOutcome.Stalled, bytes, isWrite);
        var whole = SmmuOutcome.Translated;
        while (done < bytes.Length)
        {
            var at = address.Value + (ulong)done;
            var part = bytes[done..Math.Min(bytes.Length, done + (int)(0x1000 - (at & 0xFFF)))];
            var page = at & ~0xFFFUL;
            var line = _lines + ((at >> 12) & (Pages - 1));
            var outcome = SmmuOutcome.Translated;
            if (_generation != _smmu.Generation || (isWrite ? line->Write : line->Read) != page)
            {
                outcome = Fill(at, isWrite, out var physical);
                // A device, or RAM that does not fill its page.
                if (outcome == SmmuOutcome.Translated && (_generation != _smmu.Generation || (isWrite ? line->Write : line->Read) != page))
                {
                    outcome = BusAccess.Transfer(_smmu.Memory, physical, part, isWrite);
                    if (outcome != SmmuOutcome.Translated)
                        return End(outcome, bytes[done..], isWrite);
                    done += part.Length;
                    continue;
                }
            }
            switch (outcome)
            {
                case SmmuOutcome.Translated:
                    var host = new Span<byte>((byte*)line->Host + (at & 0xFFF), part.Length);
                    if (isWrite)
                        part.CopyTo(host);
                    else
                        host.CopyTo(part);
                    break;
                case SmmuOutcome.ReadZeroWriteIgnored:
                    // The device saw no error: it goes on with the next page.
                    whole = End(outcome, part, isWrite);
                    break;
                default:
                    return End(outcome, bytes[done..], isWrite);
            }
            done += part.Length;
        }
        return whole;
    }

    // What was not read is 0.
    private static SmmuOutcome End(SmmuOutcome outcome, Span<byte> rest, bool isWrite)
    {
        if (!isWrite)
            rest.Clear();
        return outcome;
    }

    private SmmuOutcome Fill(ulong address, bool isWrite, out PhysAddr physical)
    {
        var generation = _smmu.Generation;
        if (_generation != generation)
            Forget();
        var result = Ask(address, isWrite);
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

    // The SMMU's answer. The access that waited is asked for again when it may go on: what was invalidated since software said so must not be reached by it.
    private SmmuResult Ask(ulong address, bool isWrite)
    {
        var waited = Stalled;
        Stalled = null;
        if (waited is { Result: { Outcome: not SmmuOutcome.Translated } end } && waited.Transaction.Address >> 12 == address >> 12
            && (waited.Transaction.Access == AccessRights.Write) == isWrite)
        {
            return end;
        }
        var access = isWrite ? AccessRights.Write : AccessRights.Read;
        var result = _smmu.Translate(new SmmuTransaction(StreamId, SubstreamId, address, access, Privilege));
        Stalled = result.Outcome == SmmuOutcome.Stalled ? result.Stall : null;
        return result;
    }

    private void Forget()
    {
        for (var i = 0; i < Pages; i++)
            _lines[i] = new Line { Read = Never, Write = Never };
        _generation = _smmu.Generation;
    }
}
