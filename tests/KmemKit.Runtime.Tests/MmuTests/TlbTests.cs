using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>Size, associativity, statistics, and what each architecture's invalidations reach.</summary>
internal sealed class TlbTests
{
    private const ulong Page = 4096;

    [TestCase(64, 1)]
    [TestCase(64, 4)]
    [TestCase(64, 64)]
    [TestCase(96, 3)]
    public void A_set_holds_as_many_translations_as_the_profile_has_ways(int entries, int ways)
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(profile: new TlbProfile("p", entries, ways));
        var sets = (ulong)(entries / ways);
        var tlb = machine.Port.Tlb;
        for (var i = 0UL; i <= (ulong)ways; i++)
            Assert.That(machine.Map(i * sets * Page, 0, Page).IsOk);
        for (var round = 0; round < 3; round++)
        {
            for (var i = 0UL; i < (ulong)ways; i++)
                machine.Port.Load<byte>(new VirtAddr(i * sets * Page), Privilege.Privileged);
        }
        Assert.That(tlb.Statistics, Is.EqualTo(new TlbStatistics(2UL * (ulong)ways, (ulong)ways, 0, 0, 0, 0)));
        machine.Port.Load<byte>(new VirtAddr((ulong)ways * sets * Page), Privilege.Privileged);
        Assert.That(tlb.Statistics.Evictions, Is.EqualTo(1));
        Assert.That(tlb.Entries, Has.Count.EqualTo(ways), "one has made room");
    }

    [Test]
    public void Hits_are_counted_one_by_one_whichever_way_they_are_found([Values] bool watch)
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(watch: watch);
        Assert.That(machine.Map(0, 0, 4 * Page).IsOk);
        for (var i = 0; i < 100; i++)
            machine.Port.Load<int>(new VirtAddr((ulong)(i % 4) * Page), Privilege.Privileged);
        machine.Port.Load<int>(new VirtAddr(Page - 2), Privilege.Privileged);
        Assert.That(machine.Port.Tlb.Statistics.Hits, Is.EqualTo(98), "96, and two for the access that crosses");
        Assert.That(machine.Port.Tlb.Statistics.Misses, Is.EqualTo(4));
    }

    [Test]
    public void A_block_takes_one_entry_and_is_found_at_every_page()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        Assert.That(machine.Map(0, 0, 2 << 20).IsOk);
        for (var i = 0UL; i < 512; i++)
            machine.Port.Load<byte>(new VirtAddr(i * Page), Privilege.Privileged);
        Assert.That(machine.Port.Tlb.Entries, Has.Count.EqualTo(1));
        Assert.That(machine.Port.Tlb.Statistics.Misses, Is.EqualTo(1));
        machine.Port.Tlb.Invalidate(X86Invalidation.Invlpg(new VirtAddr(0x54321), 1));
        Assert.That(machine.Port.Tlb.Entries, Is.Empty, "by any of its addresses");
    }

    [Test]
    public void Address_spaces_keep_their_translations_apart_and_share_the_global_ones()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>();
        var local = machine.Tables.Prot(machine.Rw.Attributes with { IsGlobal = false });
        Assert.That(machine.Map(0, 0x10000, Page, local).IsOk);
        Assert.That(machine.Map(Page, 0x20000, Page).IsOk);
        foreach (var asid in new ushort[] { 1, 2, 1 })
        {
            machine.Port.SetTables(machine.Format, machine.Tables.Root, asid);
            machine.Port.Load<byte>(new VirtAddr(0), Privilege.Privileged);
            machine.Port.Load<byte>(new VirtAddr(Page), Privilege.Privileged);
        }
        Assert.That(machine.Port.Tlb.Statistics.Misses, Is.EqualTo(3), "the page of each space, and the global one once");
        machine.Port.Vmid = 7;
        machine.Port.Load<byte>(new VirtAddr(Page), Privilege.Privileged);
        Assert.That(machine.Port.Tlb.Statistics.Misses, Is.EqualTo(4), "another guest shares nothing");
    }

    // Which of four translations stay: space 1's page 0, space 2's page 0, the global page 1, space 1's page 2.
    [TestCaseSource(nameof(Scopes))]
    public void Each_invalidation_reaches_what_its_manual_says((string Name, TlbScope Scope, string Left) operation)
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>();
        var local = machine.Tables.Prot(machine.Rw.Attributes with { IsGlobal = false });
        Assert.That(machine.Map(0, 0x10000, Page, local).IsOk);
        Assert.That(machine.Map(Page, 0x20000, Page).IsOk);
        Assert.That(machine.Map(2 * Page, 0x30000, Page, local).IsOk);
        machine.Port.SetTables(machine.Format, machine.Tables.Root, 2);
        machine.Port.Load<byte>(new VirtAddr(0), Privilege.Privileged);
        machine.Port.SetTables(machine.Format, machine.Tables.Root, 1);
        foreach (var page in new ulong[] { 0, 1, 2 })
            machine.Port.Load<byte>(new VirtAddr(page * Page), Privilege.Privileged);
        machine.Port.Tlb.Invalidate(operation.Scope);
        var left = machine.Port.Tlb.Entries
            .Select(entry => entry.Attributes.IsGlobal ? "g1" : $"{(char)('a' + entry.Asid - 1)}{entry.First.Value / Page}").Order();
        Assert.That(string.Join(' ', left), Is.EqualTo(operation.Left));
    }

    private static readonly VirtAddr s_zero = new(0);
    private static readonly VirtAddr s_one = new(Page);

    private static readonly (string Name, TlbScope Scope, string Left)[] Scopes =
    [
        ("INVLPG", X86Invalidation.Invlpg(s_zero, 1), "a2 b0 g1"),
        ("INVLPG of a global page", X86Invalidation.Invlpg(s_one, 2), "a0 a2 b0"),
        ("MOV CR3", X86Invalidation.MovToCr3(1), "b0 g1"),
        ("MOV CR4.PGE", X86Invalidation.MovToCr4Pge(), ""),
        ("INVPCID 0", X86Invalidation.InvpcidAddress(s_one, 1), "a0 a2 b0 g1"),
        ("INVPCID 1", X86Invalidation.InvpcidContext(2), "a0 a2 g1"),
        ("INVPCID 2", X86Invalidation.InvpcidAllWithGlobals(), ""),
        ("INVPCID 3", X86Invalidation.InvpcidAll(), "g1"),
        ("TLBIALL", ArmInvalidation.TlbiAll(), ""),
        ("TLBIMVA", ArmInvalidation.TlbiMva(s_zero, 2), "a0 a2 g1"),
        ("TLBIMVA of a global page", ArmInvalidation.TlbiMva(s_one, 9), "a0 a2 b0"),
        ("TLBIASID", ArmInvalidation.TlbiAsid(1), "b0 g1"),
        ("TLBIMVAA", ArmInvalidation.TlbiMvaa(s_zero), "a2 g1"),
        ("TLBI VMALLE1", Aarch64Invalidation.Vmalle1(0), ""),
        ("TLBI VMALLE1 of another guest", Aarch64Invalidation.Vmalle1(1), "a0 a2 b0 g1"),
        ("TLBI VAE1", Aarch64Invalidation.Vae1(s_zero, 1, 0), "a2 b0 g1"),
        ("TLBI VAAE1", Aarch64Invalidation.Vaae1(s_zero, 0), "a2 g1"),
        ("TLBI ASIDE1", Aarch64Invalidation.Aside1(2, 0), "a0 a2 g1"),
        ("TLBI ALLE1", Aarch64Invalidation.Alle1(), ""),
        ("TLBI RVAE1, 2 granules", Aarch64Invalidation.Rvae1(s_zero, 0, 0, PageGeometry.FourKiB, 1, 0), "a2 b0"),
        ("TLBI RVAE1, 4 granules", Aarch64Invalidation.Rvae1(s_zero, 1, 0, PageGeometry.FourKiB, 1, 0), "b0"),
        ("SFENCE.VMA x0, x0", RiscVInvalidation.SfenceVma(null, null), ""),
        ("SFENCE.VMA va, x0", RiscVInvalidation.SfenceVma(s_one, null), "a0 a2 b0"),
        ("SFENCE.VMA x0, asid", RiscVInvalidation.SfenceVma(null, 1), "b0 g1"),
        ("SFENCE.VMA va, asid", RiscVInvalidation.SfenceVma(s_one, 1), "a0 a2 b0 g1"),
    ];

    [Test]
    public void Profiles_are_made_of_whole_sets()
    {
        Assert.That(() => new TlbProfile("p", 100, 3), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new TlbProfile("p", 0, 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new TlbProfile("p", 48, 4), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(TlbProfile.Skylake.Sets, Is.EqualTo(128));
        Assert.That(TlbProfile.SiFiveU54.Sets, Is.EqualTo(128));
    }

    [Test]
    public void Wider_scopes_cover_narrower_ones_and_never_the_other_way_round()
    {
        foreach (var (name, scope, _) in Scopes)
        {
            Assert.That(TlbScope.All.Covers(scope), name);
            Assert.That(scope.Covers(scope), name);
            Assert.That(scope.Covers(TlbScope.All), Is.EqualTo(scope == TlbScope.All), name);
        }
    }
}
