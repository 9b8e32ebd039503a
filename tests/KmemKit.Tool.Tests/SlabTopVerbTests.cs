using System;
using System.Linq;
using System.Text.Json;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary><c>kmem slabtop</c>: the caches of a booted board.</summary>
internal sealed class SlabTopVerbTests
{
    private static readonly string[] _boards = Kmem.Boards;

    [TestCaseSource(nameof(_boards))]
    public void A_board_shows_its_kmalloc_caches_and_JSON_has_the_same(string board)
    {
        var text = Kmem.Run("slabtop", board);
        Assert.That(text.ExitCode, Is.Zero, text.ToString());
        var json = Kmem.Run("slabtop", "--json", board).Json.Single();
        var names = json.GetProperty("caches").EnumerateArray().Select(cache => cache.GetProperty("name").GetString()!).ToArray();
        Assert.That(names, Has.Length.GreaterThan(8).And.Some.Contains("192").Or.Some.Contains("256"));
        var lines = text.Output.Split('\n');
        Assert.That(lines[0], Does.StartWith(" Active / Total Objects (% used)"));
        var table = lines.SkipWhile(static line => !line.StartsWith("  OBJS", StringComparison.Ordinal)).Skip(1).TakeWhile(static line => line.Length > 0);
        Assert.That(table.Select(static line => line.Split(' ')[^1]), Is.EquivalentTo(names));
        Assert.That(json.GetProperty("totals").GetProperty("caches").GetInt32(), Is.EqualTo(names.Length));
    }

    [TestCase("SLUB", "slub")]
    [TestCase("SLAB", "slab")]
    [TestCase("SLOB", "slob")]
    public void The_policy_chooses_the_allocator(string option, string allocator)
    {
        var result = Kmem.Run("slabtop", "--json", "--config", $"CONFIG_{option}=y", _boards[0]);
        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        var json = result.Json.Single();
        Assert.That(json.GetProperty("allocator").GetString(), Is.EqualTo(allocator));
        Assert.That(json.GetProperty("caches").ValueKind, Is.EqualTo(allocator == "slob" ? JsonValueKind.Null : JsonValueKind.Array));
    }

    [Test]
    public void A_board_that_is_not_there_is_a_finding() => Assert.That(Kmem.Run("slabtop", "no-such-board.dts").ExitCode, Is.EqualTo(1));
}
