using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Processes;
using KmemKit.Runtime.Processor;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>What the kernel may do with a process's addresses.</summary>
internal sealed class UserAccessTests : ProcessFixture
{
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
        var at = process.Mmap(default, machine.Page, Rw, Private).Address;
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
        var at = process.Mmap(default, machine.Page, Rw, Private).Address;
        var port = machine.Table.Switch(0, process.Space).Port;
        Assert.That(() => port.Store(at, new byte[8], Privilege.Privileged), Throws.InstanceOf<MemoryFaultException>());
        Assert.That(process.Space.AnonymousPages, Is.Zero);
        Assert.That(process.User.CopyTo(at, new byte[8]), Is.Zero);
        Assert.That(process.Space.AnonymousPages, Is.EqualTo(1));
    }

    [Test]
    public void Copies_to_and_from_user_count_what_they_could_not_copy_to_the_byte()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var page = machine.Page;
        var at = process.Mmap(new VirtAddr(0x1000_0000), page, Rw, Private | MapFlags.Fixed).Address;
        Assert.That(process.User.CopyTo(at + page - 13, new byte[20]), Is.EqualTo(7));
        Assert.That(process.User.CopyTo(at, "hello, user"u8), Is.Zero);
        var back = new byte[11];
        Assert.That(process.User.CopyFrom(at, back), Is.Zero);
        Assert.That(back, Is.EqualTo("hello, user"u8.ToArray()));
        Assert.That(process.User.AccessOk(new VirtAddr(process.Space.Layout.TaskSize - 8), 8), Is.True);
        Assert.That(process.User.AccessOk(new VirtAddr(process.Space.Layout.TaskSize - 8), 9), Is.False);
        Assert.That(process.User.AccessOk(new VirtAddr(ulong.MaxValue), 2), Is.False);
        Assert.That(process.User.CopyTo(machine.Kernel.Layout.PageOffset, new byte[4]), Is.EqualTo(4), "the kernel's own memory is none of the process's");
        // Writing for a child breaks the copy too.
        var child = process.Fork()!;
        Assert.That(child.User.CopyTo(at, "HELLO"u8), Is.Zero);
        Assert.That(Load(process, at) & 0xff, Is.EqualTo((ulong)'h'));
        var filled = Enumerable.Repeat((byte)0xee, 8).ToArray();
        Assert.That(process.User.CopyFrom(at + page - 4, filled), Is.EqualTo(4));
        Assert.That(filled[4..], Is.All.Zero, "the rest is zeroed");
    }
}
