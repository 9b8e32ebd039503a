using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>Stream table and context descriptors: found, checked, and cached until software says otherwise (Arm IHI 0070, 3.3 and 3.21).</summary>
public sealed unsafe partial class SmmuV3
{
    // What CMD_CFGI_* has to invalidate: an entry by stream, a context by stream and substream. Faulty ones are not cached.
    private readonly Dictionary<uint, StreamTableEntry> _entryCache = [];
    private readonly Dictionary<(uint Stream, uint Substream), StreamContext> _contextCache = [];

    // Substream number of a context without stage 1.
    private const uint NoSubstream = uint.MaxValue;

    private StreamContext? FindContext(in SmmuTransaction transaction, out EventRecord fault)
    {
        fault = EventOf(transaction);
        if (!_entryCache.TryGetValue(transaction.StreamId, out var entry))
        {
            if (!FetchEntry(transaction, out entry, ref fault))
                return null;
            _entryCache.Add(transaction.StreamId, entry);
        }
        if (!SelectSubstream(transaction, entry, out var substream, ref fault))
            return null;
        var key = (transaction.StreamId, substream);
        if (_contextCache.TryGetValue(key, out var context))
            return context;
        if (substream == NoSubstream)
            context = new StreamContext(entry, null, Features);
        else if (FetchContext(entry, substream, out var cd, ref fault))
            context = new StreamContext(entry, cd, Features);
        else
            return null;
        _contextCache.Add(key, context);
        return context;
    }

    private bool FetchEntry(in SmmuTransaction transaction, out StreamTableEntry entry, ref EventRecord fault)
    {
        entry = default;
        var stream = transaction.StreamId;
        var log2 = Math.Min((int)(_strtabBaseCfg & 63), Features.StreamIdBits);
        if ((ulong)stream >> log2 != 0)
            return Fault(ref fault, EventType.BadStreamId);
        var split = (int)(_strtabBaseCfg >> 6) & 31;
        var isTwoLevel = (_strtabBaseCfg >> 16 & 3) == 1 && Features.TwoLevelStreamTable && split is 6 or 8 or 10 && log2 > split;
        // The base is aligned to the table: lower bits are ignored (6.3.24).
        var bytes = isTwoLevel ? Math.Max(64, 8UL << (log2 - split)) : 64UL << log2;
        var table = _strtabBase & 0x000F_FFFF_FFFF_FFC0 & ~(bytes - 1);
        ulong address = 0;
        if (isTwoLevel)
        {
            var at = table + ((ulong)(stream >> split) * 8);
            if (!TryReadWords(at, new Span<ulong>(ref address)))
                return Fault(ref fault, EventType.SteFetch, at);
            var descriptor = new StreamTableDescriptor(address);
            var index = stream & ((1u << split) - 1);
            if (!descriptor.IsValid(split) || index >= descriptor.Entries)
                return Fault(ref fault, EventType.BadStreamId);
            address = descriptor.L2Ptr.Value + ((ulong)index * StructureWords.Bytes);
        }
        else
        {
            address = table + ((ulong)stream * StructureWords.Bytes);
        }
        Span<ulong> words = stackalloc ulong[StructureWords.Count];
        if (!TryReadWords(address, words))
            return Fault(ref fault, EventType.SteFetch, address);
        entry = new StreamTableEntry(new StructureWords(words));
        return entry.Check(Features) == SmmuV3Fault.None || Fault(ref fault, EventType.BadSte);
    }

    // 3.9.2.1 and 5.2, S1DSS: what a SubstreamID, or none, means for the stream.
    private static bool SelectSubstream(in SmmuTransaction transaction, in StreamTableEntry entry, out uint substream, ref EventRecord fault)
    {
        substream = NoSubstream;
        if (entry.Config == SteConfig.Abort)
            return true;
        if (!entry.UsesStage1 || entry.SubstreamBits == 0)
        {
            if (transaction.SubstreamId is not null)
                return Fault(ref fault, EventType.BadSubstreamId);
            substream = entry.UsesStage1 ? 0 : NoSubstream;
            return true;
        }
        if (transaction.SubstreamId is { } given)
        {
            if (given >> entry.SubstreamBits != 0)
                return Fault(ref fault, EventType.BadSubstreamId);
            // Descriptor 0 is for transactions without SubstreamID then.
            if (given == 0 && entry.DefaultSubstream == DefaultSubstream.Substream0)
                return Fault(ref fault, EventType.StreamDisabled);
            substream = given;
            return true;
        }
        switch (entry.DefaultSubstream)
        {
            case DefaultSubstream.Terminate:
                return Fault(ref fault, EventType.StreamDisabled);
            case DefaultSubstream.Substream0:
                substream = 0;
                return true;
            default:
                return true;
        }
    }

