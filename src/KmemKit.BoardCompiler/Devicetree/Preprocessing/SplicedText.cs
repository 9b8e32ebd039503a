using System.Collections.Generic;
using System.Text;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>A file with its continued lines joined (C17 5.1.1.2, phase 2), and where each character stood.</summary>
internal sealed class SplicedText
{
    // Offset in the joined text from which on that many characters of the file have been left out.
    private readonly List<(int Start, int Removed)>? _splices;

    public SplicedText(SourceFile file)
    {
        File = file;
        Text = file.Text;
        StringBuilder? joined = null;
        var copied = 0;
        for (var i = Text.IndexOf('\\'); i >= 0; i = Text.IndexOf('\\', i + 1))
        {
            // GNU takes blanks between the backslash and the end of the line for a slip and joins all the same.
            var behind = i + 1;
            while (behind < Text.Length && Scanning.IsHorizontalSpace(Text[behind]))
                behind++;
            if (behind >= Text.Length || Text[behind] != '\n')
                continue;
            joined ??= new StringBuilder(Text.Length);
            _splices ??= [];
            joined.Append(Text, copied, i - copied);
            copied = behind + 1;
            _splices.Add((joined.Length, copied - joined.Length));
            i = behind;
        }
        if (joined is not null)
            Text = joined.Append(Text, copied, Text.Length - copied).ToString();
    }

    public SourceFile File { get; }

    public string Text { get; }

    /// <summary>Where the character at <paramref name="offset"/> stands in the file.</summary>
    public int OriginalOf(int offset)
    {
        var index = SpliceAt(offset);
        return index < 0 ? offset : offset + _splices![index].Removed;
    }

    /// <summary>The first joint behind <paramref name="offset"/>, at most <paramref name="end"/>: up to there the text is one stretch of the file.</summary>
    public int StretchEnd(int offset, int end)
    {
        if (_splices is null)
            return end;
        var next = SpliceAt(offset) + 1;
        return next < _splices.Count && _splices[next].Start < end ? _splices[next].Start : end;
    }

    // The last joint at or in front of the offset, by halving.
    private int SpliceAt(int offset)
    {
        if (_splices is null)
            return -1;
        int low = -1, high = _splices.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >>> 1;
            if (_splices[middle].Start <= offset)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }
}
