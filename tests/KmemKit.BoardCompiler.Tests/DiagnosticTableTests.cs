using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests;

/// <summary>The one table of diagnostics as a whole.</summary>
public class DiagnosticTableTests
{
    // What no board file alone can show: faults of a KmemBoard item or its project (KmemKit.Build.Tests, KmemKit.Generators.Tests, KmemKit.Native.Tests) and of the kit itself.
    private static readonly string[] WithoutABoardOfTheirOwn =
        [
            "KMK0027", "KMK0100", "KMK0101", "KMK0102", "KMK0103", "KMK0104", "KMK0106", "KMK0107", "KMK0108", "KMK0109", "KMK0110", "KMK0111", "KMK0112",
            "KMK0113", "KMK0114", "KMK0120", "KMK0121", "KMK0122", "KMK0199", "KMK4199", "KMK5099", "KMK6099",
        ];

    private static IEnumerable<string> Ids => DiagnosticTable.All.Select(rule => rule.Id);

    [Test]
    public void Ids_are_unique_and_in_order() => Assert.That(Ids, Is.Unique.And.Ordered);

    [Test]
    public void Each_rule_says_what_it_is_and_what_to_do() => Assert.Multiple(() =>
    {
        foreach (var rule in DiagnosticTable.All)
        {
            Assert.That(rule.Id, Does.Match("^KMK[0-9]{4}$"));
            Assert.That(rule.Title, Is.Not.Empty, rule.Id);
            Assert.That(rule.MessageFormat, Is.Not.Empty, rule.Id);
            Assert.That(rule.Help, Is.Not.Empty, rule.Id);
        }
    });

    [Test]
    public void Each_rule_has_a_failing_board_and_a_passing_neighbour()
    {
        var folder = Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "diagnostics");
        var complete = Directory.EnumerateDirectories(folder)
            .Where(f => Directory.EnumerateFiles(f, "bad*").Any() && Directory.EnumerateFiles(f, "good*").Any())
            .Select(f => Path.GetFileName(f)!);
        Assert.That(complete.Concat(WithoutABoardOfTheirOwn), Is.EquivalentTo(Ids));
    }
}
