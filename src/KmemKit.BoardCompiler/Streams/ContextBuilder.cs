using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Tables;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>Gathers what the masters of one SMMU are given into contexts, one for each different map, and binds streams to them.</summary>
internal sealed class ContextBuilder(MemoryLayout layout, BoardSmmu smmu, DiagnosticBag diagnostics)
{
    private const int FewestBits = 25;

    private sealed record Draft(StreamTranslation Translation, int GranuleShift, ImmutableArray<MapRegion> Regions)
    {
        public List<string> Masters { get; } = [];

        public List<ReservedIova> Reserved { get; } = [];
    }

    private readonly List<Draft> _drafts = [];
    private readonly List<(StreamBinding Binding, Sources.SourceSpan Span)> _bindings = [];

    /// <summary>Streams with something to reach; an abort is what every other one has.</summary>
    public IEnumerable<StreamBinding> Bindings => _bindings.Select(b => b.Binding).Where(b => b.Translation != StreamTranslation.Abort);

    public void Add(StreamRequest request)
    {
        GrantChecks.CheckPolicy(request, layout, diagnostics);
        var (translation, context) = request.Translation switch
        {
            StreamTranslation.Bypass => (StreamTranslation.Bypass, -1),
            StreamTranslation.Abort => (StreamTranslation.Abort, -1),
            _ => Translated(request),
        };
        foreach (var stream in request.Master.Streams)
        {
            var binding = new StreamBinding(stream, request.Master.Name, translation, context);
            var other = _bindings.FirstOrDefault(b => b.Binding.Stream.Overlaps(stream) && (b.Binding.Context != context || b.Binding.Translation != translation));
            if (other.Binding is { } taken)
            {
                diagnostics.Add(KmemDiagnostic.Create(Rules.StreamTwice, stream.Span, request.Master.Name, taken.Master, $"0x{Math.Max(stream.First, taken.Stream.First):x}", smmu.Name)
                    .WithRelated(taken.Master + " is here", other.Span));
            }
            else if (!_bindings.Any(b => b.Binding.Stream.First == stream.First && b.Binding.Stream.Count == stream.Count && b.Binding.Stream.Mask == stream.Mask))
            {
                _bindings.Add((binding, stream.Span));
            }
        }
    }

    private (StreamTranslation, int) Translated(StreamRequest request)
    {
        var translation = request.Translation;
        if (translation == StreamTranslation.Stage1 && !smmu.HasStage1 && !request.IsExplicit)
            translation = StreamTranslation.Stage2;
        if (translation == StreamTranslation.Stage1 ? !smmu.HasStage1 : !smmu.HasStage2)
            diagnostics.Add(Rules.StageMissing, request.Span, request.Master.Name, translation == StreamTranslation.Stage1 ? "stage 1" : "stage 2", smmu.Name);
        var granule = request.GranuleShift ?? ((int[])[12, 14, 16]).First(smmu.HasGranule);
        if (!smmu.HasGranule(granule))
            diagnostics.Add(Rules.StageMissing, request.Span, request.Master.Name, $"pages of {1 << granule} bytes", smmu.Name);
        GrantChecks.CheckGrants(request, translation, smmu, granule, diagnostics);
        ImmutableArray<MapRegion> regions = [.. request.Grants.OrderBy(g => g.Iova).Select(g => Region(g, request.Master.IsCoherent))];
        var index = _drafts.FindIndex(d => d.Translation == translation && d.GranuleShift == granule && SameMap(d.Regions, regions));
        if (index < 0)
        {
            index = _drafts.Count;
            _drafts.Add(new Draft(translation, granule, regions));
        }
        if (!_drafts[index].Masters.Contains(request.Master.Name))
            _drafts[index].Masters.Add(request.Master.Name);
        _drafts[index].Reserved.AddRange(request.Master.Reserved.Where(r => !_drafts[index].Reserved.Contains(r)));
        return (translation, index);
    }

    private static bool SameMap(ImmutableArray<MapRegion> left, ImmutableArray<MapRegion> right) => left.Length == right.Length
        && Enumerable.Range(0, left.Length).All(i => left[i].Virt == right[i].Virt && left[i].Phys == right[i].Phys && left[i].Attributes == right[i].Attributes);

