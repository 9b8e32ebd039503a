using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Processes;
using KmemKit.Runtime.Processor;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>What the kernel may do with a process's addresses, and who is ended when memory is short.</summary>
internal sealed class UserAccessTests
{
    private const MapFlags Anonymous = MapFlags.Private | MapFlags.Anonymous;

    [TestCase(0ul, ulong.MaxValue)]
    [TestCase(1ul, ulong.MaxValue)]
    [TestCase(0x1000ul, 0xc000_0000ul)]
    public void A_size_that_is_more_than_all_is_not_ok(ulong address, ulong size)
    {
        using var machine = new ProcessMachine();
        Assert.That(machine.Start().User.AccessOk(new VirtAddr(address), size), Is.False);
    }

    [TestCase(AddressSplit.Shared)]
    [TestCase(AddressSplit.FourGigabytesEach)]
    public void The_kernel_writes_for_a_process_only_what_the_process_may_write(AddressSplit split)
    {
        using var machine = new ProcessMachine("x86-32", new ProcessOptions { Split = split });
        var process = machine.Start();
        var at = process.Mmap(default, machine.Page, MemProt.Read | MemProt.Write, Anonymous).Address;
        Assert.That(process.TryStore(at, 8, 3), Is.Null);
        process.Mprotect(at, machine.Page, MemProt.Read);
        Assert.That(process.User.CopyTo(at, new byte[8]), Is.EqualTo(8));
        var word = new byte[8];
        Assert.That(process.User.CopyFrom(at, word), Is.Zero);
        Assert.That(word[0], Is.EqualTo(3));
        // A page that both still share is copied for the one that writes.
        process.Mprotect(at, machine.Page, MemProt.Read | MemProt.Write);
        var child = process.Fork()!;
        Assert.That(child.User.CopyTo(at, new byte[8]), Is.Zero);
        Assert.That(process.TryLoad(at, 8, out var own), Is.Null);
        Assert.That(own, Is.EqualTo(3));
    }

    /// <summary>A kernel that follows a pointer of the process's without copy_from_user has a bug, and pages do not come for it.</summary>
    [TestCaseSource(typeof(ProcessMachine), nameof(ProcessMachine.Formats))]
    public void The_kernels_own_access_to_a_page_that_is_not_there_is_not_helped(string format)
    {
        using var machine = new ProcessMachine(format);
        var process = machine.Start();
        var at = process.Mmap(default, machine.Page, MemProt.Read | MemProt.Write, Anonymous).Address;
        var port = machine.Table.Switch(0, process.Space).Port;
        Assert.That(() => port.Store(at, new byte[8], Privilege.Privileged), Throws.InstanceOf<MemoryFaultException>());
        Assert.That(process.Space.AnonymousPages, Is.Zero);
        Assert.That(process.User.CopyTo(at, new byte[8]), Is.Zero);
        Assert.That(process.Space.AnonymousPages, Is.EqualTo(1));
    }

    /// <summary>Points of mm/oom_kill.c: pages that ending it gives back, and oom_score_adj in thousandths of all memory; -1000 is never chosen.</summary>
    [Test]
    public void Badness_is_pages_and_what_was_asked_for()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var at = process.Mmap(default, 40 * machine.Page, MemProt.Read | MemProt.Write, Anonymous).Address;
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
