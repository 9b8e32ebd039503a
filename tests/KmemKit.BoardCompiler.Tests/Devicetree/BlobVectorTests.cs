using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// tests/vectors/diagnostics/<ID>/bad.dtb.hex breaks that one rule; good.dtb.hex beside it is its nearest neighbour that breaks none.
[TestFixture]
internal sealed class BlobVectorTests
{
    private static string Folder => Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "diagnostics");

    private static IEnumerable<string> Ids => Directory.GetFiles(Folder, "bad.dtb.hex", SearchOption.AllDirectories)
        .Select(path => Path.GetFileName(Path.GetDirectoryName(path)!)).Order(StringComparer.Ordinal);

    [Test]
    public void Every_rule_of_blobs_has_a_failing_blob_and_a_passing_neighbour() =>
        Assert.That(Ids, Is.EqualTo(DiagnosticTable.Blob.Rules.Select(rule => rule.Id)));

    [TestCaseSource(nameof(Ids))]
    public void The_bad_blob_has_this_finding_alone(string id)
    {
        var result = Read(id, "bad");
        Assert.That(result.Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { id }));
        Assert.That(result.Tree is null, Is.EqualTo(result.HasErrors));
    }

    [TestCaseSource(nameof(Ids))]
    public void The_good_neighbour_has_no_finding(string id)
    {
        var result = Read(id, "good");
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That(result.Tree, Is.Not.Null);
    }

    private static KmemKit.BoardCompiler.Devicetree.FrontEndResult Read(string id, string name) =>
        FdtReader.Read(new SourceFile(name + ".dtb", BlobVectors.ReadHex(Path.Combine(Folder, id, name + ".dtb.hex"))));
}
