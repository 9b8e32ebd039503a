using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;

namespace KmemKit.QuickStart;

/// <summary>Prints what a board's type knows. It is written once for every board, and compiled once for each.</summary>
internal static class BoardReport
{
    public static void Print<TBoard>(TextWriter output) where TBoard : struct, IMmuBoard<TBoard>
    {
        output.WriteLine($"{TBoard.Model} ({TBoard.Profile})");
        output.WriteLine();
        output.Write(TBoard.BootLog);
        output.WriteLine();
        PrintPhysicalMap<TBoard>(output);
        output.WriteLine();
        PrintSegments<TBoard>(output);
        output.WriteLine();
        PrintTranslations<TBoard>(output);
    }

    private static void PrintPhysicalMap<TBoard>(TextWriter output) where TBoard : struct, IMmuBoard<TBoard>
    {
        var rows = new List<(PhysRange Range, string What)>();
        foreach (var bank in TBoard.Banks)
            rows.Add((bank.Range, bank.IsHighmem ? "highmem" : "lowmem"));
        foreach (var hole in TBoard.Holes)
        {
            rows.Add((hole.Range, hole.Kind switch
            {
                BoardHoleKind.NoMap => "hole, taken by the platform",
                BoardHoleKind.Ignored => "RAM that the kernel ignores",
                _ => "hole, nothing there",
            }));
        }
        rows.Sort((a, b) => a.Range.CompareTo(b.Range));
        output.WriteLine("Physical map:");
        foreach (var (range, what) in rows)
            output.WriteLine($"    {range.Start:x8} - {Limit(range.End)}  {Size(range.Size),9}  {what}");
    }

    private static void PrintSegments<TBoard>(TextWriter output) where TBoard : struct, IMmuBoard<TBoard>
    {
        output.WriteLine("Linear map:");
        foreach (var segment in TBoard.Segments)
            output.WriteLine($"    {segment.Phys:x8} - {Limit(segment.PhysRange.End)}  at  {segment.Virt:x8} - {Limit(segment.VirtRange.End)}");
    }

    // The edges are where maps go wrong: both ends of each bank, and of each hole.
    private static void PrintTranslations<TBoard>(TextWriter output) where TBoard : struct, IMmuBoard<TBoard>
    {
        output.WriteLine("Translations:");
        foreach (var bank in TBoard.Banks)
        {
            PrintTranslation<TBoard>(output, bank.Range.Start);
            PrintTranslation<TBoard>(output, bank.Range.Last);
        }
        foreach (var hole in TBoard.Holes)
            PrintTranslation<TBoard>(output, hole.Range.Start);
        PrintTranslation<TBoard>(output, TBoard.VmallocStart);
    }

    private static void PrintTranslation<TBoard>(TextWriter output, PhysAddr address) where TBoard : struct, IMmuBoard<TBoard>
    {
        if (!TBoard.TryPhysToVirt(address, out var virt))
        {
            output.WriteLine($"    phys {address:x8}  refused: no RAM of the linear map is there");
            return;
        }
        var back = TBoard.VirtToPhys(virt);
        output.WriteLine($"    phys {address:x8}  ->  virt {virt:x8}  ->  phys {back:x8}");
    }

    private static void PrintTranslation<TBoard>(TextWriter output, VirtAddr address) where TBoard : struct, IMmuBoard<TBoard> =>
        output.WriteLine(TBoard.TryVirtToPhys(address, out var phys)
            ? $"    virt {address:x8}  ->  phys {phys:x8}"
            : $"    virt {address:x8}  refused: the linear map does not reach it");

    private static string Limit(AddressLimit limit) => limit.IsTop ? limit.ToString() : "0x" + limit.Value.ToString("x8", CultureInfo.InvariantCulture);

    private static string Size(AddressLimit size) => (size.Value >> 10) switch
    {
        var kib when kib % 1024 == 0 => $"{kib / 1024} MiB",
        var kib => $"{kib} KiB",
    };
}
