using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Mmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>
/// A table that is taken out is given back after the invalidation and not before: until then a walk that has begun may still read it, and what the page holds by then
/// would be taken for descriptors (Linux, mm/mmu_gather.c, on page table pages; ARM DDI 0487, D8.17.1).
/// </summary>
internal sealed class RemovedTablesTests
{
    [Test]
    public void A_table_goes_back_after_the_invalidation_that_ends_the_walks_in_it()
    {
        Check(default(X86Format<FourLevel>));
        Check(new Vmsav8Format<Granule4K>(48));

        static void Check<TFormat>(TFormat format) where TFormat : struct, ITranslationFormat
        {
            using var machine = new MmuMachine<TFormat>(format, watch: false);
            var (page, block) = (machine.Page, 512 * machine.Page);
            var small = machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: page);
            var before = new List<long>();
            machine.Domain.Invalidating += _ => before.Add(machine.Tables.TableCount);
            Gives("unmapping all of a table", () => machine.Unmap(0, block), () => machine.Map(0, 0, block, small));
            Gives("tables of two levels", () => machine.Unmap(0, 512 * block), () => machine.Map(0, 0, 512 * block, small));
            Gives("pages that become a block", () => machine.Tables.Join(machine.Cpu, default, block, out _), () => machine.Map(0, 0, block, small));
            Assert.That(machine.Unmap(0, block).IsOk);
            Gives("a block in the place of an empty table", () => machine.Map(0, 0, block), () => machine.Map(0, 0, page), () => machine.Unmap(0, page));
            Assert.That(machine.Unmap(0, block).IsOk);
            Gives("reclaim", () => { machine.Tables.ReclaimTables(machine.Cpu, format.InputRanges[0]); return default; }, () => machine.Map(0, 0, page), () => machine.Unmap(0, page));

            void Gives(string what, Func<PageTableResult> change, params Func<PageTableResult>[] first)
            {
                foreach (var step in first)
                    Assert.That(step().IsOk, what);
                var had = machine.Tables.TableCount;
                before.Clear();
                Assert.That(change().IsOk, what);
                Assert.That(machine.Tables.TableCount, Is.LessThan(had), $"{format.Name}, {what}: given back in the end");
                // The first one ends the walks; followers may need another.
                Assert.That(before, Is.Not.Empty, $"{format.Name}, {what}: invalidated");
                Assert.That(before[0], Is.EqualTo(had), $"{format.Name}, {what}: when it was invalidated");
            }
        }
    }

    [Test]
    public void A_gather_invalidates_once_all_that_was_changed_and_gives_tables_back_after_that([Values] bool descending)
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        var block = 512 * machine.Page;
        Assert.That(machine.Map(0, 0, 4 * block, machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: machine.Page)).IsOk);
        var (tables, broadcasts) = (machine.Tables.TableCount, machine.Domain.Broadcasts);
        var before = new List<long>();
        machine.Domain.Invalidating += _ => before.Add(machine.Tables.TableCount);
        var gather = new TlbGather(machine.Cpu);
        for (var i = 0UL; i < 4; i++)
            Assert.That(machine.Tables.Unmap(machine.Cpu, new VirtAddr((descending ? 3 - i : i) * block), block, gather).IsOk);
        Assert.That(machine.Domain.Broadcasts, Is.EqualTo(broadcasts));
        Assert.That(machine.Tables.TableCount, Is.EqualTo(tables), "a walk may still be in them");
        Assert.That(machine.Domain.Changes!.PendingCount, Is.Not.Zero);
        gather.Finish();
        Assert.That(machine.Domain.Broadcasts, Is.EqualTo(broadcasts + 1));
        Assert.That(before, Is.EqualTo(new[] { tables }), "when it was invalidated");
        Assert.That(machine.Tables.TableCount, Is.EqualTo(tables - 4));
        Assert.That(machine.Domain.Changes!.PendingCount, Is.Zero);
        Assert.That(gather.IsEmpty);
    }

    [Test]
    public void The_end_of_a_tree_invalidates_before_its_tables_go()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(watch: false);
        Assert.That(machine.Map(0, 0, machine.Page).IsOk);
        var had = machine.Tables.TableCount;
        var seen = 0L;
        machine.Domain.Invalidating += _ => seen = machine.Tables.TableCount;
        machine.Tables.Free(machine.Cpu);
        Assert.That(seen, Is.EqualTo(had));
        machine.Machine.Allocator.Verify();
    }
}
