using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processes;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tlb;
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

    /// <summary>Where the processor keeps the kernel from user pages, it is let in for a copy and shut out behind it (<c>uaccess_enable</c>).</summary>
    [TestCase("x86-64", TranslationControls.Smap)]
    [TestCase("x86-pae", TranslationControls.Smap)]
    [TestCase("vmsav8-64-4k", TranslationControls.Pan)]
    [TestCase("sv32", TranslationControls.None)]
    [TestCase("sv39", TranslationControls.None)]
    public void The_kernel_is_at_user_pages_only_while_it_copies(string format, TranslationControls controls)
    {
        using var machine = new ProcessMachine(format);
        var process = machine.Start();
        var at = process.Mmap(default, machine.Page, Rw, Private).Address;
        var port = machine.Table.Switch(0, process.Space).Port;
        port.Controls = controls;
        Assert.That(process.User.CopyTo(at, [1, 2, 3, 4, 5, 6, 7, 8]), Is.Zero);
        Assert.That(() => port.Load(at, new byte[8], Privilege.Privileged), Throws.InstanceOf<MemoryFaultException>());
        var back = new byte[8];
        Assert.That(process.User.CopyFrom(at, back), Is.Zero);
        Assert.That(back, Is.EqualTo(new byte[] { 1, 2, 3, 4, 5, 6, 7, 8 }));
        Assert.That(() => port.Store(at, back, Privilege.Privileged), Throws.InstanceOf<MemoryFaultException>());
        // Nor behind a copy that fails.
        process.Munmap(at, machine.Page);
        Assert.That(process.User.CopyTo(at, back), Is.EqualTo(8));
        Assert.That(port.Controls, Is.EqualTo(controls));
    }

    /// <summary>A processor that does not mark pages itself faults at the first store to what may be written meanwhile.</summary>
    [TestCase("sv32")]
    [TestCase("sv48")]
    public void What_became_writable_is_marked_dirty_at_the_first_store(string format)
    {
        using var machine = new ProcessMachine(format);
        var process = machine.Start();
        var at = process.Mmap(default, machine.Page, Rw, Private).Address;
        Assert.That(process.TryStore(at, 8, 1), Is.Null);
        process.Mprotect(at, machine.Page, MemProt.Read);
        process.Mprotect(at, machine.Page, MemProt.Read | MemProt.Write);
        Assert.That(process.TryStore(at, 8, 2), Is.Null);
        // Nobody else's now, and read-only in the tables.
        var child = process.Fork()!;
        child.Exit(0);
        Assert.That(process.TryStore(at, 8, 3), Is.Null);
        Assert.That(process.Space.Tables.AttributesAt(at)!.Value.IsDirty);
        // Somebody took both marks away, A and D (bits 6 and 7), to see whether it is still used (clear_refs).
        if (process.Space.Tables is PageTables<SvFormat<Sv32>> narrow)
            _ = narrow.SetDescriptor(at, narrow.Walk(at).Descriptor & ~0xC0UL);
        else if (process.Space.Tables is PageTables<SvFormat<Sv48>> wide)
            _ = wide.SetDescriptor(at, wide.Walk(at).Descriptor & ~0xC0UL);
        machine.Kernel.Tlbs.Invalidate(TlbScope.All);
        Assert.That(process.TryLoad(at, 8, out var value), Is.Null);
        Assert.That(value, Is.EqualTo(3));
        var marks = process.Space.Tables.AttributesAt(at)!.Value;
        Assert.That((marks.IsAccessed, marks.IsDirty), Is.EqualTo((true, false)));
        Assert.That(process.TryStore(at, 8, 4), Is.Null);
        Assert.That(process.Space.Tables.AttributesAt(at)!.Value.IsDirty);
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