    private MapRegion Region(DeviceGrant grant, bool isCoherent)
    {
        var (type, shareable) = TypeOf(grant, isCoherent);
        // An access to the last byte of the device's space would have no end in 64 bits; such a grant is refused as beyond the tables.
        return new MapRegion(grant.Name, VirtRange.FromBounds(new VirtAddr(grant.Iova.Value), grant.IovaRange.End), grant.Phys.Start,
            new MpuAttributes(grant.Access, grant.Access, type, shareable), MapRule.Iova)
        {
            Reason = grant.Reason,
            Entry = grant.Name,
            Span = grant.Span,
        };
    }

    // Memory is cacheable for those that keep coherent with the caches, and else not: as the DMA layer of a kernel maps it (IOMMU_CACHE).
    private (MpuMemoryType, bool) TypeOf(DeviceGrant grant, bool isCoherent)
    {
        if (grant.Memory is { } named)
            return (named, true);
        var isMemory = layout.Board.Banks.Any(b => b.Range.Contains(grant.Phys)) || layout.Reserved.Any(r => r.Range.Contains(grant.Phys))
            || layout.Board.Devices.Any(d => d.IsSram && d.Ranges.Any(r => r.Range.Contains(grant.Phys)));
        if (!isMemory)
            return (MpuMemoryType.Device, true);
        return (isCoherent ? MpuMemoryType.NormalWriteBackWriteAllocate : MpuMemoryType.NormalNonCacheable, true);
    }

    /// <summary>The contexts, with tables that start at address 0: their place comes later.</summary>
    public ImmutableArray<StreamContext> Contexts()
    {
        var most = smmu.Version == SmmuVersion.V2 ? smmu.V2.ContextBanks : smmu.V3.Asid16 ? 0xFFFF : 0xFF;
        if (_drafts.Count > most)
            diagnostics.Add(Rules.TooManyContexts, smmu.Span, smmu.Name, _drafts.Count, most);
        if (diagnostics.HasErrors)
            return [];
        var contexts = ImmutableArray.CreateBuilder<StreamContext>();
        foreach (var draft in _drafts)
        {
            var map = new KernelMap { Layout = layout, Style = MapStyle.Flat, Regions = draft.Regions };
            if (PageTablePlanner.PlanPart(map, RegimeOf(draft), PhysAddr.Zero, diagnostics) is not { } tables)
                return [];
            contexts.Add(new StreamContext
            {
                Number = contexts.Count,
                Translation = draft.Translation,
                Masters = [.. draft.Masters],
                Map = map,
                Tables = tables,
                Reserved = [.. draft.Reserved.OrderBy(r => r.Range)],
            });
        }
        return contexts.ToImmutable();
    }

    // As few bits of input as reach everything: fewer levels, fewer bytes, and nothing beyond.
    private TableRegime RegimeOf(Draft draft)
    {
        var bits = FewestBits;
        foreach (var region in draft.Regions)
        {
            while (bits < 48 && region.Virt.End > 1UL << bits)
                bits++;
        }
        var output = smmu.OutputBits;
        TableTree tree = (draft.Translation, draft.GranuleShift) switch
        {
            (StreamTranslation.Stage1, 12) => new("TTB0", new Vmsav8Format<Granule4K>(bits, output)),
            (StreamTranslation.Stage1, 14) => new("TTB0", new Vmsav8Format<Granule16K>(bits, output)),
            (StreamTranslation.Stage1, _) => new("TTB0", new Vmsav8Format<Granule64K>(bits, output)),
            (_, 12) => new("S2TTB", new Vmsav8Stage2Format<Granule4K>(bits, output)),
            (_, 14) => new("S2TTB", new Vmsav8Stage2Format<Granule16K>(bits, output)),
            _ => new("S2TTB", new Vmsav8Stage2Format<Granule64K>(bits, output)),
        };
        return new TableRegime { Name = tree.Format.Name, Trees = [tree] };
    }
}
