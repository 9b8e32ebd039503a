using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mpu;

namespace KmemKit.BoardCompiler.Protection;

/// <summary>Reads the protection node into a policy, against the board it protects.</summary>
/// <remarks>
/// <code>
/// protection {
///     compatible = "kmemkit,protection";
///     privileged-background;                                     // optional, as are optimize-over-unpopulated, mpu, regions, granule
///     flash { region = &lt;&amp;flash0&gt;; privileged = "rx"; user = "rx"; memory-type = "normal-wt"; };
///     guard { reg = &lt;0x20000000 0x20&gt;; };                         // no rights: a hole
///     domain-sensor { stack { reg = &lt;0x20001000 0x400&gt;; privileged = "rw"; user = "rw"; }; };
///     alloc-ranges = &lt;0x20010000 0x8000&gt;;                       // where entries without an address go, see <see cref="ProtectionPlacer"/>
///     domain-motor { stack { size = &lt;0x400&gt;; alignment = &lt;0x100&gt;; privileged = "rw"; user = "rw"; }; };
/// };
/// </code>
/// <c>reg</c> is in the CPU's physical addresses and in the cells of the protection node, in domains as well. What is not granted is denied. The memory
/// type is, by default, Normal write-back (write-through where the unit has no other) for RAM and SRAM, and shareable Device for all else.
/// </remarks>
internal sealed class ProtectionReader(Board board, DiagnosticBag diagnostics)
{
    internal static readonly (string Name, MpuMemoryType Type)[] MemoryTypes =
    [
        ("strongly-ordered", MpuMemoryType.StronglyOrdered), ("device", MpuMemoryType.Device), ("normal-nc", MpuMemoryType.NormalNonCacheable),
        ("normal-wt", MpuMemoryType.NormalWriteThrough), ("normal-wb", MpuMemoryType.NormalWriteBack),
        ("normal-wbwa", MpuMemoryType.NormalWriteBackWriteAllocate),
    ];

    private readonly NodeReferences _references = new(board.Tree.Root);

    public ProtectionPolicy Read(DeviceTreeNode node)
    {
        ProtectionNode.CheckProperties(node, false, diagnostics);
        var format = CellFormat.Of(node, diagnostics);
        var placer = new ProtectionPlacer(board, node, format, diagnostics);
        var entries = ImmutableArray.CreateBuilder<ProtectionEntry>();
        var domains = ImmutableArray.CreateBuilder<ProtectionDomain>();
        foreach (var child in node.Children.Where(c => c.IsEnabled() && !ProtectionNode.IsDevice(c)))
        {
            if (ProtectionNode.IsDomain(child))
                ReadDomain(child, format, domains, placer);
            else
                ReadEntry(child, format, entries, placer, null, -1);
        }
        var policy = new ProtectionPolicy
        {
            Entries = entries.ToImmutable(),
            Domains = domains.ToImmutable(),
            PrivilegedBackground = node.Property("privileged-background") is not null,
            Populated = node.Property("optimize-over-unpopulated") is null ? null : Populated(),
            Span = node.Span,
        };
        policy = placer.Place(policy);
        ProtectionChecks.Check(policy, board, node, diagnostics);
        return policy;
    }

    private void ReadDomain(DeviceTreeNode node, CellFormat format, ImmutableArray<ProtectionDomain>.Builder domains, ProtectionPlacer placer)
    {
        ProtectionNode.CheckProperties(node, false, diagnostics);
        var entries = ImmutableArray.CreateBuilder<ProtectionEntry>();
        foreach (var child in node.Children.Where(c => c.IsEnabled()))
        {
            if (ProtectionNode.IsDomain(child))
                diagnostics.Add(Rules.NestedDomain, child.Span, child.Path, node.Path);
            else
                ReadEntry(child, format, entries, placer, ProtectionNode.DomainName(node), domains.Count);
        }
        var name = ProtectionNode.DomainName(node);
        if (domains.FirstOrDefault(d => d.Name == name) is { } taken)
            diagnostics.Add(KmemDiagnostic.Create(Rules.DomainNameTaken, node.Span, node.Path, name).WithRelated("the other domain is here", taken.Span));
        else
            domains.Add(new ProtectionDomain(name, entries.ToImmutable(), node.Span));
    }

    private void ReadEntry(
        DeviceTreeNode node, CellFormat format, ImmutableArray<ProtectionEntry>.Builder entries, ProtectionPlacer placer, string? domain, int domainIndex)
    {
        ProtectionNode.CheckProperties(node, true, diagnostics);
        foreach (var child in node.Children)
            diagnostics.Add(Rules.EntryWithChild, child.Span, child.Path, node.Path);
        var request = ProtectionPlacer.Asks(node) ? placer.Read(node, domain) : null;
        if (ProtectionPlacer.Asks(node) && request is null)
            return;
        // Until it has its place it stands at the start of its pool.
        var ranges = request is null ? Ranges(node, format) : [(new PhysRange(request.Pool[0].Start, request.Size), request.Span)];
        var privileged = Rights(node, "privileged");
        var user = Rights(node, "user");
        var type = MemoryType(node);
        if (privileged is null || user is null)
            return;
        foreach (var (range, span) in ranges)
        {
            var (memory, shareable) = type is { } named ? (named, node.Property("shareable") is not null) : DefaultType(node, range);
            if (request is not null)
                placer.Add(domainIndex, entries.Count, request);
            var name = ranges.Count == 1 ? node.Name : $"{node.Name}[{ranges.IndexOf((range, span))}]";
            var attributes = new MpuAttributes(privileged.Value, user.Value, memory, shareable);
            entries.Add(new ProtectionEntry(name, range, attributes, node.Path, span)
            {
                AllowRounding = node.Property("allow-rounding") is not null,
                NamesMemoryType = type is not null,
            });
        }
    }

