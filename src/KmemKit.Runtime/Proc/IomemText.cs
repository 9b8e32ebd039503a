using System;
using System.Globalization;
using System.Text;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Proc;

/// <summary>Prints <c>/proc/iomem</c> (kernel/resource.c, r_show).</summary>
public static class IomemText
{
    // MAX_IORES_LEVEL: deeper resources are not indented further.
    private const int MaxLevel = 5;

    /// <summary>One line per resource, two blanks per level, both ends inclusive and of 8 digits or more.</summary>
    public static string Write(ResourceTree tree)
    {
        ArgumentNullException.ThrowIfNull(tree);
        var text = new StringBuilder();
        foreach (var child in tree.Root.Children)
            Write(text, child, 0);
        return text.ToString();
    }

    private static void Write(StringBuilder text, Resource resource, int level)
    {
        text.Append(' ', 2 * Math.Min(level, MaxLevel))
            .Append(CultureInfo.InvariantCulture, $"{resource.Range.Start.Value:x8}-{resource.Range.Last.Value:x8} : {resource.Name}\n");
        foreach (var child in resource.Children)
            Write(text, child, level + 1);
    }
}
