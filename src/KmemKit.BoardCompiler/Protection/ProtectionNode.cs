using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mpu;

namespace KmemKit.BoardCompiler.Protection;

/// <summary>The spelling of the protection node: where it is, and which properties it and its children have.</summary>
internal static class ProtectionNode
{
    public const string Compatible = "kmemkit,protection";
    private const string DomainPrefix = "domain-";

    private static readonly HashSet<string> s_common = new(StringComparer.Ordinal)
    {
        "compatible", "#address-cells", "#size-cells", "phandle", "linux,phandle", "status", "ranges", "label",
    };

    private static readonly HashSet<string> s_node = new(StringComparer.Ordinal)
    {
        "privileged-background", "optimize-over-unpopulated", "mpu", "regions", "granule", "alloc-ranges",
    };

    private static readonly HashSet<string> s_entry = new(StringComparer.Ordinal)
    {
        "reg", "region", "privileged", "user", "memory-type", "shareable", "allow-rounding", "size", "alignment", "alloc-ranges",
    };

    /// <summary>Whether it is a protection node, enabled or not: what is in it is no device.</summary>
    public static bool Is(DeviceTreeNode node) => node.Property("compatible") is { } compatible && compatible.ReadStrings().Contains(Compatible);

    /// <summary>The one enabled node of that compatible; a second one is a finding.</summary>
    public static DeviceTreeNode? Find(DeviceTreeNode root, DiagnosticBag diagnostics)
    {
        DeviceTreeNode? found = null;
        foreach (var node in root.DescendantsAndSelf())
        {
            if (!Is(node) || !node.IsEnabled())
                continue;
            if (found is null)
                found = node;
            else
                diagnostics.Add(KmemDiagnostic.Create(Rules.SecondPolicy, node.Span, node.Path, found.Path).WithRelated("the first is here", found.Span));
        }
        return found;
    }

    /// <summary>Whether a child is a domain: <c>domain</c>, <c>domain@N</c> or <c>domain-NAME</c>.</summary>
    public static bool IsDomain(DeviceTreeNode node) => node.BaseName == "domain" || node.BaseName.StartsWith(DomainPrefix, StringComparison.Ordinal);

    /// <summary>Whether a child says what bus masters may reach: <c>device</c>, <c>device@N</c> or <c>device-NAME</c> with <c>masters</c>.</summary>
    public static bool IsDevice(DeviceTreeNode node) =>
        (node.BaseName == "device" || node.BaseName.StartsWith("device-", StringComparison.Ordinal)) && node.Property("masters") is not null;

    /// <summary>Whether the node says nothing about the processors: there are device nodes in it, and nothing else.</summary>
    public static bool IsForDevicesOnly(DeviceTreeNode node) =>
        node.Children.Any(IsDevice) && node.Children.All(IsDevice) && node.Properties.All(p => s_common.Contains(p.Name));

    public static string DomainName(DeviceTreeNode node)
    {
        if (node.Property("label").ReadString() is { Length: > 0 } label)
            return label;
        if (node.BaseName.Length > DomainPrefix.Length && node.BaseName.StartsWith(DomainPrefix, StringComparison.Ordinal))
            return node.BaseName.Substring(DomainPrefix.Length);
        return node.Labels.Length > 0 ? node.Labels[0] : node.Name;
    }

    /// <summary>A misspelled property of a policy would take a right away, or give one, without a word: each unknown one is a finding.</summary>
    public static void CheckProperties(DeviceTreeNode node, bool isEntry, DiagnosticBag diagnostics)
    {
        foreach (var property in node.Properties)
        {
            var known = s_common.Contains(property.Name) || (isEntry ? s_entry : s_node).Contains(property.Name);
            // A domain has entries and nothing of its own.
            if (!known || (!isEntry && IsDomain(node) && s_node.Contains(property.Name)))
                diagnostics.Add(Rules.UnknownProperty, property.Span, property.Name, node.Path);
        }
    }
}
