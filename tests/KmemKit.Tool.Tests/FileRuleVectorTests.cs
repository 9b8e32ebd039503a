using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary>
/// tests/vectors/diagnostics/&lt;ID&gt;/bad_args breaks that rule, good_args beside it is the nearest call that does not: what is wrong with a file shows on the command line only.
/// </summary>
public sealed class FileRuleVectorTests
{
    // No call is known that breaks KmemKit itself: BadFileTests shows that rule with a verb that throws.
    private static IEnumerable<string> Ids => DiagnosticTable.All.Select(r => r.Id)
        .Where(id => string.CompareOrdinal(id, "KMK0020") >= 0 && string.CompareOrdinal(id, "KMK0040") < 0 && id != DiagnosticTable.Files.InternalError.Id);

    [TestCaseSource(nameof(Ids))]
    public void The_bad_call_has_this_finding_and_no_other(string id)
    {
        var result = Kmem.Run(Arguments(id, "bad_args"));

        Assert.That(result.ExitCode, Is.EqualTo(1), result.ToString());
        Assert.That(result.ErrorLines, Has.Length.EqualTo(1).And.All.Match($@"^\S+\(\d+,\d+\): error {id}: "));
    }

    [TestCaseSource(nameof(Ids))]
    public void The_good_neighbour_has_none(string id)
    {
        var result = Kmem.Run(Arguments(id, "good_args"));

        Assert.That((result.ExitCode, result.Error), Is.EqualTo((0, "")), result.ToString());
    }

    private static string[] Arguments(string id, string file)
    {
        var folder = $"tests/vectors/diagnostics/{id}";
        return File.ReadAllText(Path.Combine(Kmem.Root, folder, file)).Replace("{folder}", folder).Split((char[]?)null, System.StringSplitOptions.RemoveEmptyEntries);
    }
}
