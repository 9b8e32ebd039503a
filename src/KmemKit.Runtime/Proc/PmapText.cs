using System;
using System.Collections.Generic;
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
        var areas = new List<PmapArea>();
        foreach (var vma in process.Space.Areas)
        {
            var (resident, dirty) = Count(process.Space, vma, pageSize);
            areas.Add(new PmapArea(vma.Range.Start.Value, vma.Range.Size.Value >> 10, resident, dirty, vma.Flags, vma.File?.Path ?? vma.Name));
        }
        return Write(process.Pid, process.Name, areas, is64Bit);
    }

    internal static string Write(int pid, string command, IEnumerable<PmapArea> areas, bool is64Bit)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{pid}:   {command}\n");
        text.Append(is64Bit ? "Address           Kbytes     RSS   Dirty Mode  Mapping\n" : "Address   Kbytes     RSS   Dirty Mode  Mapping\n");
        var (all, resident, dirty) = (0UL, 0UL, 0UL);
        foreach (var area in areas)
        {
            (all, resident, dirty) = (all + area.Kbytes, resident + area.Resident, dirty + area.Dirty);
            Line(text, area, is64Bit);
        }
        text.Append(is64Bit ? "---------------- ------- ------- ------- \n" : "-------- ------- ------- ------- \n");
        text.Append("total kB ").Append(all.ToString(CultureInfo.InvariantCulture).PadLeft(is64Bit ? 15 : 7))
            .Append(CultureInfo.InvariantCulture, $" {resident,7} {dirty,7}\n");
        return text.ToString();
    }

    private static void Line(StringBuilder text, in PmapArea area, bool is64Bit) =>
        text.Append(area.Start.ToString(is64Bit ? "x16" : "x8", CultureInfo.InvariantCulture))
            .Append(CultureInfo.InvariantCulture, $" {area.Kbytes,7} {area.Resident,7} {area.Dirty,7} ")
            .Append((area.Flags & VmFlags.Read) != 0 ? 'r' : '-').Append((area.Flags & VmFlags.Write) != 0 ? 'w' : '-').Append((area.Flags & VmFlags.Exec) != 0 ? 'x' : '-')
            .Append((area.Flags & VmFlags.MayShare) != 0 ? 's' : '-').Append("- ").Append(Shown(area.Name)).Append('\n');

    // The last name of a path; what has none is no file.
    private static string Shown(string? name) => name switch
    {
        { Length: > 0 } when name.Contains('/', StringComparison.Ordinal) => name[(name.LastIndexOf('/') + 1)..],
        "[stack]" => "  [ stack ]",
        _ => "  [ anon ]",
    };

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

/// <summary>What a line of pmap is made of.</summary>
/// <param name="Start">First address.</param>
/// <param name="Kbytes">Its size.</param>
/// <param name="Resident">KiB of it in memory.</param>
/// <param name="Dirty">KiB of that written.</param>
/// <param name="Flags">Rights, and whether it is shared.</param>
/// <param name="Name">Path of the file, or the kernel's word such as <c>[stack]</c>; null or empty for none.</param>
internal readonly record struct PmapArea(ulong Start, ulong Kbytes, ulong Resident, ulong Dirty, VmFlags Flags, string? Name);
