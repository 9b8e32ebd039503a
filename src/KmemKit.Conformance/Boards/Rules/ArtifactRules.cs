using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml;
using System.Xml.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Boards.Rules;

/// <summary>What holds for the files that are made of every board: each is read back by somebody else than its writer, and says what the board says.</summary>
internal static partial class ArtifactRules
{
    private const string Kind = "Artifacts";

    public static ImmutableArray<Rule<BoardSubject>> All { get; } =
    [
        new("artifact-dts", Kind, "The flattened devicetree source compiles to the same board.", (board, proof) => Compiles(board, proof, "dts")),
        new("artifact-dtb", Kind, "The devicetree blob compiles to the same board.", (board, proof) => Compiles(board, proof, "dtb")),
        new("artifact-json", Kind, "The JSON has the banks, segments, zones and virtual ranges of the board.", Json),
        new("artifact-linker", Kind, "The linker fragment gives programs the free RAM of the board, and no reserved byte of it.", Linker),
        new("artifact-svg", Kind, "The drawing is well-formed, and names every bank and virtual range.", Svg),
        new("artifact-markdown", Kind, "The page for people names every bank.", Markdown),
    ];

    private static string Text(Artifact artifact) => Encoding.UTF8.GetString(artifact.Bytes.AsSpan());

    private static Artifact? Find(BoardSubject board, Proof proof, string suffix)
    {
        var found = board.Artifacts.FirstOrDefault(a => a.FileName.EndsWith(suffix, StringComparison.Ordinal));
        if (found is null)
            proof.HasNothing($"The board has no {suffix}.");
        return found;
    }

    private static void Compiles(BoardSubject board, Proof proof, string kind)
    {
        if (Find(board, proof, ".kmem." + kind) is not { } artifact)
            return;
        var main = kind == "dtb" ? new SourceFile(artifact.FileName, artifact.Bytes.AsMemory()) : new SourceFile(artifact.FileName, Text(artifact));
        var again = BoardPipeline.Compile(board.Input with { Main = main, Provider = null, Name = board.Name });
        if (again.Layout is not { } layout)
        {
            proof.Fail(null, $"{artifact.FileName} to compile", string.Join("; ", again.Diagnostics.Where(d => d.Severity == BoardCompiler.Diagnostics.DiagnosticSeverity.Error)));
            return;
        }
        Same(proof, "bank", board.Layout.Banks.Select(b => (b.Range, b.Kind)), layout.Banks.Select(b => (b.Range, b.Kind)));
        Same(proof, "hole", board.Layout.Holes.Select(h => (h.Range, h.Kind)), layout.Holes.Select(h => (h.Range, h.Kind)));
        Same(proof, "reserved region", board.Layout.Reserved.Select(r => (r.Region.Name, r.Range)), layout.Reserved.Select(r => (r.Region.Name, r.Range)));
        Same(proof, "virtual range", board.Layout.Virtual, layout.Virtual);
        Same(proof, "zone", board.Layout.Zones, layout.Zones);
        Same(proof, "segment", board.Layout.Linear.Segments, layout.Linear.Segments);
        Same(proof, "device", Devices(board.Compilation.Board!), Devices(again.Board!));
    }

    private static IEnumerable<(string, PhysRange)> Devices(Board board) => board.Devices.SelectMany(d => d.Ranges.Select(r => (d.NodePath, r.Range)));

    private static void Same<T>(Proof proof, string what, IEnumerable<T> expected, IEnumerable<T> found)
    {
        var (wanted, got) = (expected.ToList(), found.ToList());
        proof.Expect(wanted.Count == got.Count, null, $"{wanted.Count} of {what}", $"{got.Count}");
        for (var i = 0; i < Math.Min(wanted.Count, got.Count); i++)
            proof.Expect(EqualityComparer<T>.Default.Equals(wanted[i], got[i]), null, $"{what} {i} as {wanted[i]}", $"{got[i]}");
    }

    private static void Json(BoardSubject board, Proof proof)
    {
        if (Find(board, proof, ".layout.json") is not { } artifact)
            return;
        using var json = JsonDocument.Parse(Text(artifact));
        var root = json.RootElement;
        var layout = board.Layout;
        proof.Expect(root.GetProperty("board").GetString() == board.Name, null, board.Name, root.GetProperty("board").GetString() ?? "");
        proof.Expect(Hex(root.GetProperty("page_offset")) == layout.PageOffset.Value, null, $"PAGE_OFFSET {layout.PageOffset}", root.GetProperty("page_offset").GetString() ?? "");
        Same(proof, "bank", layout.Banks.Select(b => (b.Range.Start.Value, b.Range.Size.Wrapped, b.Kind == BankKind.Lowmem ? "lowmem" : "highmem")),
            root.GetProperty("banks").EnumerateArray().Select(b => (Hex(b.GetProperty("start")), Hex(b.GetProperty("size")), b.GetProperty("kind").GetString()!)));
        Same(proof, "segment", layout.Linear.Segments.Select(s => (s.Phys.Value, s.Virt.Value, s.Size)),
            root.GetProperty("linear").EnumerateArray().Select(s => (Hex(s.GetProperty("phys")), Hex(s.GetProperty("virt")), Hex(s.GetProperty("size")))));
        Same(proof, "virtual range", layout.Virtual.Select(v => (v.Name, v.Range.Start.Value, v.Range.End.Wrapped)),
            root.GetProperty("virtual").EnumerateArray().Select(v => (v.GetProperty("name").GetString()!, Hex(v.GetProperty("start")), Hex(v.GetProperty("end")))));
        Same(proof, "zone", layout.Zones.Select(z => (z.Name, z.Start.Number, z.Spanned, z.Present)),
            root.GetProperty("zones").EnumerateArray().Select(z => (z.GetProperty("name").GetString()!, z.GetProperty("start_pfn").GetUInt64(), z.GetProperty("spanned").GetUInt64(), z.GetProperty("present").GetUInt64())));
    }

