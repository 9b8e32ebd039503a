using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>Translations are used until they are invalidated; who forgets that is told which mapping changed when.</summary>
internal sealed class StaleTranslationTests
{
    private const ulong Page = 4096;

    [TestCase(true)]
    [TestCase(false)]
    public void A_translation_is_used_until_it_is_invalidated(bool watch)
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(watch: watch);
        Assert.That(machine.Map(0, 0x10000, Page).IsOk);
        machine.Port.Store(new VirtAddr(8), 0x1234UL, Privilege.Privileged);
        var gather = new TlbGather(machine.Cpu);
        Assert.That(machine.Tables.Unmap(machine.Cpu, new VirtAddr(0), Page, gather).IsOk);
        Assert.That(machine.Walk(0), Is.Null);
        Assert.That(machine.Port.Load<ulong>(new VirtAddr(8), Privilege.Privileged), Is.EqualTo(0x1234), "as on hardware");
        gather.Finish();
        Assert.That(machine.FaultOf(() => machine.Port.Load<ulong>(new VirtAddr(8), Privilege.Privileged)).Cause, Is.EqualTo(FaultCause.Translation));
        if (!watch)
            return;
        var bug = machine.Bugs.Single();
        Assert.That(bug.Kind, Is.EqualTo(TranslationBugKind.StaleEntry));
        Assert.That(bug.Change!.Value.Kind, Is.EqualTo(MappingChangeKind.Unmap));
        Assert.That(bug.Change!.Value.Number, Is.EqualTo(1));
        Assert.That(bug.Message, Does.Contain("CPU 0").And.Contain("0x8:").And.Contain("0x10000").And.Contain("nothing (Translation at level 1)").And.Contain("change 1, Unmap of [0x0, 0xfff]"));
    }

    [Test]
    public void Every_page_of_a_block_goes_with_its_translation()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(watch: false);
        Assert.That(machine.Map(0, 0, 2 << 20).IsOk);
        foreach (var page in new ulong[] { 0, 1, 77 })
            machine.Port.Load<byte>(new VirtAddr(page * Page), Privilege.Privileged);
        Assert.That(machine.Unmap(0, 2 << 20).IsOk);
        foreach (var page in new ulong[] { 77, 1, 0 })
            Assert.That(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(page * Page), Privilege.Privileged)).Cause, Is.EqualTo(FaultCause.Translation));
    }

    [Test]
    public void A_forgotten_invalidation_on_one_CPU_is_a_mistake_of_that_one()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(cpus: 2);
        Assert.That(machine.Map(0, 0x10000, Page).IsOk);
        foreach (var cpu in machine.Cpus)
            cpu.Load<byte>(new VirtAddr(0), Privilege.Privileged);
        var gather = new TlbGather(machine.Cpu);
        Assert.That(machine.Tables.Protect(machine.Cpu, new VirtAddr(0), Page, machine.Prot(AccessRights.Read, AccessRights.None), gather).IsOk);
        // INVLPG on the CPU that made the change, and no shootdown.
        machine.Cpus[0].Tlb.Invalidate(X86Invalidation.Invlpg(new VirtAddr(0), 1));
        Assert.That(machine.FaultOf(() => machine.Cpus[0].Store(new VirtAddr(0), (byte)1, Privilege.Privileged)).Cause, Is.EqualTo(FaultCause.Permission));
        machine.NoBugs();
        machine.Cpus[1].Store(new VirtAddr(0), (byte)1, Privilege.Privileged);
        Assert.That(machine.Bugs.Single().Message, Does.Contain("CPU 1").And.Contain("Protect"));
        Assert.That(machine.Domain.Changes!.PendingCount, Is.EqualTo(1));
        gather.Finish();
        Assert.That(machine.Domain.Changes!.PendingCount, Is.Zero);
        machine.Bugs.Clear();
        Assert.That(machine.FaultOf(() => machine.Cpus[1].Store(new VirtAddr(0), (byte)1, Privilege.Privileged)).Cause, Is.EqualTo(FaultCause.Permission));
        machine.NoBugs();
    }

    [Test]
    public void An_invalidation_of_the_wrong_address_space_or_the_wrong_page_leaves_the_mistake()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>();
        var prot = machine.Tables.Prot(machine.Rw.Attributes with { IsGlobal = false });
        Assert.That(machine.Map(0, 0x10000, 2 * Page, prot).IsOk);
        machine.Port.Load<byte>(new VirtAddr(0), Privilege.Privileged);
        machine.Tables.SetDescriptor(new VirtAddr(0), 0);
        machine.Port.Tlb.Invalidate(Aarch64Invalidation.Vae1(new VirtAddr(0), 2, 0));
        machine.Port.Tlb.Invalidate(Aarch64Invalidation.Vae1(new VirtAddr(Page), 1, 0));
        machine.Port.Tlb.Invalidate(Aarch64Invalidation.Vmalle1(3));
        machine.Port.Load<byte>(new VirtAddr(0), Privilege.Privileged);
        Assert.That(machine.Bugs, Has.Count.EqualTo(1));
        machine.Port.Tlb.Invalidate(Aarch64Invalidation.Vae1(new VirtAddr(0x123), 1, 0));
        Assert.That(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(0), Privilege.Privileged)).Cause, Is.EqualTo(FaultCause.Translation));
        Assert.That(machine.Bugs, Has.Count.EqualTo(1));
    }

    [Test]
    public void Break_without_make_is_reported_where_the_architecture_has_the_rule()
    {
        using var arm = new MmuMachine<Vmsav8Format<Granule4K>>();
        Assert.That(arm.Map(0, 0x10000, 4 * Page).IsOk);
        var found = arm.Tables.Walk(new VirtAddr(0));
        arm.Tables.SetDescriptor(new VirtAddr(0), found.Descriptor);
        Assert.That(arm.Format.TryEncodeLeaf(0x10000, arm.Attributes(AccessRights.Read, AccessRights.None), arm.Format.Shapes[0], out var readOnly), Is.EqualTo(EncodingRefusal.None));
        arm.Tables.SetDescriptor(new VirtAddr(0), readOnly);
        arm.NoBugs();
        // Another output address.
        arm.Tables.SetDescriptor(new VirtAddr(0), readOnly + 0x1000);
        Assert.That(arm.Bugs.Single().Kind, Is.EqualTo(TranslationBugKind.BreakBeforeMake));
        Assert.That(arm.Bugs.Single().Message, Does.Contain("0x0:").And.Contain($"{readOnly:x}"));
        Assert.That(arm.Walk(0), Is.EqualTo(0x11000), "and done, as hardware does");
        arm.Bugs.Clear();
        // The order that is right.
        arm.Tables.SetDescriptor(new VirtAddr(0), 0);
        arm.Domain.Invalidate(Aarch64Invalidation.Vaae1(new VirtAddr(0), 0));
        arm.Tables.SetDescriptor(new VirtAddr(0), readOnly);
        arm.NoBugs();

        using var x86 = new MmuMachine<X86Format<FourLevel>>();
        Assert.That(x86.Map(0, 0x10000, Page).IsOk);
        x86.Tables.SetDescriptor(new VirtAddr(0), x86.Tables.Walk(new VirtAddr(0)).Descriptor + 0x1000);
        x86.NoBugs();
    }

    [Test]
    public void Mapping_anew_before_the_invalidation_is_a_break_without_its_middle()
    {
        using var arm = new MmuMachine<Vmsav8Format<Granule4K>>();
        Assert.That(arm.Map(0, 0x10000, 4 * Page).IsOk);
        var gather = new TlbGather(arm.Cpu);
        Assert.That(arm.Tables.Unmap(arm.Cpu, new VirtAddr(0), 2 * Page, gather).IsOk);
        Assert.That(arm.Map(Page, 0x30000, Page).IsOk);
        Assert.That(arm.Bugs.Single().Kind, Is.EqualTo(TranslationBugKind.BreakBeforeMake));
        Assert.That(arm.Bugs.Single().Change!.Value.Kind, Is.EqualTo(MappingChangeKind.Unmap));
        arm.Bugs.Clear();
        gather.Finish();
        Assert.That(arm.Map(0, 0x30000, Page).IsOk);
        arm.NoBugs();
    }

    [Test]
    public void A_break_is_over_when_every_CPU_has_invalidated()
    {
        using var arm = new MmuMachine<Vmsav8Format<Granule4K>>(cpus: 2);
        foreach (var invalidated in new[] { 1, 2 })
        {
            Assert.That(arm.Map(0, 0x10000, Page).IsOk);
            Assert.That(arm.Tables.UnmapOnly(arm.Cpu, new VirtAddr(0), Page).IsOk);
            foreach (var cpu in arm.Cpus.Take(invalidated))
                cpu.Tlb.Invalidate(Aarch64Invalidation.Vaae1(new VirtAddr(0), 0));
            Assert.That(arm.Domain.Changes!.PendingCount, Is.EqualTo(2 - invalidated));
            Assert.That(arm.Map(0, 0x20000, Page).IsOk);
            Assert.That(arm.Bugs, Has.Count.EqualTo(2 - invalidated));
            arm.Bugs.Clear();
            Assert.That(arm.Unmap(0, Page).IsOk);
        }
    }

    [Test]
    public void An_invalidation_in_the_middle_leaves_what_is_before_and_behind_it_to_be_reported()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        Assert.That(machine.Map(0, 0x10000, 4 * Page).IsOk);
        for (var page = 0UL; page < 4; page++)
            machine.Port.Load<byte>(new VirtAddr(page * Page), Privilege.Privileged);
        Assert.That(machine.Tables.UnmapOnly(machine.Cpu, default, 4 * Page).IsOk);
        machine.Domain.Invalidate(TlbScope.Range(new VirtAddr(Page), new VirtAddr((2 * Page) - 1), null, true));
        Assert.That(machine.Domain.Changes!.PendingCount, Is.EqualTo(2));
        foreach (var page in new ulong[] { 3, 2, 0 })
        {
            machine.Bugs.Clear();
            machine.Port.Load<byte>(new VirtAddr(page * Page), Privilege.Privileged);
            Assert.That(machine.Bugs.Single().Kind, Is.EqualTo(TranslationBugKind.StaleEntry), $"page {page}");
            Assert.That(machine.Bugs.Single().Change!.Value.Kind, Is.EqualTo(MappingChangeKind.Unmap), $"page {page}");
        }
        Assert.That(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(Page), Privilege.Privileged)).Cause, Is.EqualTo(FaultCause.Translation));
        machine.Domain.Invalidate(TlbScope.Range(new VirtAddr(2 * Page), new VirtAddr((4 * Page) - 1), null, true));
        Assert.That(machine.Domain.Changes!.PendingCount, Is.EqualTo(1));
        machine.Domain.Invalidate(TlbScope.Range(default, new VirtAddr(Page - 1), null, true));
        Assert.That(machine.Domain.Changes!.PendingCount, Is.Zero);
    }

    [Test]
    public void Split_join_and_another_memory_type_break_before_they_make()
    {
        using var arm = new MmuMachine<Vmsav8Format<Granule4K>>();
        const ulong Block = 2 << 20;
        Assert.That(arm.Map(0, 0, Block).IsOk);
        arm.Port.Load<byte>(new VirtAddr(Page), Privilege.Privileged);
        var before = arm.Domain.Broadcasts;
        Assert.That(arm.Tables.Split(arm.Cpu, new VirtAddr(0), Block, Page).IsOk);
        Assert.That(arm.Domain.Broadcasts, Is.GreaterThan(before));
        arm.Port.Load<byte>(new VirtAddr(Page), Privilege.Privileged);
        before = arm.Domain.Broadcasts;
        Assert.That(arm.Protect(0, Block, arm.Prot(AccessRights.ReadWrite, AccessRights.None, MemoryUse.WriteCombining)).IsOk);
        Assert.That(arm.Domain.Broadcasts, Is.EqualTo(before + 3), "two runs of 256 broken, and the whole");
        arm.Port.Load<byte>(new VirtAddr(Page), Privilege.Privileged);
        before = arm.Domain.Broadcasts;
        Assert.That(arm.Protect(0, Block, arm.Prot(AccessRights.Read, AccessRights.None, MemoryUse.WriteCombining)).IsOk);
        Assert.That(arm.Domain.Broadcasts, Is.EqualTo(before + 1), "other rights need no break");
        Assert.That(arm.Tables.Join(arm.Cpu, new VirtAddr(0), Block, out var joined).IsOk);
        Assert.That(joined, Is.GreaterThanOrEqualTo(1));
        arm.Port.Load<byte>(new VirtAddr(Page), Privilege.Privileged);
        arm.NoBugs();
    }

    [Test]
    public void At_the_invalidation_in_the_middle_nothing_is_mapped_where_the_architecture_wants_a_break([Values] bool isArm)
    {
        if (isArm)
            Check(new MmuMachine<Vmsav8Format<Granule4K>>(), [false, false]);
        else
            Check(new MmuMachine<X86Format<FourLevel>>(), [true, true]);

        static void Check<TFormat>(MmuMachine<TFormat> machine, bool[] expected) where TFormat : struct, ITranslationFormat
        {
            const ulong Block = 2 << 20;
            Assert.That(machine.Map(0, 0, Block).IsOk);
            var seen = new List<bool>();
            machine.Domain.Invalidating += _ => seen.Add(machine.Walk(Page) is not null);
            Assert.That(machine.Tables.Split(machine.Cpu, new VirtAddr(0), Block, Page).IsOk);
            var afterSplit = seen[0];
            seen.Clear();
            Assert.That(machine.Tables.Join(machine.Cpu, new VirtAddr(0), Block, out _).IsOk);
            // AArch64 makes groups of 16 first; the last one is the block.
            Assert.That(new[] { afterSplit, seen[^1] }, Is.EqualTo(expected));
            seen.Clear();
            Assert.That(machine.Protect(0, Block, machine.Prot(AccessRights.ReadWrite, AccessRights.None, MemoryUse.WriteCombining)).IsOk);
            Assert.That(seen[0], Is.EqualTo(expected[0]));
            machine.Dispose();
        }
    }

    [Test]
    public void Two_translations_of_one_address_are_a_conflict()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        const ulong Block = 2 << 20;
        Assert.That(machine.Map(0, 0, Block).IsOk);
        var block = machine.Tables.Walk(new VirtAddr(0)).Descriptor;
        Assert.That(machine.Tables.Split(machine.Cpu, new VirtAddr(0), Block, Page).IsOk);
        machine.Port.Load<byte>(new VirtAddr(0), Privilege.Privileged);
        // The table's descriptor is written over by hand, and nothing is invalidated.
        var table = machine.Tables.Walk(new VirtAddr(0)).DescriptorAddress & ~0xfffUL;
        var above = machine.Tables.Walk(new VirtAddr(Block)).DescriptorAddress - 8;
        Assert.That(machine.Machine.Memory.ReadUInt64(new PhysAddr(above)) & ~0xfffUL, Is.EqualTo(table));
        machine.Machine.Memory.WriteUInt64(new PhysAddr(above), block);
        machine.Port.Load<byte>(new VirtAddr(Page), Privilege.Privileged);
        machine.Port.Load<byte>(new VirtAddr(0), Privilege.Privileged);
        Assert.That(machine.Bugs.Select(bug => bug.Kind), Does.Contain(TranslationBugKind.Conflict));
        Assert.That(machine.Port.Tlb.Statistics.Conflicts, Is.EqualTo(1));
    }
}
