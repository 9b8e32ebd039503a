using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree.Blobs;

namespace KmemKit.BoardCompiler.Devicetree.Printing;

/// <summary>Prints a tree as source that compiles back to the same tree: same nodes, properties and bytes in the same order.</summary>
/// <remarks>
/// <para>
/// A tree from source is printed in the form it was written in (labels, references, cells and their width, strings) as far as the bytes bear it out; a tree
/// from a blob as dtc guesses the form. Text depends on the tree alone; lines end in <c>\n</c>; all characters are ASCII, others are escaped.
/// </para>
/// <para>
/// A blob may hold a name that the grammar has no way to write (an empty one, one with a space). Such a node or property is printed as a comment that says
/// what is left out; <see cref="IsExpressible"/> tells beforehand, and reading such a blob gave the warning KMK1525.
/// </para>
/// <para>The boot CPU is no part of source: a compiler takes it from the first cpu node.</para>
/// </remarks>
public static class DtsPrinter
{
    // A line that starts so is for the preprocessor; a backslash in front of the name keeps it from being one, and the grammar skips it.
    private static readonly HashSet<string> Directives = new(StringComparer.Ordinal)
    {
        "#include", "#include_next", "#import", "#define", "#undef", "#if", "#ifdef", "#ifndef", "#elif", "#elifdef", "#elifndef", "#else", "#endif",
        "#error", "#warning", "#line", "#pragma", "#ident", "#sccs", "#assert", "#unassert", "#embed", "#",
    };

    /// <summary>Prints a tree.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="options">Order and references; null for the tree's own order with references.</param>
    /// <returns>The source, with <c>/dts-v1/</c>.</returns>
    public static string Print(DeviceTree tree, DtsPrintOptions? options = null)
    {
        if (tree is null)
            throw new ArgumentNullException(nameof(tree));
        options ??= new DtsPrintOptions();
        var text = new DtsText(Math.Max(16 * 1024, Math.Min(tree.Source.Bytes.Length, 16 << 20) * 3));
        try
        {
            var references = options.References && !tree.Source.IsBinary ? new DtsReferences(tree.Root) : null;
            text.Put("/dts-v1/;\n\n");
            PutReservations(ref text, tree, options.Sort, references is not null);
            PutNodes(ref text, tree.Root, options.Sort, references);
            if (references is not null)
                PutRootLabels(ref text, tree.Root);
            return text.ToString();
        }
        finally
        {
            text.Dispose();
        }
    }

    /// <summary>Whether source can express every name of the tree, so that <see cref="Print"/> leaves nothing in a comment.</summary>
    public static bool IsExpressible(DeviceTree tree)
    {
        if (tree is null)
            throw new ArgumentNullException(nameof(tree));
        return tree.Root.DescendantsAndSelf().All(node =>
            (node.Parent is null || FdtNames.IsExpressible(node.Name)) && node.Properties.All(property => FdtNames.IsExpressible(property.Name)));
    }

    private static void PutReservations(ref DtsText text, DeviceTree tree, bool sort, bool labels)
    {
        IEnumerable<MemoryReservation> reservations = tree.Reservations;
        if (sort)
            reservations = reservations.OrderBy(entry => entry.Address.Value).ThenBy(entry => entry.Size);
        foreach (var reservation in reservations)
        {
            if (labels)
                PutLabels(ref text, reservation.Labels);
            text.Put("/memreserve/ ");
            text.PutHex(reservation.Address.Value);
            text.Put(' ');
            text.PutHex(reservation.Size);
            text.Put(";\n");
        }
        if (!tree.Reservations.IsEmpty)
            text.Put('\n');
    }

    // The grammar has no label in front of the root itself; an extension of the root by path may carry it.
    private static void PutRootLabels(ref DtsText text, DeviceTreeNode root)
    {
        if (root.Labels.IsDefaultOrEmpty)
            return;
        text.Put('\n');
        PutLabels(ref text, root.Labels);
        text.Put("&{/} {\n};\n");
    }

    // Depth first with a stack of its own: a tree may be deeper than the thread's stack allows.
    private static void PutNodes(ref DtsText text, DeviceTreeNode root, bool sort, DtsReferences? references)
    {
        var open = new Stack<(IReadOnlyList<DeviceTreeNode> Children, int Next)>();
        text.Put("/ {\n");
        PutProperties(ref text, root, 1, sort, references);
        open.Push((Ordered(root, sort), 0));
        var blank = root.Properties.Count > 0;
        while (open.Count > 0)
        {
            var (children, next) = open.Pop();
            if (next == children.Count)
            {
                text.Indent(open.Count);
                text.Put("};\n");
                blank = true;
                continue;
            }
            open.Push((children, next + 1));
            if (blank)
                text.Put('\n');
            var node = children[next];
            if (!FdtNames.IsExpressible(node.Name))
            {
                PutLost(ref text, "node", node.Name, open.Count, node.DescendantsAndSelf().Count() - 1 + " subnodes");
                blank = true;
                continue;
            }
            text.Indent(open.Count);
            if (references is not null)
                PutLabels(ref text, node.Labels);
            PutName(ref text, node.Name);
            text.Put(" {\n");
            PutProperties(ref text, node, open.Count + 1, sort, references);
            blank = node.Properties.Count > 0;
            open.Push((Ordered(node, sort), 0));
        }
    }

    private static IReadOnlyList<DeviceTreeNode> Ordered(DeviceTreeNode node, bool sort) =>
        sort && node.Children.Count > 1 ? [.. node.Children.OrderBy(child => child.Name, StringComparer.Ordinal)] : node.Children;

    private static void PutProperties(ref DtsText text, DeviceTreeNode node, int depth, bool sort, DtsReferences? references)
    {
        IReadOnlyList<DeviceTreeProperty> properties = node.Properties;
        if (sort && properties.Count > 1)
            properties = [.. properties.OrderBy(property => property.Name, StringComparer.Ordinal)];
        for (var i = 0; i < properties.Count; i++)
        {
            var property = properties[i];
            if (!FdtNames.IsExpressible(property.Name))
            {
                PutLost(ref text, "property", property.Name, depth, property.Value.Length + " bytes");
                continue;
            }
            text.Indent(depth);
            if (references is not null)
                PutLabels(ref text, property.Labels);
            PutName(ref text, property.Name);
            DtsValuePrinter.Put(ref text, property, references);
            text.Put(";\n");
        }
    }

    private static void PutName(ref DtsText text, string name)
    {
        if (name[0] == '#' && Directives.Contains(name))
            text.Put('\\');
        text.Put(name);
    }

    private static void PutLabels(ref DtsText text, IReadOnlyList<string> labels)
    {
        for (var i = 0; i < labels.Count; i++)
        {
            text.Put(labels[i]);
            text.Put(": ");
        }
    }

    // The quoted name is escaped, its slashes and stars too, so that it cannot end the comment.
    private static void PutLost(ref DtsText text, string kind, string name, int depth, string size)
    {
        text.Indent(depth);
        text.Put("/* Source cannot express the name of the " + kind + " \"");
        text.Put(FdtNames.Quote(name).Replace("*", "\\x2a").Replace("/", "\\x2f"));
        text.Put("\", which is left out with its " + size + ". */\n");
    }
}
