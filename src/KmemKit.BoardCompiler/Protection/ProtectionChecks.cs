using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mpu;

namespace KmemKit.BoardCompiler.Protection;

/// <summary>What makes a policy wrong: in itself, and for the board's memory protection unit.</summary>
internal static class ProtectionChecks
{
    public static void Check(ProtectionPolicy policy, Board board, DeviceTreeNode node, DiagnosticBag diagnostics)
    {
        CheckNesting(policy, diagnostics);
        if (board.Mpu is { } mpu)
            CheckUnit(policy, mpu, node, diagnostics);
        else if (!board.UsesMmu && node.Property("mpu") is null)
            diagnostics.Add(Rules.NoMpu, node.Span, board.Name);
    }

    private static void CheckNesting(ProtectionPolicy policy, DiagnosticBag diagnostics)
    {
        CheckPairs(policy.Entries, [], diagnostics);
        foreach (var domain in policy.Domains)
        {
            CheckPairs(domain.Entries, policy.Entries, diagnostics);
            if (domain.Entries.IsEmpty)
                diagnostics.Add(Rules.EmptyDomain, domain.Span, domain.Name);
        }
    }

    /// <summary>Compares the entries of one scope with each other and with those of the scope around it.</summary>
    private static void CheckPairs(IReadOnlyList<ProtectionEntry> entries, IReadOnlyList<ProtectionEntry> outer, DiagnosticBag diagnostics)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            foreach (var (other, isSameScope) in entries.Take(i).Select(e => (e, true)).Concat(outer.Select(e => (e, false))))
            {
                var entry = entries[i];
                if (!entry.Range.Overlaps(other.Range))
                    continue;
                if (entry.Range == other.Range && isSameScope)
                    Add(Rules.SameRangeTwice, entry, other);
                else if (!entry.Range.Contains(other.Range) && !other.Range.Contains(entry.Range))
                    Add(Rules.PartialOverlap, entry, other);
            }
        }

        void Add(DiagnosticDescriptor rule, ProtectionEntry entry, ProtectionEntry other) => diagnostics.Add(KmemDiagnostic
            .Create(rule, entry.Span, entry.NodePath, entry.Range, other.NodePath, other.Range, MemoryReader.Place(other.Span), entry.Range.Intersect(other.Range))
            .WithRelated("the other entry is here", other.Span));
    }

    private static void CheckUnit(ProtectionPolicy policy, BoardMpu mpu, DeviceTreeNode node, DiagnosticBag diagnostics)
    {
        var format = mpu.Format;
        if (mpu.RegionCount is null && node.Property("regions") is null)
            diagnostics.Add(Rules.RegionCountUnknown, node.Span, format.Name);
        if (policy.PrivilegedBackground && !format.HasPrivilegedBackground)
            diagnostics.Add(Rules.NoBackground, node.Property("privileged-background")!.Span, format.Name);
        foreach (var (entry, isOfDomain) in policy.Entries.Select(e => (e, false)).Concat(policy.Domains.SelectMany(d => d.Entries).Select(e => (e, true))))
            CheckEntry(entry, isOfDomain, policy, format, diagnostics);
    }

    private static void CheckEntry(ProtectionEntry entry, bool isOfDomain, ProtectionPolicy policy, MpuFormat format, DiagnosticBag diagnostics)
    {
        if (entry.Range.End > format.AddressSpace.End.Value)
        {
            diagnostics.Add(Rules.BeyondUnit, entry.Span, entry.NodePath, entry.Range, format.Name, format.AddressBits);
            return;
        }
        if (format.Ungoverned.Overlaps(entry.Range) && !entry.Range.Contains(format.Ungoverned))
            diagnostics.Add(Rules.Ungoverned, entry.Span, entry.NodePath, entry.Range, format.Ungoverned, format.Name);
        var executes = ((entry.Attributes.Privileged | entry.Attributes.User) & AccessRights.Execute) != 0;
        if (executes && format.NeverExecuted.Overlaps(entry.Range))
            diagnostics.Add(Rules.NeverExecuted, entry.Span, entry.NodePath, entry.Range, format.NeverExecuted, format.Name);
        if (!format.HasMemoryTypes && entry.NamesMemoryType)
            diagnostics.Add(Rules.NoMemoryTypes, entry.Span, entry.NodePath, format.Name);
        if (entry.Attributes is { Privileged: 0, User: 0 } && !policy.PrivilegedBackground && format is not PmpFormat)
            return;
        foreach (var space in format.Spaces)
        {
            if (format.CheckAttributes(entry.Attributes, space) is var fault and not MpuFault.None)
            {
                diagnostics.Add(Rules.NotExpressible, entry.Span, entry.NodePath, entry.Attributes, format.Name, Reason(fault));
                return;
            }
        }
        if (isOfDomain && format is PmpFormat && PmpFormat.NeedsLock(entry.Attributes))
            diagnostics.Add(Rules.LockedDomain, entry.Span, entry.NodePath, entry.Attributes.Privileged.ToText());
    }

    private static string Reason(MpuFault fault) => fault switch
    {
        MpuFault.ExecuteNotSeparate => "it has one execute-never bit for both privileges, and who may not read may not execute",
        MpuFault.ExecuteFollowsRead => "what can be read there can be executed",
        MpuFault.MemoryTypeNotAvailable => "it does not have that memory type",
        MpuFault.ShareableNotAvailable => "it cannot mark memory shareable",
        _ => "it has no encoding for these two sets of rights together",
    };
}
