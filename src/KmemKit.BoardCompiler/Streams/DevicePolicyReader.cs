using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>How the transactions of masters are treated.</summary>
public enum StreamTranslation
{
    /// <summary>Translated by stage 1; by stage 2 where the SMMU has no stage 1.</summary>
    Stage1,

    /// <summary>Translated by stage 2.</summary>
    Stage2,

    /// <summary>Passed through.</summary>
    Bypass,

    /// <summary>Aborted.</summary>
    Abort,
}

/// <summary>A device node of the protection policy: masters that share a context, and what they may reach.</summary>
/// <param name="Name">From <c>device-NAME</c>.</param>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Span">Its name in the source.</param>
internal sealed record DevicePolicy(string Name, string NodePath, SourceSpan Span)
{
    public ImmutableArray<(DeviceTreeNode Node, SourceSpan Span)> Masters { get; init; } = [];

    /// <summary>Requester ids of PCI functions, of each master that is a bridge; empty for all of them.</summary>
    public ImmutableArray<(uint Id, SourceSpan Span)> Requesters { get; init; } = [];

    public StreamTranslation Translation { get; init; }

    /// <summary>Whether the node says the translation itself.</summary>
    public bool IsExplicit { get; init; }

    /// <summary>Log2 of the granule; null for the smallest that the SMMU has.</summary>
    public int? GranuleShift { get; init; }

    /// <summary><c>message-interrupts</c>: the doorbell of its masters is granted.</summary>
    public bool GrantsDoorbell { get; init; }

    public ImmutableArray<DeviceGrant> Grants { get; init; } = [];
}

/// <summary>Reads what bus masters may reach: the device nodes of the protection policy.</summary>
/// <remarks>
/// <code>
/// protection {
///     compatible = "kmemkit,protection";
///     device-edu {
///         masters = &lt;&amp;pcie0&gt;;                    // devices behind an SMMU; they share one context
///         requester-ids = &lt;0x8&gt;;                 // of bridges: which functions; all where it is not there
///         translation = "stage1";                 // or "stage2", "bypass", "abort"
///         granule = &lt;0x1000&gt;;                     // optional, as is message-interrupts
///         ring { reg = &lt;0x0 0x48000000 0x0 0x10000&gt;; access = "rw"; iova = &lt;0x0 0x10000000&gt;; };
///         blob { region = &lt;&amp;firmware&gt;; access = "r"; exclusive; };
///     };
/// };
/// </code>
/// <c>reg</c> is in the processors' physical addresses; without <c>iova</c> the device address is the same. A region that the tree gives a master and that an entry covers is granted
/// as the entry says. A master in no device node has what the tree gives it, and is aborted where that is nothing.
/// </remarks>
internal sealed class DevicePolicyReader(Board board, NodeReferences references, DiagnosticBag diagnostics)
{
    private static readonly string[] s_nodeProperties = ["masters", "requester-ids", "translation", "granule", "message-interrupts", "phandle", "linux,phandle", "status", "label"];
    private static readonly string[] s_grantProperties = ["reg", "region", "access", "iova", "memory-type", "exclusive", "phandle", "linux,phandle", "status", "label"];

    private static readonly (string Name, StreamTranslation Translation)[] s_translations =
        [("stage1", StreamTranslation.Stage1), ("stage2", StreamTranslation.Stage2), ("bypass", StreamTranslation.Bypass), ("abort", StreamTranslation.Abort)];

    public List<DevicePolicy> Read()
    {
        var policies = new List<DevicePolicy>();
        // A second protection node is a finding of the board's already.
        if (ProtectionNode.Find(board.Tree.Root, new DiagnosticBag()) is not { } protection)
            return policies;
        var format = CellFormat.Of(protection, new DiagnosticBag());
        foreach (var node in protection.Children.Where(c => c.IsEnabled() && ProtectionNode.IsDevice(c)))
            policies.Add(ReadNode(node, format));
        return policies;
    }

    private DevicePolicy ReadNode(DeviceTreeNode node, CellFormat format)
    {
        foreach (var property in node.Properties.Where(p => !s_nodeProperties.Contains(p.Name, StringComparer.Ordinal)))
            BadNode(property.Span, node, $"there is no property {property.Name}");
        var policy = new DevicePolicy(NameOf(node), node.Path, node.Span)
        {
            Masters = [.. ReadMasters(node)],
            Requesters = [.. ReadRequesters(node)],
            GrantsDoorbell = node.Property("message-interrupts") is not null,
            Grants = [.. node.Children.Where(c => c.IsEnabled()).SelectMany(c => ReadGrant(c, format))],
        };
        if (node.Property("translation") is { } translation)
        {
            var text = translation.ReadString() ?? "";
            if (s_translations.Any(t => t.Name == text))
                policy = policy with { Translation = s_translations.First(t => t.Name == text).Translation, IsExplicit = true };
            else
                BadNode(translation.SpanAt(0), node, $"\"{text}\" is no translation");
        }
        if (node.Property("granule") is { } granule)
        {
            if (granule.TryReadU32(out var bytes) && bytes is 0x1000 or 0x4000 or 0x10000)
                policy = policy with { GranuleShift = bytes == 0x1000 ? 12 : bytes == 0x4000 ? 14 : 16 };
            else
                BadNode(granule.SpanAt(0), node, "a granule is 0x1000, 0x4000 or 0x10000 bytes");
        }
        if (policy.Translation is StreamTranslation.Bypass or StreamTranslation.Abort && (!policy.Grants.IsEmpty || policy.GrantsDoorbell))
            BadNode(node.Property("translation")!.Span, node, "grants need a translation: bypass reaches everything, and abort nothing");
        return policy;
    }