    private bool FetchContext(in StreamTableEntry entry, uint substream, out ContextDescriptor cd, ref EventRecord fault)
    {
        cd = default;
        var split = entry.SubstreamBits == 0 ? 0 : ContextTableGeometry.SplitBits(entry.ContextFormat);
        var address = entry.ContextTable.Value;
        // A guest's descriptors are where stage 2 says.
        var stage2 = entry.UsesStage2 ? new StreamContext(entry, null, Features) : null;
        if (split != 0)
        {
            var at = address + ((ulong)(substream >> split) * 8);
            if (!ThroughStage2(stage2, ref at, ref fault))
                return false;
            ulong word = 0;
            if (!TryReadWords(at, new Span<ulong>(ref word)))
                return Fault(ref fault, EventType.CdFetch, at);
            var descriptor = new ContextTableDescriptor(word);
            if (!descriptor.IsValid)
                return Fault(ref fault, EventType.BadSubstreamId);
            address = descriptor.L2Ptr.Value + ((ulong)(substream & ((1u << split) - 1)) * StructureWords.Bytes);
        }
        else
        {
            address += (ulong)substream * StructureWords.Bytes;
        }
        if (!ThroughStage2(stage2, ref address, ref fault))
            return false;
        Span<ulong> words = stackalloc ulong[StructureWords.Count];
        if (!TryReadWords(address, words))
            return Fault(ref fault, EventType.CdFetch, address);
        cd = new ContextDescriptor(new StructureWords(words));
        return cd.Check(Features) == SmmuV3Fault.None || Fault(ref fault, EventType.BadCd);
    }

    private bool ThroughStage2(StreamContext? stage2, ref ulong address, ref EventRecord fault)
    {
        if (stage2 is null)
            return true;
        var found = SecondStageOf(stage2).Translate(address, AccessRights.Read, Privilege.Privileged);
        if (found.Cause != FaultCause.None)
        {
            fault = fault with { Type = TypeOf(found.Cause), IsStage2 = true, Class = EventClass.ContextDescriptor, IpaOrFetchAddress = address & ~0xFFFUL };
            return false;
        }
        address = found.Output;
        return true;
    }

    private bool TryReadWords(ulong address, Span<ulong> words)
    {
        var pointer = (ulong*)_memory.PointerTo(new PhysAddr(address), (ulong)words.Length * sizeof(ulong));
        if (pointer is null)
            return false;
        // Each word by itself, as the SMMU's fetches are 64-bit atomic (3.21.3).
        for (var i = 0; i < words.Length; i++)
            words[i] = System.Threading.Volatile.Read(ref pointer[i]);
        return true;
    }

    private static bool Fault(ref EventRecord fault, EventType type, ulong fetched = 0)
    {
        fault = fault with { Type = type, IpaOrFetchAddress = fetched };
        return false;
    }

    // Both caches know streams one by one; ranges are rare.
    private void ForgetStreams(uint first, uint last)
    {
        ForgetAnswers();
        foreach (var stream in Keys(_entryCache.Keys, s => s, first, last))
            _entryCache.Remove(stream);
        foreach (var key in Keys(_contextCache.Keys, k => k.Stream, first, last))
            _contextCache.Remove(key);
    }

    private void ForgetContext(uint stream, uint? substream)
    {
        ForgetAnswers();
        if (substream is { } one)
        {
            _contextCache.Remove((stream, one));
            return;
        }
        foreach (var key in Keys(_contextCache.Keys, k => k.Stream, stream, stream))
            _contextCache.Remove(key);
    }

    private static List<TKey> Keys<TKey>(IEnumerable<TKey> keys, Func<TKey, uint> streamOf, uint first, uint last)
    {
        var found = new List<TKey>();
        foreach (var key in keys)
        {
            if (streamOf(key) >= first && streamOf(key) <= last)
                found.Add(key);
        }
        return found;
    }
}
