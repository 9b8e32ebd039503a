using System;
using System.Globalization;
using System.Text;
using KmemKit.Runtime.Processes;

namespace KmemKit.Runtime.Proc;

/// <summary><c>/proc/&lt;pid&gt;/maps</c>.</summary>
/// <remarks>
/// Source: fs/proc/task_mmu.c, show_map_vma: addresses of 8 digits or as many as they need, the name at the column that the kernel's own pointers give, 49 or 73; a line without a name
/// ends with the blank behind the inode.
/// </remarks>
public static class ProcMaps
{
    /// <summary>The text.</summary>
    /// <param name="process">The process.</param>
    /// <param name="kernelIs64Bit">Whether the kernel's pointers have 8 bytes; a 32-bit process's have not.</param>
    /// <param name="pageShift">PAGE_SHIFT.</param>
    public static string Write(Process process, bool kernelIs64Bit, int pageShift)
    {
        ArgumentNullException.ThrowIfNull(process);
        var text = new StringBuilder();
        foreach (var vma in process.Space.Areas)
        {
            var (major, minor, inode, offset) = vma.File is { } file ? (file.Major, file.Minor, file.InodeNumber, vma.PageOffset << pageShift) : (0, 0, 0UL, 0UL);
            Line(text, vma.Range.Start.Value, vma.Range.End.Value, vma.Flags, offset, major, minor, inode, vma.File?.Path ?? vma.Name, kernelIs64Bit);
        }
        return text.ToString();
    }

    internal static void Line(
        StringBuilder text, ulong start, ulong end, VmFlags flags, ulong offset, int major, int minor, ulong inode, string name, bool kernelIs64Bit)
    {
        var from = text.Length;
        text.Append(CultureInfo.InvariantCulture, $"{start:x8}-{end:x8} ")
            .Append((flags & VmFlags.Read) != 0 ? 'r' : '-').Append((flags & VmFlags.Write) != 0 ? 'w' : '-').Append((flags & VmFlags.Exec) != 0 ? 'x' : '-')
            .Append((flags & VmFlags.MayShare) != 0 ? 's' : 'p')
            .Append(CultureInfo.InvariantCulture, $" {offset:x8} {major:x2}:{minor:x2} {inode} ");
        if (name.Length != 0)
        {
            // seq_setwidth(m, 25 + sizeof(void *) * 6 - 1), then a blank.
            var width = 25 + ((kernelIs64Bit ? 8 : 4) * 6) - 1;
            text.Append(' ', Math.Max(0, width - (text.Length - from))).Append(' ').Append(name.Replace("\n", "\\012", StringComparison.Ordinal));
        }
        text.Append('\n');
    }
}
