using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Devicetree.Blobs;

namespace KmemKit.BoardCompiler.Devicetree.Printing;

// Decides whether a reference may be printed as one: only where compiling it again gives the bytes that stand in the value. A label that
// was deleted with its node, or a phandle that was changed behind the front end's back, is printed as what it is: a number or a path.
internal sealed class DtsReferences
{
    private readonly DeviceTreeNode _root;
    private readonly Dictionary<string, DeviceTreeNode?> _labels = new(StringComparer.Ordinal);

    internal DtsReferences(DeviceTreeNode root)
    {
        _root = root;
        foreach (var node in root.DescendantsAndSelf())
        {
            foreach (var label in node.Labels)
                _labels[label] = _labels.ContainsKey(label) ? null : node;
        }
    }

    /// <summary>Whether <c>&amp;text</c> in cells is <paramref name="phandle"/>.</summary>
    internal bool IsPhandleOf(string text, uint phandle)
    {
        var property = Find(text) is { } node ? node.Property("phandle") ?? node.Property("linux,phandle") : null;
        return property is { Value.Length: 4 } && BinaryPrimitives.ReadUInt32BigEndian(property.Value.Span) == phandle;
    }

    /// <summary>Whether <c>&amp;text</c> outside of cells is the string <paramref name="value"/>, which ends in its 0.</summary>
    internal bool IsPathOf(string text, ReadOnlySpan<byte> value)
    {
        if (Find(text)?.Path is not { } path || value.Length != path.Length + 1 || value[path.Length] != 0)
            return false;
        for (var i = 0; i < path.Length; i++)
        {
            if (value[i] != path[i])
                return false;
        }
        return true;
    }

    /// <summary>Puts the reference as source writes it: <c>&amp;label</c> or <c>&amp;{/path}</c>.</summary>
    internal static void Put(ref DtsText text, string reference)
    {
        reference = Trim(reference);
        var isPath = reference.StartsWith("/", StringComparison.Ordinal);
        text.Put(isPath ? "&{" : "&");
        text.Put(reference);
        if (isPath)
            text.Put('}');
    }

    private DeviceTreeNode? Find(string reference)
    {
        reference = Trim(reference);
        if (!reference.StartsWith("/", StringComparison.Ordinal))
            return _labels.TryGetValue(reference, out var labelled) ? labelled : null;
        var node = _root;
        foreach (var name in reference.Split(['/'], StringSplitOptions.RemoveEmptyEntries))
        {
            // A path without unit address is left to the compiler that understood it.
            if (!FdtNames.IsExpressible(name) || node.Child(name) is not { } child)
                return null;
            node = child;
        }
        return node;
    }

    // A marker's text is a label or path; one that still has its source form (&label, {/path}) means the same.
    private static string Trim(string reference)
    {
        if (reference.StartsWith("&", StringComparison.Ordinal))
            reference = reference.Substring(1);
        return reference.StartsWith("{", StringComparison.Ordinal) && reference.EndsWith("}", StringComparison.Ordinal)
            ? reference.Substring(1, reference.Length - 2)
            : reference;
    }
}
