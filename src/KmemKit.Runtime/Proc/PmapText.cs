using System;
using System.Globalization;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Processes;

namespace KmemKit.Runtime.Proc;

/// <summary><c>pmap -x &lt;pid&gt;</c>: areas with what of them is in memory and what of that was written.</summary>
/// <remarks>Source: procps, pmap.c. Addresses have the width of the kernel's pointers; a file shows its last name, what is no file <c>[ anon ]</c> or <c>[ stack ]</c>.</remarks>
public static class PmapText
{
    /// <summary>The text.</summary>
    /// <param name="process">The process.</param>
    /// <param name="is64Bit">Whether pointers have 8 bytes.</param>
    /// <param name="pageSize">Bytes of a page.</param>
    public static string Write(Process process, bool is64Bit, ulong pageSize)
    {
        ArgumentNullException.ThrowIfNull(process);
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{process.Pid}:   {process.Name}\n");
        text.Append(is64Bit ? "Address           Kbytes     RSS   Dirty Mode  Mapping\n" : "Address   Kbytes     RSS   Dirty Mode  Mapping\n");
        var (all, allResident, allDirty) = (0UL, 0UL, 0UL);
        foreach (var vma in process.Space.Areas)
        {
            var (resident, dirty) = Count(process.Space, vma, pageSize);
            var kbytes = vma.Range.Size.Value >> 10;
            (all, allResident, allDirty) = (all + kbytes, allResident + resident, allDirty + dirty);
            Line(text, vma.Range.Start.Value, kbytes, resident, dirty, vma.Flags, NameOf(vma), is64Bit);
        }
        text.Append(is64Bit ? "---------------- ------- ------- ------- \n" : "-------- ------- ------- ------- \n");
        text.Append("total kB ").Append(all.ToString(CultureInfo.InvariantCulture).PadLeft(is64Bit ? 15 : 7))
            .Append(CultureInfo.InvariantCulture, $" {allResident,7} {allDirty,7}\n");
        return text.ToString();
    }

    internal static void Line(StringBuilder text, ulong start, ulong kbytes, ulong resident, ulong dirty, VmFlags flags, string name, bool is64Bit)
    {
        text.Append(start.ToString(is64Bit ? "x16" : "x8", CultureInfo.InvariantCulture))
            .Append(CultureInfo.InvariantCulture, $" {kbytes,7} {resident,7} {dirty,7} ")
            .Append((flags & VmFlags.Read) != 0 ? 'r' : '-').Append((flags & VmFlags.Write) != 0 ? 'w' : '-').Append((flags & VmFlags.Exec) != 0 ? 'x' : '-')
            .Append((flags & VmFlags.MayShare) != 0 ? 's' : '-').Append("- ").Append(name).Append('\n');
    }

    private static string NameOf(Vma vma)
    {
        if (vma.File is { } file)
            return file.Path[(file.Path.LastIndexOf('/') + 1)..];
        return vma.Name == "[stack]" ? "  [ stack ]" : "  [ anon ]";
    }

    private static (ulong Resident, ulong Dirty) Count(AddressSpace space, Vma vma, ulong pageSize)
    {
        var (resident, dirty) = (0UL, 0UL);
        var last = vma.Range.Last.Value;
        for (var at = vma.Range.Start.Value; at <= last && space.Tables.TryFindMapped(at, last, out var virt, out _); at = virt.Value + pageSize)
        {
            if (space.IsZeroPage(virt))
                continue;
            resident += pageSize >> 10;
            if ((space.Tables.AttributesAt(virt)!.Value.User & AccessRights.Write) != 0)
                dirty += pageSize >> 10;
        }
        return (resident, dirty);
    }
}
