using System;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Policies;

/// <summary>Bad text gives findings with a place inside the text, and never an exception.</summary>
public class PolicyFuzzTests
{
    private const int Rounds = 3000;
    private const string Noise = "=\"#\\ \t\r\n0xK9MGE@%-+:,yn\0\u00e4\ud83d_";

    [Test]
    public void Any_defconfig_reads_without_an_exception([Values(1, 20261122)] int seed) => Run(seed, random =>
    {
        var text = Mutate(random, Words(random, PolicyVocabulary.All.Select(k => k.Name + "=").Append("# CONFIG_NUMA is not set").ToArray(), "\n"));
        var file = new SourceFile("f", text);
        var result = PolicyReader.Read(new PolicyInput { Defconfig = file, Overrides = [text], Fragments = [new SourceFile("g", text)] });
        foreach (var diagnostic in result.Diagnostics.Where(d => d.Span.IsKnown))
            Assert.That(diagnostic.Span.End, Is.LessThanOrEqualTo(text.Length), diagnostic.ToString());
    });

    [Test]
    public void Any_command_line_reads_without_an_exception([Values(2, 20261122)] int seed) => Run(seed, random =>
    {
        var text = Mutate(random, Words(random, BootArgumentsReader.Names.Select(n => n + "=").ToArray(), " "));
        var byHand = PolicyText.Bootargs(text);
        var inTree = PolicyReader.Read(new PolicyInput { Tree = PolicyText.TreeWithBootargs("\"" + text + "\"", text) });
        if (text.IndexOfAny(['"', '\\', '\0']) < 0 && text.All(c => c < 128))
            Assert.That(inTree.Ids(), Is.EqualTo(byHand.Ids()), text);
        foreach (var diagnostic in inTree.Diagnostics)
            Assert.That(diagnostic.Span.End, Is.LessThanOrEqualTo(diagnostic.Span.File!.Text.Length), text);
    });

    private static void Run(int seed, Action<Random> round)
    {
        for (var i = 0; i < Rounds; i++)
        {
            try
            {
                round(new Random(seed + i));
            }
            catch (Exception e) when (e is not AssertionException)
            {
                Assert.Fail($"seed {seed + i}: {e}");
            }
        }
    }

    private static string Words(Random random, string[] words, string separator)
    {
        var text = new StringBuilder();
        for (var n = random.Next(8); n > 0; n--)
        {
            text.Append(words[random.Next(words.Length)]);
            text.Append(random.Next(4) switch { 0 => "y", 1 => "0x" + random.Next().ToString("x"), 2 => "\"3." + random.Next(20) + "\"", _ => random.Next(999) + "M" });
            text.Append(separator);
        }
        return text.ToString();
    }

    private static string Mutate(Random random, string text)
    {
        var result = new StringBuilder(text);
        for (var n = random.Next(6); n > 0; n--)
        {
            var at = random.Next(result.Length + 1);
            if (random.Next(3) == 0 && at < result.Length)
                result.Remove(at, Math.Min(random.Next(1, 4), result.Length - at));
            else
                result.Insert(at, Noise[random.Next(Noise.Length)]);
        }
        return result.ToString();
    }
}
