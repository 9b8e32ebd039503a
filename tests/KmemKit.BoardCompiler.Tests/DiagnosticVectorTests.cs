using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests;

// tests/vectors/diagnostics/<ID>: bad*.dts breaks that rule, good*.dts beside it is a near neighbour that does not.
// A stage joins in by adding itself to Stages, and its ids to IsCovered; findings of all stages count. The stages that have
// vectors of another form (blobs, policies, layouts) have a test of their own over the same folders.
[TestFixture]
internal sealed class DiagnosticVectorTests
{
    // What is made of a vector, and all that is found on the way.
    private static readonly Func<string, string, ImmutableArray<KmemDiagnostic>>[] Stages = [CompileSource];

    private static string Folder => Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "diagnostics");

    private static IEnumerable<TestCaseData> Bad => Vectors("bad*.dts");

    private static IEnumerable<TestCaseData> Good => Vectors("good*.dts");

    [TestCaseSource(nameof(Bad))]
    public void The_bad_board_has_this_finding(string id, string file)
    {
        var findings = Findings(id, file);
        Assert.That(findings.Select(d => d.Id), Does.Contain(id), string.Join("\n", findings));
        Assert.That(findings.Where(d => d.Id != id && d.Severity == DiagnosticSeverity.Error), Is.Empty, "it breaks this rule alone");
        Assert.That(findings.Where(d => d.Id == id).All(d => d.Span.IsKnown), "a finding has a place");
    }

    [TestCaseSource(nameof(Good))]
    public void The_good_neighbour_has_no_finding(string id, string file) =>
        Assert.That(Findings(id, file), Is.Empty);

    [Test]
    public void Every_rule_of_devicetree_source_has_a_failing_board_and_a_passing_neighbour()
    {
        foreach (var rule in DiagnosticTable.All.Where(rule => IsCovered(rule.Id)))
        {
            Assert.That(Path.Combine(Folder, rule.Id, "bad.dts"), Does.Exist);
            Assert.That(Path.Combine(Folder, rule.Id, "good.dts"), Does.Exist);
        }
    }

    [Test]
    public void Ids_rise_and_every_rule_says_what_to_do()
    {
        Assert.That(DiagnosticTable.All.Select(rule => rule.Id), Is.Ordered.Using((IComparer<string>)StringComparer.Ordinal).And.Unique);
        Assert.That(DiagnosticTable.All.Where(rule => rule.Help.Length == 0 || rule.Title.Length == 0), Is.Empty);
    }

    private static IEnumerable<TestCaseData> Vectors(string pattern) =>
        Directory.GetFiles(Folder, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(path => (Id: Path.GetFileName(Path.GetDirectoryName(path)!), File: Path.GetFileName(path)))
            .Where(vector => IsCovered(vector.Id)).Select(vector => new TestCaseData(vector.Id, vector.File));

    private static bool IsCovered(string id) => string.CompareOrdinal(id, "KMK1000") >= 0 && string.CompareOrdinal(id, "KMK1500") < 0;

    private static List<KmemDiagnostic> Findings(string id, string file) => [.. Stages.SelectMany(stage => stage(Path.Combine(Folder, id), file))];

    private static ImmutableArray<KmemDiagnostic> CompileSource(string folder, string file) =>
        DtsCompiler.Compile(new SourceFile(file, File.ReadAllText(Path.Combine(folder, file))), SourceFiles.InFolder(folder)).Diagnostics;
}
