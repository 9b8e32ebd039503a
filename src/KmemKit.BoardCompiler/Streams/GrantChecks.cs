using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Protection;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>What makes a grant, or a master's streams, wrong.</summary>
internal static class GrantChecks
{
    /// <summary>StreamIDs that the SMMU does not have.</summary>
    public static void CheckStreams(StreamRequest request, BoardSmmu smmu, DiagnosticBag diagnostics)
    {
        foreach (var stream in request.Master.Streams)
        {
            var highest = stream.Last | stream.Mask;
            if (smmu.StreamIdBits < 32 && highest >> smmu.StreamIdBits != 0)
                diagnostics.Add(Rules.StreamBeyondWidth, stream.Span, request.Master.Name, $"0x{highest:x}", smmu.Name, smmu.StreamIdBits);
        }
    }

    /// <summary>Grants against pages, device addresses, reserved windows, sizes, and each other.</summary>
    public static void CheckGrants(StreamRequest request, StreamTranslation translation, BoardSmmu smmu, int granuleShift, DiagnosticBag diagnostics)
    {
        var page = 1UL << granuleShift;
        for (var i = 0; i < request.Grants.Length; i++)
        {
            var grant = request.Grants[i];
            if (!IsAligned(grant.Phys.Start.Value, page) || !IsAligned(grant.Iova.Value, page) || (!grant.Phys.Size.IsTop && !IsAligned(grant.Phys.Size.Value, page)))
            {
                diagnostics.Add(Rules.GrantUnaligned, grant.Span, grant.Name, grant.Phys, grant.Iova, page);
                continue;
            }
            if (translation == StreamTranslation.Stage1 && (grant.Access & AccessRights.Read) == 0)
                diagnostics.Add(Rules.NotExpressible, grant.Span, grant.Name, grant.Access.ToText());
            if (grant.Phys.End > 1UL << smmu.OutputBits)
                diagnostics.Add(Rules.BeyondTables, grant.Span, grant.Name, request.Master.Name, grant.Phys, smmu.OutputBits, smmu.Name);
            else if (InputLimit(smmu, translation) is var bits && grant.IovaRange.End > 1UL << bits)
                diagnostics.Add(Rules.BeyondTables, grant.Span, grant.Name, request.Master.Name, grant.IovaRange, bits, smmu.Name);
            CheckReach(request, grant, diagnostics);
            if (request.Grants.Take(i).FirstOrDefault(g => g.IovaRange.Overlaps(grant.IovaRange)) is { } other)
            {
                diagnostics.Add(KmemDiagnostic.Create(Rules.IovaConflict, grant.Span, grant.Name, grant.IovaRange, other.Name, other.IovaRange, request.Master.Name)
                    .WithRelated("the other is here", other.Span));
            }
        }
    }

    // Stage 2 has no more input than the SMMU has output (Arm IHI 0070, 5.2, S2T0SZ).
    private static int InputLimit(BoardSmmu smmu, StreamTranslation translation) => translation == StreamTranslation.Stage2 ? smmu.OutputBits : 48;

    private static void CheckReach(StreamRequest request, DeviceGrant grant, DiagnosticBag diagnostics)
    {
        var master = request.Master;
        // The doorbell is what the window for message interrupts is free for.
        if (master.Reserved.FirstOrDefault(r => r.Range.Overlaps(grant.IovaRange)) is { } reserved && !(master.Doorbell is { } doorbell && doorbell == grant.Phys))
        {
            diagnostics.Add(KmemDiagnostic.Create(Rules.IovaReserved, grant.Span, grant.Name, master.Name, grant.IovaRange, reserved.Range, reserved.Reason)
                .WithRelated("they are reserved here", reserved.Span));
        }
        if (master.Windows is not { } windows)
            return;
        // Windows side by side let through what crosses from one to the next.
        var at = grant.Iova.Value;
        foreach (var window in windows)
        {
            if (!window.Bus.Contains(new BusAddr(at)))
                continue;
            if (window.Bus.End >= grant.IovaRange.End)
                return;
            at = window.Bus.End.Value;
        }
        diagnostics.Add(Rules.IovaOutOfReach, grant.Span, grant.Name, master.Name, grant.IovaRange);
    }

