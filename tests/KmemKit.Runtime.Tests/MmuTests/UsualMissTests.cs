using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>The short cut of the usual miss: it takes nothing for usual that is not, and its translations are what the tables said.</summary>
internal sealed class UsualMissTests
{
    private const ulong Page = 4096;
    private const ulong Block = 2UL << 20;

    // Memory that no table lies in.
    private const ulong Data = 32UL << 20;
    private const Privilege Kernel = Privilege.Privileged;
    private const Privilege User = Privilege.User;

    [Test]
    public void Translations_say_what_the_tables_say_however_many_kinds_of_page_there_are()
    {
        All<X86Format<FourLevel>>(3);
        All<Vmsav8Format<Granule4K>>(4);
        All<SvFormat<Sv39>>(2);

        static void All<TFormat>(int softwareBits) where TFormat : struct, ITranslationFormat
        {
            using var machine = new MmuMachine<TFormat>(watch: false, profile: new TlbProfile("large", 1024, 4));
            var prots = (from software in Enumerable.Range(0, 1 << softwareBits)
                         from rights in new[] { AccessRights.Read, AccessRights.ReadWrite }
                         from isGlobal in new[] { false, true }
                         select machine.Tables.Prot(machine.Attributes(rights, AccessRights.None) with { Software = (ushort)software, IsGlobal = isGlobal }, Page)).ToArray();
            var pages = 8 * prots.Length;
            for (var i = 0; i < pages; i++)
                Assert.That(machine.Map((ulong)i * Page, (ulong)(pages - i) * Page, Page, prots[i * 7 % prots.Length]).IsOk);
            for (var i = 0; i < pages; i++)
                machine.Port.Load<byte>(new VirtAddr((ulong)i * Page), Kernel);
            var entries = machine.Port.Tlb.Entries;
            Assert.That(entries, Has.Count.EqualTo(pages));
            foreach (var entry in entries)
            {
                Assert.That(machine.Walk(entry.First.Value), Is.EqualTo(entry.Output.Value), $"{entry}");
                Assert.That(machine.Tables.AttributesAt(entry.First), Is.EqualTo(entry.Attributes), $"{entry}");
                Assert.That((entry.Shift, entry.Asid), Is.EqualTo(((byte)12, (ushort)1)), $"{entry}");
            }
        }
    }

    [Test]
    public void Each_kind_of_access_has_its_own_right_whichever_one_brought_the_page_in()
    {
        All<X86Format<FourLevel>>();
        All<Vmsav8Format<Granule4K>>();
        All<SvFormat<Sv39>>();

        static void All<TFormat>() where TFormat : struct, ITranslationFormat
        {
            AccessRights[] kinds = [AccessRights.Read, AccessRights.Write, AccessRights.Execute];
            foreach (var rights in new[] { AccessRights.Read, AccessRights.ReadWrite, AccessRights.Read | AccessRights.Execute, AccessRights.ReadWrite | AccessRights.Execute })
            {
                using var machine = new MmuMachine<TFormat>(watch: false);
                Assert.That(machine.Map(0, Data, 16 * Page, machine.Prot(rights, AccessRights.None, largest: Page)).IsOk);
                // The first two pages teach the kind, once it was written to where it can be.
                for (var i = 0UL; i < 2; i++)
                {
                    foreach (var kind in kinds)
                        Assert.That(Passes(machine, i, kind), Is.EqualTo((rights & kind) != 0), $"{rights} {kind}");
                }
                var page = 2UL;
                foreach (var first in kinds)
                {
                    for (var turn = 0; turn < 2; turn++, page++)
                    {
                        Assert.That(Passes(machine, page, first), Is.EqualTo((rights & first) != 0), $"{rights} {first}");
                        foreach (var kind in kinds)
                            Assert.That(Passes(machine, page, kind), Is.EqualTo((rights & kind) != 0), $"{rights} {first}, then {kind}");
                    }
                }
            }
        }

        static bool Passes<TFormat>(MmuMachine<TFormat> machine, ulong page, AccessRights kind) where TFormat : struct, ITranslationFormat
        {
            var at = new VirtAddr(page * Page);
            try
            {
                switch (kind)
                {
                    case AccessRights.Read: machine.Port.Load<int>(at, Kernel); break;
                    case AccessRights.Write: machine.Port.Store(at, 1, Kernel); break;
                    default: machine.Port.Fetch<int>(at, Kernel); break;
                }
                return true;
            }
            catch (Runtime.Processor.MemoryFaultException fault)
            {
                Assert.That(fault.Fault.Cause, Is.EqualTo(FaultCause.Permission));
                return false;
            }
        }
    }

