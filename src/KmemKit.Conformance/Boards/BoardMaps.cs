using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Conformance.Protections;
using KmemKit.Conformance.Streams;
using KmemKit.Conformance.Translations;

namespace KmemKit.Conformance.Boards;

/// <summary>What a board's translation and protection have to say, made from its banks, segments and policy, without the planners' own tables.</summary>
internal static class BoardMaps
{
    public static TranslationMap Translation(BoardSubject board)
    {
        var layout = board.Layout;
        var pieces = new List<MappedRam>();
        foreach (var bank in layout.Banks.Where(b => b.Kind == BankKind.Lowmem))
        {
            foreach (var segment in layout.Linear.Segments)
            {
                var piece = segment.PhysRange.Intersect(bank.Range);
                if (!piece.IsEmpty)
                    pieces.Add(new MappedRam(piece, segment.Virt + (piece.Start - segment.Phys), BoardSubject.PlaceOf(bank.Span)));
            }
        }
        return new TranslationMap(pieces, 64, layout.Pages.PageSize);
    }

    /// <summary>The RAM of the linear map that the tables map: a protection policy may leave some of it out.</summary>
    public static TranslationMap Tables(BoardSubject board, KernelMap map)
    {
        var pieces = new List<MappedRam>();
        foreach (var ram in board.Map.Ram)
        {
            foreach (var region in map.Regions.Where(r => r.Rule == MapRule.LinearMap))
            {
                var piece = region.PhysRange.Intersect(ram.Phys);
                if (!piece.IsEmpty && region.Virt.Start + (piece.Start - region.Phys) == ram.Virt + (piece.Start - ram.Phys.Start))
                    pieces.Add(new MappedRam(piece, ram.Virt + (piece.Start - ram.Phys.Start), BoardSubject.PlaceOf(region.Span)));
            }
        }
        return new TranslationMap(pieces, 64, board.Layout.Pages.PageSize);
    }

    /// <summary>What the policy grants while a domain runs; null for none.</summary>
    public static ProtectionMap Protection(MpuPlan plan, ProtectionPolicy policy, string? domain)
    {
        var format = plan.Mpu.Format;
        var entries = domain is null ? policy.Entries : policy.Entries.AddRange(policy.DomainOf(domain).Entries);
        return ProtectionMap.Of(
            entries.Select(e => new ProtectionGrant(e.Range, Said(e.Attributes, format), BoardSubject.PlaceOf(e.Span)) { AllowRounding = e.AllowRounding }),
            format.AddressSpace.End.Last,
            address => format.Ungoverned.Contains(new PhysAddr(address)) || policy.PrivilegedBackground ? format.DefaultMap(address) : MpuAttributes.Deny,
            // The default maps of Arm change at multiples of 512 MiB.
            Enumerable.Range(1, 7).Select(i => (ulong)i << 29), format.Ungoverned, format.NeverExecuted,
            policy.Populated is { } populated ? [.. populated] : null);
    }

    private static MpuAttributes Said(MpuAttributes attributes, MpuFormat format) =>
        attributes with { Memory = format.Canonical(attributes, format.Spaces[0]).Memory };

    /// <summary>What the tables grant, by virtual address.</summary>
    public static ProtectionMap Protection(KernelMap map, ulong lastAddress) => ProtectionMap.Of(
        map.Regions.Select(r => new ProtectionGrant(
            PhysRange.FromBounds(new PhysAddr(r.Virt.Start.Value), r.Virt.End), r.Attributes, BoardSubject.PlaceOf(r.Span))), lastAddress);

    /// <summary>What the masters behind an SMMU are given: as tree and policy say it, without contexts and tables. Those that nobody says anything about are given nothing.</summary>
    public static StreamMap Streams(BoardSubject board, SmmuPlan smmu)
    {
        var said = smmu.Requests.Select(r => new StreamMaster(r.Master.Name, r.Master.Streams,
            r.Translation is StreamTranslation.Bypass or StreamTranslation.Abort ? []
                : [.. r.Grants.Where(g => !g.Phys.IsEmpty).Select(g => new StreamGrant(g.Name, g.Iova, g.Phys, g.Access, BoardSubject.PlaceOf(g.Span)))],
            BoardSubject.PlaceOf(r.Span)) { PassesThrough = r.Translation == StreamTranslation.Bypass });
        var silent = smmu.Masters.Select(m => new StreamMaster(m.Name, m.Streams, [], BoardSubject.PlaceOf(m.Span)));
        var page = smmu.Contexts.IsEmpty ? board.Layout.Pages.PageSize : smmu.Contexts.Min(c => 1UL << c.Format.PageShift);
        return new StreamMap(said.Concat(silent), smmu.Smmu.StreamIdBits, page, board.Layout.Banks.Select(b => b.Range));
    }
}
