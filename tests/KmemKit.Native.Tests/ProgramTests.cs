using System.IO;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>Whole programs of C.</summary>
[TestFixture]
internal sealed class ProgramTests
{
    /// <summary>Six threads on two CPUs hand objects to one another; a report comes to the thread that made it.</summary>
    [Test]
    public void Threads_share_the_board()
    {
        var result = PublishedBoard.Run(PublishedBoard.Compile("threads", Path.Combine(PublishedBoard.Sources, "threads.c")));
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.Match(@"^REPORT OBJECT \S+threads.c:\d+ twice\n").And.EndsWith("DONE\n"));
    }

    /// <summary>What a pair costs beside the C library's: a line to read, and no target.</summary>
    [Test]
    public void Price_of_a_pair_is_shown()
    {
        var result = PublishedBoard.Run(PublishedBoard.Compile("pairs", "-O2", Path.Combine(PublishedBoard.Sources, "pairs.c")));
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.Match(@"^kmalloc\+kfree of 64 bytes: [\d.]+ ns unchecked, .* ratio [\d.]+ and [\d.]+\n$"));
        TestContext.Out.Write(result.Output);
    }
}
