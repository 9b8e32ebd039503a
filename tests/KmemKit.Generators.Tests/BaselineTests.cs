using System;
using System.IO;
using System.Linq;
using KmemKit.Generators.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>
/// The generated code of some boards, kept as files: a change of the generator shows as a change of code that can be read.
/// Set UPDATE_BASELINES=1 to write them anew, and read the difference before it is committed.
/// </summary>
[TestFixture]
internal sealed class BaselineTests
{
    private static string Folder => Path.Combine(BoardFiles.Root, "tests", "KmemKit.Generators.Tests", "Baselines");

    [TestCase("qcom/msm8974-dont-map-hole")]
    [TestCase("pc/pc-pae")]
    [TestCase("qemu/mps2-an385")]
    public void Generated_code_is_the_baseline(string board)
    {
        var project = new GeneratorProject().Repository(board).Run();
        var folder = Path.Combine(Folder, Path.GetFileName(board));
        var files = project.Result.GeneratedSources.ToDictionary(s => s.HintName, s => s.SourceText.ToString());
        Assert.That(files, Has.Count.EqualTo(board == "qemu/mps2-an385" ? 3 : 2), string.Join("\n", project.Result.Diagnostics));
        if (Environment.GetEnvironmentVariable("UPDATE_BASELINES") == "1")
        {
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
            Directory.CreateDirectory(folder);
            foreach (var (name, text) in files)
                File.WriteAllText(Path.Combine(folder, name), text);
        }
        Assert.That(Directory.GetFiles(folder).Select(Path.GetFileName), Is.EquivalentTo(files.Keys));
        foreach (var (name, text) in files)
            Assert.That(text, Is.EqualTo(File.ReadAllText(Path.Combine(folder, name))), name);
    }
}