    private List<(PhysRange Range, SourceSpan Span)> Ranges(DeviceTreeNode node, CellFormat format)
    {
        var ranges = new List<(PhysRange, SourceSpan)>();
        var (reg, region) = (node.Property("reg"), node.Property("region"));
        if ((reg is null) == (region is null))
        {
            diagnostics.Add(Rules.EntryPlace, (reg ?? region)?.Span ?? node.Span, node.Path, reg is null ? "neither reg nor region" : "reg and region");
            return ranges;
        }
        if ((node.Property("size") ?? node.Property("alignment") ?? node.Property("alloc-ranges")) is { } asks)
            diagnostics.Add(Rules.BadPlacement, asks.Span, node.Path, $"{asks.Name} is for an entry without an address, and it has one");
        if (region is not null)
        {
            ReadReferences(node, region, ranges);
            return ranges;
        }
        foreach (var entry in RegEntry.ReadAll(node, reg!, format, diagnostics))
        {
            var range = entry.Address.FitsIn64Bits ? RegEntry.RangeOf(entry.Address.Value, entry.Size) : null;
            if (range is not { IsEmpty: false } good)
                diagnostics.Add(Rules.BadEntryRange, entry.Span, node.Path, entry.AddressText, entry.Size is null || range is null ? "ends beyond 2^64" : "is empty");
            else
                ranges.Add((good, entry.Span));
        }
        return ranges;
    }

    private void ReadReferences(DeviceTreeNode node, DeviceTreeProperty region, List<(PhysRange, SourceSpan)> ranges)
    {
        if (region.Value.Length == 0 || region.Value.Length % sizeof(uint) != 0)
        {
            diagnostics.Add(Rules.BadReference, region.Span, node.Path, "is no list of references");
            return;
        }
        for (var i = 0; i < region.CellCount(); i++)
        {
            var span = region.SpanAt(i * sizeof(uint));
            if (_references.Find(region.Cell(i)) is not { } target)
            {
                diagnostics.Add(Rules.BadReference, span, node.Path, $"names no node (phandle {region.Cell(i)})");
                continue;
            }
            var found = NodeRanges.Of(board, target.Path);
            if (found.Count == 0)
                diagnostics.Add(Rules.BadReference, span, node.Path, $"names {target.Path}, which has no address that the CPU reaches");
            ranges.AddRange(found.Select(range => (range, span)));
        }
    }

    private AccessRights? Rights(DeviceTreeNode node, string name)
    {
        if (node.Property(name) is not { } property)
            return AccessRights.None;
        var texts = property.ReadStrings();
        if (texts.Length <= 1 && AccessRightsText.TryParse(texts.IsEmpty ? "" : texts[0], out var rights))
            return rights;
        diagnostics.Add(Rules.BadRights, property.SpanAt(0), name, node.Path, string.Join("\", \"", texts));
        return null;
    }

    private MpuMemoryType? MemoryType(DeviceTreeNode node)
    {
        if (node.Property("memory-type") is not { } property)
        {
            if (node.Property("shareable") is { } shareable)
                diagnostics.Add(Rules.ShareableWithoutType, shareable.Span, node.Path);
            return null;
        }
        var text = property.ReadString() ?? "";
        var type = MemoryTypes.FirstOrDefault(t => t.Name == text).Type;
        if (type != MpuMemoryType.Unspecified)
            return type;
        diagnostics.Add(Rules.BadMemoryType, property.SpanAt(0), node.Path, text, string.Join(", ", MemoryTypes.Select(t => t.Name)));
        return null;
    }

    private (MpuMemoryType, bool) DefaultType(DeviceTreeNode node, PhysRange range)
    {
        var isMemory = board.Banks.Any(b => b.Range.Contains(range)) || board.Reserved.Any(r => r.Range?.Contains(range) == true)
            || board.Devices.Any(d => d.IsSram && d.Ranges.Any(r => r.Range.Contains(range)));
        if (!isMemory)
            return (MpuMemoryType.Device, true);
        var probe = new MpuAttributes(AccessRights.All, AccessRights.All, MpuMemoryType.NormalWriteBack, false);
        var lacksWriteBack = board.Mpu?.Format is { } format && format.CheckAttributes(probe, format.Spaces[0]) == MpuFault.MemoryTypeNotAvailable;
        return (lacksWriteBack ? MpuMemoryType.NormalWriteThrough : MpuMemoryType.NormalWriteBack, false);
    }

    private ImmutableArray<PhysRange> Populated() =>
    [
        .. board.Banks.Select(b => b.Range)
            .Concat(board.Reserved.Where(r => r.Range is not null).Select(r => r.Range!.Value))
            .Concat(board.Devices.SelectMany(d => d.Ranges).Select(r => r.Range))
            .OrderBy(r => r),
    ];
}
