using System;
using System.Globalization;
using System.Text;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Runtime.Proc;

/// <summary><c>/proc/vmallocinfo</c>: one line for each area of the vmalloc range.</summary>
/// <remarks>Source: mm/vmalloc.c, s_show.</remarks>
public static class VmallocInfo
{
    /// <summary>The text.</summary>
    /// <param name="space">The range.</param>
    /// <param name="is64Bit">Whether a pointer has 16 digits, else 8.</param>
    public static string Write(VmallocSpace space, bool is64Bit)
    {
        ArgumentNullException.ThrowIfNull(space);
        var digits = is64Bit ? "x16" : "x8";
        var text = new StringBuilder();
        foreach (var area in space.Areas)
        {
            text.Append(area.Start.ToString(digits)).Append('-').Append((area.Start + area.Size).ToString(digits))
                .Append(CultureInfo.InvariantCulture, $" {area.Size,7} {area.Caller}");
            if (!area.Pages.IsEmpty)
                text.Append(CultureInfo.InvariantCulture, $" pages={area.Pages.Length << area.PageOrder}");
            if (area.Phys is { } phys)
                text.Append(" phys=").Append(phys.ToString(digits));
            if ((area.Flags & VmAreaFlags.Ioremap) != 0)
                text.Append(" ioremap");
            if ((area.Flags & VmAreaFlags.Alloc) != 0)
                text.Append(" vmalloc");
            if ((area.Flags & VmAreaFlags.Map) != 0)
                text.Append(" vmap");
            text.Append('\n');
        }
        return text.ToString();
    }
}
