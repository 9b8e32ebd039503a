using System.Linq;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Processes;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>What is promised, and who is ended when memory is short.</summary>
internal sealed class OutOfMemoryTests : ProcessFixture
{
    [Test]
    public void When_memory_runs_out_one_process_is_ended_and_the_run_goes_on()
    {
        using var machine = new ProcessMachine("arm-short", new ProcessOptions { Overcommit = Overcommit.Always });
        var page = machine.Page;
        var (keeper, hog) = (machine.Start("keeper"), machine.Start("hog"));
        keeper.OomScoreAdjust = -500;
        var kept = keeper.Mmap(default, page, Rw, Private).Address;
        Store(keeper, kept, 77);
        var size = (ulong)(machine.FreePages + 64) * page;
        var area = hog.Mmap(default, size, Rw, Private).Address;
        SignalInfo? signal = null;
        for (var at = 0UL; at < size && signal is null; at += page)
            signal = hog.TryStore(area + at, 8, 1);
        Assert.That((signal!.Value.Signal, hog.EndedBy, hog.ExitStatus), Is.EqualTo((Signal.Kill, (Signal?)Signal.Kill, (int?)137)));
        Assert.That(machine.Table.OutOfMemory.Single(), Does.StartWith($"Out of memory: Killed process {hog.Pid} (hog) total-vm:").And.EndsWith("oom_score_adj:0"));
        Assert.That((keeper.IsAlive, Load(keeper, kept)), Is.EqualTo((true, 77UL)));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void No_more_is_promised_than_the_commit_limit_where_overcommit_is_off()
    {
        using var machine = new ProcessMachine(options: new ProcessOptions { Overcommit = Overcommit.Never });
        var process = machine.Start();
        var page = machine.Page;
        var half = (ulong)(machine.Table.CommitLimit - machine.Table.CommittedPages) * page;
        Assert.That(process.Mmap(default, half + page, Rw, Private | MapFlags.NoReserve).Error, Is.EqualTo(Errno.NoMemory), "NORESERVE counts as well");
        var all = process.Mmap(default, half, Rw, Private).Address;
        Assert.That(process.Fork(), Is.Null, "the child would need as much");
        Assert.That(process.Mmap(default, page, MemProt.Read, Private).IsOk, Is.True, "what is only read costs nothing");
        process.Munmap(all, half);
        Assert.That(process.Fork(), Is.Not.Null);
        using var usual = new ProcessMachine();
        Assert.That(usual.Start().Mmap(default, (ulong)(usual.Kernel.Allocator.TotalPages + 1) * page, Rw, Private).Error, Is.EqualTo(Errno.NoMemory), "an obvious overcommit");
    }

    /// <summary>Points of mm/oom_kill.c: pages that ending it gives back, and oom_score_adj in thousandths of all memory; -1000 is never chosen.</summary>
    [Test]
    public void Badness_is_pages_and_what_was_asked_for()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var at = process.Mmap(default, 40 * machine.Page, Rw, Private).Address;
        for (var i = 0UL; i < 40; i++)
            Assert.That(process.TryStore(at + (i * machine.Page), 8, 1), Is.Null);
        var plain = machine.Table.BadnessOf(process);
        Assert.That(plain, Is.EqualTo(40 + process.Space.Tables.TablePages));
        process.OomScoreAdjust = 250;
        Assert.That(machine.Table.BadnessOf(process) - plain, Is.EqualTo((long)machine.Kernel.Allocator.TotalPages / 4));
        process.OomScoreAdjust = -1000;
        Assert.That(machine.Table.BadnessOf(process), Is.EqualTo(long.MinValue));
    }
}
