using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.Tool.Commands;
using KmemKit.Tool.Input;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary><c>kmem emit</c>: the files, what stays untouched, and what is refused.</summary>
public sealed class EmitVerbTests
{
    [TestCaseSource(typeof(Kmem), nameof(Kmem.Boards))]
    public void It_writes_the_bytes_of_the_set_and_nothing_else(string board)
    {
        using var scratch = new Scratch();
        var compilation = BoardLoader.Compile(new BoardRequest(Path.Combine(Kmem.Root, board), new Settings([], null, false, [])), new DiagnosticBag()).Compilation!;

        var result = Kmem.Run("emit", board, "-o", scratch["out"]);

        var expected = ArtifactSet.Write(compilation);
        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(Directory.GetFiles(scratch["out"]).Select(Path.GetFileName), Is.EquivalentTo(expected.Select(a => a.FileName)));
        foreach (var artifact in expected)
            Assert.That(File.ReadAllBytes(Path.Combine(scratch["out"], artifact.FileName)), Is.EqualTo(artifact.Bytes), artifact.FileName);
        Assert.That(result.OutputLines, Is.EqualTo(expected.Select(a => Path.Combine(scratch["out"], a.FileName))));
    }

    [Test]
    public void A_second_run_touches_no_file_and_a_changed_board_only_those_that_differ()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("b/b.dts", Scratch.GoodBoard);
        Kmem.Run("emit", board, "-o", scratch["out"]);
        foreach (var file in Directory.GetFiles(scratch["out"]))
            File.SetLastWriteTimeUtc(file, new DateTime(2001, 1, 1));

        var again = Kmem.Run("emit", "--json", board, "-o", scratch["out"]).Json.Single();
        scratch.Write("b/b.dts", Scratch.GoodBoard.Replace("test,board", "test,other", StringComparison.Ordinal));
        var changed = Kmem.Run("emit", "--json", board, "-o", scratch["out"]).Json.Single();

        Assert.That(again.GetProperty("files").EnumerateArray().Select(f => f.GetProperty("changed").GetBoolean()), Is.All.False);
        Assert.That(Changed(changed), Is.EquivalentTo(new[] { "dts", "dtb" }));
        Assert.That(Directory.GetFiles(scratch["out"]).Where(f => File.GetLastWriteTimeUtc(f).Year != 2001).Select(Path.GetFileName), Is.EquivalentTo(new[] { "b.kmem.dts", "b.kmem.dtb" }));

        static string[] Changed(JsonElement json) =>
            [.. json.GetProperty("files").EnumerateArray().Where(f => f.GetProperty("changed").GetBoolean()).Select(f => f.GetProperty("kind").GetString()!)];
    }

    [Test]
    public void Kinds_can_be_chosen_and_a_wrong_one_is_wrong_usage()
    {
        using var scratch = new Scratch();
        var result = Kmem.Run("emit", "boards/seed/ex1", "-o", scratch["out"], "--only", "svg", "--only", "c");
        var wrong = Kmem.Run("emit", "boards/seed/ex1", "-o", scratch["out"], "--only", "yaml");

        Assert.That(Directory.GetFiles(scratch["out"]).Select(Path.GetFileName), Is.EquivalentTo(new[] { "ex1.kmem.h", "ex1.layout.svg" }), result.ToString());
        Assert.That(wrong.ExitCode, Is.EqualTo(2));
        Assert.That(Kmem.Run("emit", "boards/seed/ex1").ExitCode, Is.EqualTo(2));
    }

    [Test]
    public void Beside_the_board_it_overwrites_nothing_of_the_board()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("b/b.dts", Scratch.GoodBoard);

        Assert.That(Kmem.Run("emit", board, "-o", scratch["b"]).ExitCode, Is.Zero);
        Assert.That(File.ReadAllText(board), Is.EqualTo(Scratch.GoodBoard));
        // And where a file of the board has the name of an artifact, the file stays.
        var own = scratch.Write("c/c.dts", Scratch.GoodBoard.Replace("/ {", "/include/ \"c.ld\"\n/ {", StringComparison.Ordinal));
        scratch.Write("c/c.ld", "/ { };\n");
        var refused = Kmem.Run("emit", own, "-o", scratch["c"]);

        Assert.That(refused.ExitCode, Is.EqualTo(1), refused.ToString());
        Assert.That(refused.Error, Does.Contain("KMK0026").And.Contain("c.ld"));
        Assert.That(File.ReadAllText(scratch["c/c.ld"]), Is.EqualTo("/ { };\n"));
        Assert.That(File.Exists(scratch["c/c.kmem.h"]));
    }

    [Test]
    public void Two_boards_of_one_name_are_refused_and_the_others_are_written()
    {
        using var scratch = new Scratch();
        var first = scratch.Write("x/b.dts", Scratch.GoodBoard);
        var second = scratch.Write("y/b.dts", Scratch.GoodBoard);

        var result = Kmem.Run("emit", first, second, "boards/seed/ex1", "-o", scratch["out"], "--only", "c");

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error, Does.Contain("KMK0026"));
        Assert.That(Directory.GetFiles(scratch["out"]).Select(Path.GetFileName), Is.EquivalentTo(new[] { "b.kmem.h", "ex1.kmem.h" }));
    }

    [Test]
    public void A_board_with_an_error_leaves_no_file_and_a_folder_that_cannot_be_made_is_a_finding()
    {
        using var scratch = new Scratch();
        var bad = scratch.Write("b.dts", Scratch.GoodBoard.Replace("0x10000000>", "0x10000000 7>", StringComparison.Ordinal));
        var result = Kmem.Run("emit", "--json", bad, "-o", scratch["out"]);
        var file = scratch.Write("file", "");
        var blocked = Kmem.Run("emit", "boards/seed/ex1", "-o", file);

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Json.Single().GetProperty("files").GetArrayLength(), Is.Zero);
        Assert.That(Directory.Exists(scratch["out"]), Is.False);
        Assert.That(blocked.ExitCode, Is.EqualTo(1));
        Assert.That(blocked.Error, Does.Contain("KMK0026"));
    }

    [Test]
    public void A_tree_without_memory_gives_its_tree()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("b.dts", "/dts-v1/;\n/ { compatible = \"a,b\"; };\n");

        var result = Kmem.Run("emit", board, "-o", scratch["out"]);

        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(result.Error, Does.Contain("KMK3000"));
        Assert.That(Directory.GetFiles(scratch["out"]).Select(Path.GetFileName), Is.EquivalentTo(new[] { "b.kmem.dts", "b.kmem.dtb" }));
    }
}
