using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers;

namespace KmemKit.BoardCompiler.Compare;

/// <summary>Compares what the kernel makes of two definitions: which memory is lowmem and highmem, and where the virtual ranges lie.</summary>
internal static class LayoutComparer
{
    public static IEnumerable<BoardChange> Compare(MemoryLayout before, MemoryLayout after) =>
        [.. Facts(before, after), .. Memory(before, after, BankKind.Lowmem), .. Memory(before, after, BankKind.Highmem), .. Virtual(before, after)];

    private static IEnumerable<BoardChange> Facts(MemoryLayout before, MemoryLayout after)
    {
        foreach (var (name, old, now) in new[]
        {
            ("profile", before.Profile, after.Profile),
            ("PAGE_OFFSET", before.PageOffset.ToString(), after.PageOffset.ToString()),
            ("PHYS_OFFSET", before.PhysOffset.ToString(), after.PhysOffset.ToString()),
            ("page size", SizeText.Of(before.Pages.PageSize), SizeText.Of(after.Pages.PageSize)),
        })
        {
            if (old != now)
                yield return new BoardChange(ChangeKind.Changed, "layout", name, null, null, $"{old} to {now}");
        }
    }

    // Address by address: what was of the kind and is so no more, and the other way round.
    private static IEnumerable<BoardChange> Memory(MemoryLayout before, MemoryLayout after, BankKind kind)
    {
        var (olds, news) = (before.Banks.Where(b => b.Kind == kind).ToList(), after.Banks.Where(b => b.Kind == kind).ToList());
        var word = LayoutJsonWriter.NameOf(kind);
        foreach (var (range, span) in Without(olds, news))
            yield return new BoardChange(ChangeKind.Lost, word, word, new ChangeSide(range, span), Behind(after, range), SizeText.Of(range.Size));
        foreach (var (range, span) in Without(news, olds))
            yield return new BoardChange(ChangeKind.Gained, word, word, Behind(before, range), new ChangeSide(range, span), SizeText.Of(range.Size));
    }

    // What the other definition has where the range starts.
    private static ChangeSide? Behind(MemoryLayout layout, AddressRange range)
    {
        var start = new PhysAddr(range.Start);
        foreach (var bank in layout.Banks.Where(b => b.Range.Contains(start)))
            return new ChangeSide(new AddressRange(bank.Range.Start.Value, bank.Range.End), bank.Span);
        foreach (var hole in layout.Holes.Where(h => h.Range.Contains(start) && h.Span.IsKnown))
            return new ChangeSide(new AddressRange(hole.Range.Start.Value, hole.Range.End), hole.Span);
        return null;
    }

    private static IEnumerable<(AddressRange Range, SourceSpan Span)> Without(List<LayoutBank> banks, List<LayoutBank> others)
    {
        foreach (var bank in banks)
        {
            AddressLimit at = bank.Range.Start.Value;
            foreach (var other in others.Where(o => o.Range.Overlaps(bank.Range)).OrderBy(o => o.Range))
            {
                if (at < other.Range.Start.Value)
                    yield return (new AddressRange(at.Value, other.Range.Start.Value), bank.Span);
                at = at < other.Range.End ? other.Range.End : at;
            }
            if (at < bank.Range.End)
                yield return (new AddressRange(at.Value, bank.Range.End), bank.Span);
        }
    }

    private static IEnumerable<BoardChange> Virtual(MemoryLayout before, MemoryLayout after)
    {
        var olds = Named(before);
        var news = Named(after);
        foreach (var (key, old) in olds.Select(p => (p.Key, p.Value)))
        {
            if (!news.TryGetValue(key, out var now))
                yield return new BoardChange(ChangeKind.Removed, "virtual", key, Side(old), null, "");
            else if (old.Range != now.Range)
                yield return new BoardChange(BoardComparer.KindOf(Side(old).Range!.Value, Side(now).Range!.Value), "virtual", key, Side(old), Side(now), BoardComparer.Growth(old.Range.Size, now.Range.Size));
        }
        foreach (var (key, now) in news.Where(n => !olds.ContainsKey(n.Key)).Select(p => (p.Key, p.Value)))
            yield return new BoardChange(ChangeKind.Added, "virtual", key, null, Side(now), "");
    }

    private static ChangeSide Side(VirtualRange range) => new(new AddressRange(range.Range.Start.Value, range.Range.End), default);

    // vmalloc and lowmem can be there more than once; they are numbered from the top, as they are printed.
    private static Dictionary<string, VirtualRange> Named(MemoryLayout layout)
    {
        var result = new Dictionary<string, VirtualRange>(System.StringComparer.Ordinal);
        foreach (var range in layout.Virtual)
        {
            var name = range.Name;
            for (var number = 2; result.ContainsKey(name); number++)
                name = $"{range.Name}[{number.ToString(System.Globalization.CultureInfo.InvariantCulture)}]";
            result.Add(name, range);
        }
        return result;
    }
}
