using System;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using KmemKit.BoardCompiler.Diagnostics;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary>The README says what the code does: the table of diagnostics it points to is the code's, and the commands and paths it names exist.</summary>
public sealed class ReadmeTests
{
    private const string Header = "| id | severity | rule | what to do |\n|---|---|---|---|\n";

    private static string ReadmePath => Path.Combine(Kmem.Root, "README.md");

    private static string DiagnosticsPath => Path.Combine(Kmem.Root, "src", "KmemKit.BoardCompiler", "Diagnostics", "README.md");

    [Test]
    public void The_table_of_diagnostics_is_the_one_in_the_code()
    {
        var page = File.ReadAllText(DiagnosticsPath);
        var start = page.IndexOf(Header, StringComparison.Ordinal);
        var expected = Table();
        if (Environment.GetEnvironmentVariable("UPDATE_BASELINES") == "1")
            File.WriteAllText(DiagnosticsPath, page[..start] + expected);
        else
            Assert.That(page[start..], Is.EqualTo(expected), "UPDATE_BASELINES=1 writes the table anew");
    }

    [Test]
    public void Ids_are_unique_rise_and_have_the_form_KMK_and_four_digits()
    {
        var ids = DiagnosticTable.All.Select(d => d.Id).ToList();

        Assert.That(ids, Is.Unique);
        Assert.That(ids, Is.Ordered.Using((System.Collections.IComparer)StringComparer.Ordinal));
        Assert.That(ids, Has.All.Match(@"^KMK\d{4}$"));
    }

    [Test]
    public void Every_file_and_folder_it_names_exists()
    {
        var paths = Regex.Matches(File.ReadAllText(ReadmePath), @"(?<![\w/.])(?:src|tests|boards|generators|samples|\.ci)/[\w./-]*\w")
            .Select(m => m.Value).Distinct();

        Assert.That(paths.Where(p => !File.Exists(Path.Combine(Kmem.Root, p)) && !Directory.Exists(Path.Combine(Kmem.Root, p))), Is.Empty);
    }

    [Test]
    public void The_kmem_commands_it_shows_are_understood()
    {
        using var scratch = new Scratch();
        foreach (Match match in Regex.Matches(File.ReadAllText(ReadmePath), @"^kmem (.*?)(?: +#.*)?$", RegexOptions.Multiline))
        {
            // What they write goes to a folder of the test's own.
            var line = match.Groups[1].Value.Replace("board.dtb", scratch["board.dtb"]).Replace("-o out ", "-o " + scratch["out"] + " ");
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .SelectMany(w => w == "boards/*/*" ? Kmem.Boards.Select(b => Path.GetDirectoryName(b)!).Distinct() : [w]);
            var result = Kmem.Run(words.ToArray());

            Assert.That(result.ExitCode, Is.Zero, $"{match.Value}\n{result}");
        }
    }

    private static string Table()
    {
        var text = new StringBuilder(Header);
        foreach (var rule in DiagnosticTable.All)
            text.Append($"| {rule.Id} | {rule.DefaultSeverity.ToString().ToLowerInvariant()} | {Cell(rule.Title)} | {Cell(rule.Help)} |\n");
        return text.ToString();
    }

    // What Markdown would take for its own.
    private static string Cell(string text) => Regex.Replace(text, @"[|<>*_`\\]", @"\$0");
}
