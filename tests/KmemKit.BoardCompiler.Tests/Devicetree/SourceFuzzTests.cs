using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

/// <summary>
/// Mutated sources: never an exception, never a hang, and a tree exactly where there is no error. KMEMKIT_FUZZ_SEED replays a run,
/// KMEMKIT_FUZZ_ITERATIONS makes it longer.
/// </summary>
[TestFixture]
internal sealed class SourceFuzzTests
{
    private static readonly string[] Snippets =
    [
        "{", "}", "};", ";", "<", ">", "(", ")", "[", "]", "\"", "'", "\\", "/*", "*/", "//", "&", "&{/", "&l", "l:", "/bits/ 64", "/bits/", "/incbin/(\"blob.bin\",",
        "/delete-node/ ", "/delete-property/ ", "/omit-if-no-ref/ ", "/memreserve/ ", "/dts-v1/;", "/plugin/;", "/include/ \"parts/soc.dtsi\"", "\n#include \"parts/soc.dtsi\"\n",
        "\n#define A A B\n", "\n#define F(x,...) #x x##x F(x) __VA_ARGS__\n", "F(1,2)", "F(", "A", "\n#if 1/0\n", "\n#if F(1)\n", "\n#else\n", "\n#elif X\n", "\n#endif\n", "\n#undef A\n", "\n# 9 \"x\"\n",
        "##", "#", "\\\n", "\0", "\uffff", "\ud800", "0x", "18446744073709551616", "08", "'\\x", "\"\\x", "? :", "<<", "-(", "phandle = <1>;", "name = \"x\";", "n@1@2 { };", "-1", "1/0", "__VA_OPT__(", "defined",
    ];

    [Test]
    public void A_mutated_source_gives_a_tree_or_an_error()
    {
        var seed = int.Parse(Environment.GetEnvironmentVariable("KMEMKIT_FUZZ_SEED") ?? "20261", CultureInfo.InvariantCulture);
        var iterations = int.Parse(Environment.GetEnvironmentVariable("KMEMKIT_FUZZ_ITERATIONS") ?? "15000", CultureInfo.InvariantCulture);
        TestContext.Out.WriteLine($"KMEMKIT_FUZZ_SEED={seed} KMEMKIT_FUZZ_ITERATIONS={iterations}");
        var corpus = Directory.GetFiles(SourceFiles.VectorFolder, "*.dts").Order(StringComparer.Ordinal).Select(File.ReadAllText).ToArray();
        var files = SourceFiles.InFolder(SourceFiles.VectorFolder);
        for (var i = 0; i < iterations; i++)
        {
            // Each input has a seed of its own: one that fails is replayed alone.
            var random = new Random(unchecked(seed + i));
            var text = Mutate(corpus[random.Next(corpus.Length)], corpus, random);
            try
            {
                var result = DtsCompiler.Compile(new SourceFile("fuzz.dts", text), files);
                Assert.That(result.Tree is null, Is.EqualTo(result.HasErrors));
                foreach (var diagnostic in result.Diagnostics)
                    Check(diagnostic.Span);
                if (result.Tree is { } tree)
                    Check(tree);
            }
            catch (Exception exception)
            {
                throw new InvalidOperationException($"KMEMKIT_FUZZ_SEED={seed + i} KMEMKIT_FUZZ_ITERATIONS=1\n{text}", exception);
            }
        }
    }

    // Every place is inside its file, every value is what its markers say, and the tree can be written.
    private static void Check(DeviceTree tree)
    {
        foreach (var node in tree.Root.DescendantsAndSelf())
        {
            Check(node.Span);
            foreach (var property in node.Properties)
            {
                Check(property.Span);
                var offset = 0;
                foreach (var marker in property.Markers)
                {
                    Assert.That(marker.Offset, Is.InRange(offset, property.Value.Length));
                    offset = marker.Offset;
                    Check(marker.Span);
                }
            }
        }
        FdtWriter.Write(tree);
    }

    private static void Check(SourceSpan span)
    {
        if (span.File is null)
            return;
        Assert.That(span.Start, Is.InRange(0, span.File.Text.Length));
        Assert.That(span.End, Is.InRange(span.Start, span.File.Text.Length));
        _ = span.ToString();
    }

    private static string Mutate(string source, string[] corpus, Random random)
    {
        var text = new StringBuilder(source);
        for (var n = random.Next(1, 5); n > 0 && text.Length > 2; n--)
        {
            var at = random.Next(text.Length);
            var length = Math.Min(random.Next(1, 30), text.Length - at);
            switch (random.Next(9))
            {
                case 0:
                    text[at] = (char)(text[at] ^ (1 << random.Next(8)));
                    break;
                case 1:
                    text.Remove(at, length);
                    break;
                case 2:
                    text.Insert(random.Next(text.Length), text.ToString(at, length));
                    break;
                case 3:
                    text.Length = at;
                    break;
                case 4:
                    var other = corpus[random.Next(corpus.Length)];
                    text.Insert(at, other.AsSpan(random.Next(other.Length)));
                    break;
                case 5:
                    SwapTokens(text, random);
                    break;
                case 6:
                    var piece = text.ToString(at, length);
                    text.Insert(at, piece, random.Next(2, 40));
                    break;
                default:
                    text.Insert(at, Snippets[random.Next(Snippets.Length)]);
                    break;
            }
        }
        return text.ToString();
    }

    private static void SwapTokens(StringBuilder text, Random random)
    {
        var tokens = text.ToString().Split(' ');
        var (a, b) = (random.Next(tokens.Length), random.Next(tokens.Length));
        (tokens[a], tokens[b]) = (tokens[b], tokens[a]);
        text.Clear().AppendJoin(' ', tokens);
    }
}