    /// <summary>Grants against what the processors may do at the same memory.</summary>
    public static void CheckPolicy(StreamRequest request, MemoryLayout layout, DiagnosticBag diagnostics)
    {
        if (layout.Board.Protection is not { } policy)
            return;
        if (request.Translation == StreamTranslation.Bypass)
        {
            CheckBypass(request, layout, policy, diagnostics);
            return;
        }
        foreach (var grant in request.Grants.Where(g => !g.IsExclusive))
        {
            foreach (var piece in Pieces(policy, grant.Phys))
            {
                var allowed = AllowedAt(policy, piece.Start.Value, out var entry);
                if ((grant.Access & ~allowed) == 0)
                    continue;
                diagnostics.Add(KmemDiagnostic.Create(Rules.DeviceBeyondPolicy, grant.Span, request.Master.Name, grant.Name, grant.Access.ToText(), piece,
                    entry?.NodePath ?? "no entry", allowed.ToText()).WithRelated(entry is null ? "the policy is here" : "the entry is here", entry?.Span ?? policy.Span));
                break;
            }
        }
    }

    private static void CheckBypass(StreamRequest request, MemoryLayout layout, ProtectionPolicy policy, DiagnosticBag diagnostics)
    {
        IEnumerable<PhysRange> reach = request.Master.Windows is { } windows
            ? windows.Select(w => Clamp(w)).OfType<PhysRange>()
            : layout.Banks.Select(b => b.Range).Concat(policy.Entries.Select(e => e.Range));
        foreach (var range in reach)
        {
            foreach (var piece in Pieces(policy, range))
            {
                var allowed = AllowedAt(policy, piece.Start.Value, out var entry);
                if ((AccessRights.ReadWrite & ~allowed) == 0 || !layout.Banks.Any(b => b.Range.Overlaps(piece)) && entry is null)
                    continue;
                diagnostics.Add(KmemDiagnostic.Create(Rules.BypassOverPolicy, request.Span, request.Master.Name, piece, entry?.NodePath ?? "no entry", allowed.ToText())
                    .WithRelated(entry is null ? "the policy is here" : "the entry is here", entry?.Span ?? policy.Span));
                return;
            }
        }
    }

    private static PhysRange? Clamp(DmaWindow window)
    {
        var left = ulong.MaxValue - window.Phys.Value;
        return window.Bus.Size.IsTop || window.Bus.Size.Value - 1 > left ? PhysRange.FromBounds(window.Phys, AddressLimit.Top) : new PhysRange(window.Phys, window.Bus.Size);
    }

    /// <summary>What some processor may do there: privileged or not, in whatever domain.</summary>
    private static AccessRights AllowedAt(ProtectionPolicy policy, ulong address, out ProtectionEntry? entry)
    {
        entry = policy.At(address, null);
        var rights = entry is { } e ? e.Attributes.Privileged | e.Attributes.User : policy.PrivilegedBackground ? AccessRights.ReadWrite : AccessRights.None;
        foreach (var domain in policy.Domains)
        {
            if (policy.At(address, domain.Name) is { } own)
                rights |= own.Attributes.Privileged | own.Attributes.User;
        }
        return rights;
    }

    // The range, cut where an entry starts or ends.
    private static IEnumerable<PhysRange> Pieces(ProtectionPolicy policy, PhysRange range)
    {
        var cuts = new SortedSet<ulong> { range.Start.Value };
        foreach (var entry in policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)))
        {
            if (range.Contains(entry.Range.Start))
                cuts.Add(entry.Range.Start.Value);
            if (!entry.Range.End.IsTop && range.Contains(new PhysAddr(entry.Range.End.Value)))
                cuts.Add(entry.Range.End.Value);
        }
        var list = cuts.ToList();
        for (var i = 0; i < list.Count; i++)
            yield return PhysRange.FromBounds(new PhysAddr(list[i]), i + 1 < list.Count ? list[i + 1] : range.End);
    }

    private static bool IsAligned(ulong value, ulong page) => (value & (page - 1)) == 0;
}
