using System;
using System.Globalization;
using System.Text;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memblock;

/// <summary>Prints memblock as the kernel does with <c>memblock=debug</c> (mm/memblock.c, memblock_dump_all).</summary>
public static class MemblockText
{
    /// <summary>The <c>MEMBLOCK configuration:</c> block.</summary>
    public static string Write(Memblock memblock)
    {
        ArgumentNullException.ThrowIfNull(memblock);
        var text = new StringBuilder("MEMBLOCK configuration:\n");
        text.Append(CultureInfo.InvariantCulture, $" memory size = {Number(memblock.Memory.TotalSize)} reserved size = {Number(memblock.Reserved.TotalSize)}\n");
        Write(text, memblock.Memory);
        Write(text, memblock.Reserved);
        return text.ToString();
    }

    private static void Write(StringBuilder text, MemblockRegions regions)
    {
        text.Append(CultureInfo.InvariantCulture, $" {regions.Name}.cnt  = 0x{regions.Count:x}\n");
        for (var i = 0; i < regions.Count; i++)
        {
            var (range, flags, node) = regions[i];
            var onNode = node == Memblock.NoNode ? "" : " on node " + node.ToString(CultureInfo.InvariantCulture);
            text.Append(
                CultureInfo.InvariantCulture,
                $" {regions.Name}[0x{i:x}]\t[0x{range.Start.Value:x16}-0x{range.Last.Value:x16}], {Number(range.Size)} bytes{onNode} flags: 0x{(int)flags:x}\n");
        }
    }

    private static string Number(AddressLimit size) => size.IsTop ? size.ToString() : "0x" + size.Value.ToString("x16", CultureInfo.InvariantCulture);
}