    private static string NameOf(DeviceTreeNode node) => node.Property("label").ReadString() is { Length: > 0 } label ? label
        : node.BaseName.Length > "device-".Length ? node.BaseName.Substring("device-".Length) : SmmuReader.NameOf(node);

    private IEnumerable<(DeviceTreeNode, SourceSpan)> ReadMasters(DeviceTreeNode node)
    {
        var property = node.Property("masters")!;
        if (property.Value.Length == 0 || property.Value.Length % sizeof(uint) != 0)
            BadNode(property.Span, node, "masters is no list of references");
        for (var cell = 0; cell < property.CellCount(); cell++)
        {
            var span = property.SpanAt(cell * sizeof(uint));
            if (references.Find(property.Cell(cell)) is { } master)
                yield return (master, span);
            else
                BadNode(span, node, $"masters names no node (phandle {property.Cell(cell)})");
        }
    }

    private IEnumerable<(uint, SourceSpan)> ReadRequesters(DeviceTreeNode node)
    {
        if (node.Property("requester-ids") is not { } property)
            yield break;
        if (property.Value.Length == 0 || property.Value.Length % sizeof(uint) != 0)
            BadNode(property.Span, node, "requester-ids is no list of cells");
        for (var cell = 0; cell < property.CellCount(); cell++)
            yield return (property.Cell(cell), property.SpanAt(cell * sizeof(uint)));
    }

    private IEnumerable<DeviceGrant> ReadGrant(DeviceTreeNode node, CellFormat format)
    {
        foreach (var property in node.Properties.Where(p => !s_grantProperties.Contains(p.Name, StringComparer.Ordinal)))
            BadGrant(property.Span, node, $"there is no property {property.Name}");
        foreach (var child in node.Children)
            BadGrant(child.Span, node, "a grant has no nodes in it");
        var access = AccessOf(node);
        var ranges = RangesOf(node, format).ToList();
        BusAddr? iova = null;
        if (node.Property("iova") is { } property1)
        {
            if (property1.CellCount() == format.AddressCells && CellAddress.Read(property1, 0, format.AddressCells) is { FitsIn64Bits: true } address)
                iova = new BusAddr(address.Value);
            else
                BadGrant(property1.SpanAt(0), node, $"iova is an address of {format.AddressCells} cells");
            if (ranges.Count > 1)
                BadGrant(property1.SpanAt(0), node, "iova goes with one range");
        }
        var type = TypeOf(node);
        if (access is not { } rights)
            yield break;
        for (var i = 0; i < ranges.Count; i++)
        {
            var (range, span) = ranges[i];
            var start = iova ?? new BusAddr(range.Start.Value);
            if (!range.Size.IsTop && range.Size.Value - 1 > ulong.MaxValue - start.Value)
            {
                BadGrant(span, node, $"{range.Size} bytes at device address {start} end beyond 2^64");
                continue;
            }
            yield return new DeviceGrant(ranges.Count == 1 ? node.Name : $"{node.Name}[{i}]", range, start, rights, $"the policy, {node.Path}", span)
            {
                Memory = type,
                IsExclusive = node.Property("exclusive") is not null,
            };
        }
    }

    private AccessRights? AccessOf(DeviceTreeNode node)
    {
        var text = node.Property("access").ReadString() ?? "";
        if (AccessRightsText.TryParse(text, out var rights) && rights is AccessRights.Read or AccessRights.Write or AccessRights.ReadWrite)
            return rights;
        BadGrant(node.Property("access")?.SpanAt(0) ?? node.Span, node, $"access is \"r\", \"w\" or \"rw\", and not \"{text}\"");
        return null;
    }

    private MpuMemoryType? TypeOf(DeviceTreeNode node)
    {
        if (node.Property("memory-type") is not { } property)
            return null;
        var text = property.ReadString() ?? "";
        if (ProtectionReader.MemoryTypes.FirstOrDefault(t => t.Name == text).Type is var type and not MpuMemoryType.Unspecified)
            return type;
        BadGrant(property.SpanAt(0), node, $"\"{text}\" is no memory type; {string.Join(", ", ProtectionReader.MemoryTypes.Select(t => t.Name))} are");
        return null;
    }

    private IEnumerable<(PhysRange, SourceSpan)> RangesOf(DeviceTreeNode node, CellFormat format)
    {
        var (reg, region) = (node.Property("reg"), node.Property("region"));
        if ((reg is null) == (region is null))
        {
            BadGrant((reg ?? region)?.Span ?? node.Span, node, reg is null ? "it has neither reg nor region" : "it has reg and region");
            yield break;
        }
        if (region is null)
        {
            foreach (var entry in RegEntry.ReadAll(node, reg!, format, diagnostics))
            {
                if (entry.Address.FitsIn64Bits && RegEntry.RangeOf(entry.Address.Value, entry.Size) is { IsEmpty: false } range)
                    yield return (range, entry.Span);
                else
                    BadGrant(entry.Span, node, $"the range at {entry.AddressText} is empty, or ends beyond 2^64");
            }
            yield break;
        }
        for (var cell = 0; cell < region.CellCount(); cell++)
        {
            var span = region.SpanAt(cell * sizeof(uint));
            var found = references.Find(region.Cell(cell)) is { } target ? NodeRanges.Of(board, target.Path) : [];
            if (found.Count == 0)
                BadGrant(span, node, "region names nothing that has an address");
            foreach (var range in found)
                yield return (range, span);
        }
    }

    private void BadNode(SourceSpan span, DeviceTreeNode node, string why) => diagnostics.Add(Rules.BadDeviceNode, span, node.Path, why);

    private void BadGrant(SourceSpan span, DeviceTreeNode node, string why) => diagnostics.Add(Rules.BadGrant, span, node.Path, why);
}
