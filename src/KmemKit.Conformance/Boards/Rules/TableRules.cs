using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Conformance.Boards.Subjects;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Boards.Rules;

/// <summary>What holds for the page tables of every board with an MMU.</summary>
internal static class TableRules
{
    private const string Kind = "PageTables";

    public static ImmutableArray<Rule<BoardSubject>> All { get; } =
    [
        new("tables-every-page", Kind, "Every entry of the image maps a page that the kernel's map has, to the same address with the same rights, and every page of the map is there.", EveryPage),
        new("tables-placed", Kind, "The image lies in lowmem, aligned, in memory that nobody else has.", Placed),
        new("tables-walk", Kind, "The reference walker finds every page of the map, and nothing beside it.", Walk),
    ];

    private static void EveryPage(BoardSubject board, Proof proof)
    {
        if (board.Tables is not { } plan)
        {
            proof.HasNothing(NoTables(board));
            return;
        }
        // Entries that continue each other are one run, and so are regions: a block may cover several of them. Both lists rise, and have to be the same.
        var found = Join(new TableSubject(plan, board.Image).Entries().OrderBy(e => e.Virt), proof);
        var wanted = Join(plan.Map.Regions.Select(r => new MappedEntry(r.Virt.Start.Value, r.Phys.Value, r.Virt.End.Last - r.Virt.Start.Value + 1, r.Attributes.Privileged, r.Attributes.User)), new Proof("", "", 0, proof.Budget));
        var (i, j) = (0, 0);
        while ((i < wanted.Count || j < found.Count) && !proof.IsFull)
        {
            if (j >= found.Count || (i < wanted.Count && wanted[i].Last < found[j].Virt))
            {
                var missing = wanted[i++];
                proof.Fail(missing.Virt, $"{NameAt(plan, missing.Virt)} mapped up to 0x{missing.Last:x}", "nothing", PlaceAt(plan, missing.Virt));
                continue;
            }
            if (i >= wanted.Count || found[j].Last < wanted[i].Virt)
            {
                proof.Fail(found[j].Virt, "nothing mapped where the kernel's map has nothing", $"0x{found[j].Phys:x} up to 0x{found[j].Last:x}");
                j++;
                continue;
            }
            var (expected, there) = (wanted[i++], found[j++]);
            proof.Expect(expected == there, expected.Virt, $"{NameAt(plan, expected.Virt)}: {expected}", $"{there}", expected == there ? "" : PlaceAt(plan, expected.Virt));
        }
    }

    private static List<MappedEntry> Join(IEnumerable<MappedEntry> entries, Proof proof)
    {
        var joined = new List<MappedEntry>();
        foreach (var entry in entries)
        {
            proof.Count();
            if (joined.Count > 0 && joined[^1] is var last && last.Last != ulong.MaxValue && last.Last + 1 == entry.Virt && last.Phys + last.Size == entry.Phys
                && last.Privileged == entry.Privileged && last.User == entry.User)
                joined[^1] = last with { Size = last.Size + entry.Size };
            else
                joined.Add(entry);
        }
        return joined;
    }

    private static string NameAt(PageTablePlan plan, ulong virt) => plan.Map.At(new VirtAddr(virt))?.Name ?? "";

    private static string PlaceAt(PageTablePlan plan, ulong virt) => plan.Map.At(new VirtAddr(virt)) is { } region ? BoardSubject.PlaceOf(region.Span) : "";

    private static void Placed(BoardSubject board, Proof proof)
    {
        if (board.Tables is not { } plan)
        {
            proof.HasNothing(NoTables(board));
            return;
        }
        var range = plan.Range;
        proof.Expect(range.Start.IsAligned(plan.Alignment), range.Start.Value, $"the image aligned to 0x{plan.Alignment:x}", $"{range}");
        proof.Expect(board.Layout.Linear.Ram.Any(r => r.Contains(range)), range.Start.Value, "the image in lowmem", $"{range}");
        foreach (var reserved in board.Layout.Reserved)
            proof.Expect(!reserved.Range.Overlaps(range), range.Start.Value, $"the image beside {reserved.Region.Name} {reserved.Range}", $"{range}", BoardSubject.PlaceOf(reserved.Region.Span));
        var behind = plan.Tables.SelectMany(t => t.Entries).Where(e => e.IsTable).Select(e => e.Table).ToList();
        proof.Expect(behind.Distinct().Count() == behind.Count, null, "each table behind one entry", "one behind two");
        proof.Expect(behind.Count + plan.Roots.Length == plan.Tables.Length, null, $"{plan.Tables.Length} tables, each a root or behind an entry", $"{behind.Count + plan.Roots.Length}");
        proof.Expect((ulong)board.Image.Length == plan.Bytes, null, $"0x{plan.Bytes:x} bytes", $"0x{board.Image.Length:x}");
    }

    private static void Walk(BoardSubject board, Proof proof)
    {
        if (board.Tables is not { } plan)
        {
            proof.HasNothing(NoTables(board));
            return;
        }
        var subject = new TableSubject(plan, board.Image);
        var random = proof.NewRandom();
        var page = board.Layout.Pages.PageSize;
        foreach (var region in plan.Map.Regions)
        {
            var place = BoardSubject.PlaceOf(region.Span);
            var pages = ((region.Virt.End.Last - region.Virt.Start.Value) / page) + 1;
            var all = pages <= (ulong)proof.Budget.Samples;
            for (var i = 0UL; i < (all ? pages : (ulong)proof.Budget.Samples) && !proof.IsFull; i++)
            {
                var virt = region.Virt.Start.Value + ((all ? i : i == 0 ? pages - 1 : (ulong)random.NextInt64((long)pages)) * page);
                var phys = region.ToPhys(new VirtAddr(virt)).Value;
                var found = subject.VirtToPhys(virt);
                proof.Expect(found == phys, virt, $"{region.Name} mapped to 0x{phys:x}", found is { } other ? $"0x{other:x}" : "nothing", place);
            }
            foreach (var beside in new[] { unchecked(region.Virt.Start.Value - 1), unchecked(region.Virt.End.Last + 1) })
            {
                var expected = plan.Map.At(new VirtAddr(beside))?.ToPhys(new VirtAddr(beside)).Value;
                var found = subject.VirtToPhys(beside);
                proof.Expect(found == expected, beside, expected is { } phys ? $"0x{phys:x} beside {region.Name}" : $"nothing beside {region.Name}", found is { } other ? $"0x{other:x}" : "nothing", place);
            }
        }
    }

    private static string NoTables(BoardSubject board) =>
        board.Layout.Board.UsesMmu ? "No plan of page tables is possible for the board." : "The board does not use an MMU.";
}
