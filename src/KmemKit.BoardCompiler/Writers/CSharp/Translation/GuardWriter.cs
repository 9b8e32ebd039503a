using System.Linq;

namespace KmemKit.BoardCompiler.Writers.CSharp.Translation;

/// <summary>Writes the test whether an address is RAM that the linear map reaches.</summary>
/// <remarks>
/// A stretch is tested by one subtraction and one unsigned compare: what lies in front of it wraps to a number larger than its length. Few stretches are
/// tested all, without a branch between them; many by a binary search for the last stretch that starts at or below the address.
/// </remarks>
internal static class GuardWriter
{
    private const int MostStraightRanges = 8;

    public static void Write(SourceWriter w, TranslationDirection direction)
    {
        var ram = direction.Ram;
        w.Doc("summary", $"Whether the linear map reaches RAM at a {direction.ArgumentText}.");
        if (ram.Length is > 0 and <= MostStraightRanges)
        {
            var ranges = ram.Select(range => $"{SourceWriter.Hex(range.First)} to {SourceWriter.Hex(range.Last)}");
            w.Doc("remarks", $"RAM is at {string.Join(", ", ranges)}, both ends included.");
        }
        if (ram.Length <= MostStraightRanges)
            WriteStraight(w, direction);
        else
            WriteSearch(w, direction);
    }

    private static void WriteStraight(SourceWriter w, TranslationDirection direction)
    {
        var ram = direction.Ram;
        w.OpenBlock($"public static bool {direction.Guard}({direction.Argument} address)");
        if (ram.IsEmpty)
        {
            w.Line("_ = address;");
            w.Line("return false;");
        }
        else
        {
            w.OpenBlock("unchecked");
            w.Line("ulong a = address.Value;");
            for (var i = 0; i < ram.Length; i++)
            {
                var lead = i == 0 ? "return " : "    | ";
                var end = i == ram.Length - 1 ? ";" : string.Empty;
                w.Line($"{lead}(a - {SourceWriter.Hex(ram[i].First)}UL <= {SourceWriter.Hex(ram[i].Last - ram[i].First)}UL){end}");
            }
            w.CloseBlock();
        }
        w.CloseBlock();
    }

    private static void WriteSearch(SourceWriter w, TranslationDirection direction)
    {
        w.OpenBlock($"public static bool {direction.Guard}({direction.Argument} address)");
        w.Line("ulong a = address.Value;");
        w.Line($"int at = global::System.MemoryExtensions.BinarySearch({direction.Method}RamFirst, a);");
        w.Line("if (at < 0)");
        w.Line("    at = ~at - 1;");
        w.Line($"return at >= 0 && a <= {direction.Method}RamLast[at];");
        w.CloseBlock();
        w.Line();
        w.Line("// The first address of each stretch of RAM.");
        ScalarTranslationWriter.WriteTable(w, $"private static global::System.ReadOnlySpan<ulong> {direction.Method}RamFirst", direction.Ram.Select(range => range.First), 64);
        w.Line();
        w.Line("// The last address of each stretch of RAM.");
        ScalarTranslationWriter.WriteTable(w, $"private static global::System.ReadOnlySpan<ulong> {direction.Method}RamLast", direction.Ram.Select(range => range.Last), 64);
    }
}