    // 2^64 is 0x10000000000000000 and wraps to 0 here, as on the other side.
    private static ulong Hex(JsonElement element) => unchecked((ulong)UInt128.Parse(element.GetString()!.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture));

    private static void Linker(BoardSubject board, Proof proof)
    {
        if (Find(board, proof, ".ld") is not { } artifact)
            return;
        var regions = new List<(string Name, PhysRange Range, bool IsRam)>();
        foreach (Match match in MemoryLine().Matches(Text(artifact)))
        {
            var (start, size) = (ulong.Parse(match.Groups["origin"].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture), ulong.Parse(match.Groups["length"].ValueSpan, NumberStyles.HexNumber, CultureInfo.InvariantCulture));
            regions.Add((match.Groups["name"].Value, new PhysRange(new PhysAddr(start), size), match.Groups["attributes"].Value != "!a"));
        }
        proof.Expect(regions.Count > 0, null, "regions in MEMORY", "none");
        var free = regions.Where(r => r.IsRam).ToList();
        foreach (var region in free)
        {
            foreach (var reserved in board.Layout.Reserved.Where(r => !r.Range.IsEmpty))
            {
                proof.Expect(!reserved.Range.Overlaps(region.Range), region.Range.Start.Value, $"nothing of {reserved.Region.Name} {reserved.Range} in {region.Name}", $"{region.Range}", BoardSubject.PlaceOf(reserved.Region.Span));
            }
        }
        // All RAM that a word reaches is a program's or set aside.
        var limit = free.Count > 0 && board.Layout.Board.Architecture is BoardCompiler.Policies.TargetArchitecture.Arm64 or BoardCompiler.Policies.TargetArchitecture.X64 or BoardCompiler.Policies.TargetArchitecture.RiscV64
            ? AddressLimit.Top : 1UL << 32;
        var covered = Ranges.Join(regions.Select(r => r.Range).Concat(board.Layout.Reserved.Select(r => r.Range)));
        foreach (var bank in Ranges.Join(board.Layout.Banks.Select(b => b.Range)).Where(b => b.End <= limit))
            proof.Expect(covered.Any(c => c.Contains(bank)), bank.Start.Value, $"all of RAM {bank} in MEMORY, or reserved", string.Join(" ", regions.Select(r => $"{r.Name} {r.Range}")));
    }

    [GeneratedRegex(@"^\s*(?<name>\w+)\s+\((?<attributes>[^)]*)\)\s*:\s*ORIGIN = 0x(?<origin>[0-9a-fA-F]+), LENGTH = 0x(?<length>[0-9a-fA-F]+)", RegexOptions.Multiline)]
    private static partial Regex MemoryLine();

    private static void Svg(BoardSubject board, Proof proof)
    {
        if (Find(board, proof, ".layout.svg") is not { } artifact)
            return;
        string text;
        try
        {
            text = XDocument.Parse(Text(artifact)).ToString();
        }
        catch (XmlException wrong)
        {
            proof.Fail(null, $"{artifact.FileName} to be well-formed", wrong.Message, $"{artifact.FileName}:{wrong.LineNumber}");
            return;
        }
        foreach (var name in board.Layout.Virtual.Select(v => v.Name).Distinct())
            proof.Expect(text.Contains(name, StringComparison.Ordinal), null, $"{name} in the drawing", "no such text");
        proof.Count();
    }

    private static void Markdown(BoardSubject board, Proof proof)
    {
        if (Find(board, proof, ".layout.md") is not { } artifact)
            return;
        // As it is read: what Markdown would take for a mark is escaped.
        var text = Text(artifact).Replace("\\", "", StringComparison.Ordinal);
        foreach (var bank in board.Layout.Banks)
            proof.Expect(text.Contains($"{bank.Range.Start.Value:x}", StringComparison.OrdinalIgnoreCase), bank.Range.Start.Value, "the bank on the page", "no such address", BoardSubject.PlaceOf(bank.Span));
        proof.Expect(text.Contains(board.Name, StringComparison.Ordinal), null, $"{board.Name} on the page", "no such text");
    }
}