    // The front's pages are of 4 KiB, whatever the granule: each lies in its page of the tables where its address says.
    [Test]
    public void A_piece_of_a_large_page_is_where_its_address_says()
    {
        All<Granule16K>();
        All<Granule64K>();

        static void All<TGranule>() where TGranule : struct, IGranule
        {
            using var machine = new MmuMachine<Vmsav8Format<TGranule>>(watch: false, profile: new TlbProfile("tiny", 16, 4));
            var bytes = 1UL << default(TGranule).PageShift;
            const ulong pages = 24;
            Assert.That(machine.Map(0, Data, pages * bytes, machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: bytes)).IsOk);
            for (var at = 0UL; at < pages * bytes; at += Page)
                machine.Port.Store(new VirtAddr(at), at + 1, Kernel);
            for (var i = 0UL; i < pages * bytes / Page; i++)
            {
                var at = i * 37 % (pages * bytes / Page) * Page;
                Assert.That(machine.Port.Load<ulong>(new VirtAddr(at), Kernel), Is.EqualTo(at + 1));
                Assert.That(machine.Machine.Memory.ReadUInt64(new PhysAddr(machine.Walk(at)!.Value)), Is.EqualTo(at + 1));
                Assert.That(machine.Port.Translate(new VirtAddr(at), AccessRights.Read, Kernel).Value, Is.EqualTo(machine.Walk(at)));
            }
        }
    }

    // What is usual is learned from the first block's table, and the second one's differs: or the other way round.
    [Test]
    public void A_table_that_takes_rights_away_is_not_taken_for_one_that_does_not([Values] bool isLimitedFirst)
    {
        // PDE.US clear (SDM volume 3, 4.6.1); APTable[0] (ARM DDI 0487 D8.4.3).
        Check<X86Format<FourLevel>>(descriptor => descriptor & ~4UL);
        Check<Vmsav8Format<Granule4K>>(descriptor => descriptor | (1UL << 61));

        void Check<TFormat>(Func<ulong, ulong> limit) where TFormat : struct, ITranslationFormat
        {
            using var machine = new MmuMachine<TFormat>(watch: false);
            var prot = machine.Prot(AccessRights.ReadWrite, AccessRights.ReadWrite, largest: Page);
            Assert.That(machine.Map(0, 0, 2 * Block, prot).IsOk);
            var limited = isLimitedFirst ? 0 : Block;
            var free = Block - limited;
            var table = TablesAbove(machine, limited)[^1];
            machine.Machine.Memory.WriteUInt64(table, limit(machine.Machine.Memory.ReadUInt64(table)));
            for (var i = 0UL; i < 4; i++)
                machine.Port.Load<int>(new VirtAddr((isLimitedFirst ? limited : free) + (i * Page)), Kernel);
            for (var i = 0UL; i < 8; i++)
            {
                Assert.That(machine.FaultOf(() => machine.Port.Load<int>(new VirtAddr(limited + (i * Page)), User)).Cause, Is.EqualTo(FaultCause.Permission));
                machine.Port.Load<int>(new VirtAddr(free + (i * Page)), User);
                machine.Port.Load<int>(new VirtAddr(limited + (i * Page)), Kernel);
            }
        }
    }

    [Test]
    public void A_table_that_is_not_marked_as_used_is_marked_by_the_walk_through_it()
    {
        const ulong accessed = 1UL << 5;
        using var machine = new MmuMachine<X86Format<FourLevel>>(watch: false);
        Assert.That(machine.Map(0, 0, 2 * Block, machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Page)).IsOk);
        for (var i = 0UL; i < 4; i++)
            machine.Port.Load<int>(new VirtAddr(i * Page), Kernel);
        foreach (var table in TablesAbove(machine, Block))
            machine.Machine.Memory.WriteUInt64(table, machine.Machine.Memory.ReadUInt64(table) & ~accessed);
        machine.Port.Load<int>(new VirtAddr(Block), Kernel);
        foreach (var table in TablesAbove(machine, Block))
            Assert.That(machine.Machine.Memory.ReadUInt64(table) & accessed, Is.EqualTo(accessed), $"{table}");
    }

    // Where the descriptors of the tables on the way to an address lie, the root's first.
    private static List<PhysAddr> TablesAbove<TFormat>(MmuMachine<TFormat> machine, ulong virt) where TFormat : struct, ITranslationFormat
    {
        var format = machine.Format;
        var found = new List<PhysAddr>();
        var table = machine.Tables.Root.Value;
        for (var level = format.RootLevel; level != format.LastLevel; level = format.NextLevel(level))
        {
            found.Add(new PhysAddr(table + ((ulong)format.Index(virt, level) * (ulong)format.DescriptorSize)));
            table = format.TableAddress(machine.Machine.Memory.ReadUInt64(found[^1]), level);
        }
        return found;
    }
}
