using System;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>A CPU that misses without an atomic operation, and others who invalidate meanwhile.</summary>
internal sealed class TlbGateTests
{
    private const ulong Page = 4096;

    private sealed class Shared
    {
        public TlbGate Gate;
        public bool IsOver;

        // Equal whenever nobody is in.
        public long One;
        public long Two;
        public long Wrong;

        public void Change()
        {
            if (One != Two)
                Wrong++;
            One++;
            Two++;
        }
    }

    [Test]
    public void One_at_a_time_is_in_however_often_the_door_opens_and_shuts()
    {
        var shared = new Shared();
        var entered = 0L;
        var cpu = new Thread(() =>
        {
            for (; !Volatile.Read(ref shared.IsOver); entered++)
            {
                shared.Gate.Enter();
                shared.Change();
                shared.Gate.Leave();
            }
        });
        cpu.Start();
        const int visits = 2000;
        for (var i = 0; i < visits; i++)
        {
            // Long enough for the door to open in between, and not in step with it.
            var before = Volatile.Read(ref entered);
            while (Volatile.Read(ref entered) < before + TlbGate.Row + (i % 64))
                Thread.Yield();
            for (var again = 0; again <= i % 3; again++)
            {
                shared.Gate.EnterFromOutside();
                shared.Change();
                shared.Gate.LeaveFromOutside();
            }
        }
        Volatile.Write(ref shared.IsOver, true);
        cpu.Join();
        Assert.That(shared.Wrong, Is.Zero, "came in while another one was");
        Assert.That(shared.One, Is.EqualTo(shared.Two));
        Assert.That(shared.One, Is.EqualTo(entered + (visits / 3 * 6) + (visits % 3 == 0 ? 0 : visits % 3 == 1 ? 1 : 3)), "no change was lost");
    }

    [Test]
    public void After_an_invalidation_has_returned_no_miss_that_was_on_its_way_fills_what_it_found_before()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>(watch: false, profile: new TlbProfile("tiny", 16, 4));
        const int pages = 128;
        const ulong first = 1UL << 30;
        var prot = machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Page);
        Assert.That(machine.Map(first, 0, pages * Page, prot).IsOk);
        var misses = 0L;
        var asked = -1;
        var answers = 0;
        var late = 0;
        var cpu = new Thread(() =>
        {
            for (var i = 0; answers < 300; i++)
            {
                var at = i * 37 % pages;
                var gone = Volatile.Read(ref asked);
                if (gone >= 0)
                {
                    // It was unmapped and invalidated before this was read.
                    if (Answers(gone))
                        late++;
                    answers++;
                    Volatile.Write(ref asked, -1);
                }
                Answers(at);
                Volatile.Write(ref misses, misses + 1);
            }
        });
        cpu.Start();
        for (var round = 0; cpu.IsAlive; round++)
        {
            var before = Volatile.Read(ref misses);
            while (cpu.IsAlive && Volatile.Read(ref misses) < before + TlbGate.Row + (round * 11 % 256))
                Thread.Yield();
            var page = round * 37 % pages;
            var at = new VirtAddr(first + ((ulong)page * Page));
            Assert.That(machine.Tables.Unmap(machine.Cpu, at, Page).IsOk);
            Volatile.Write(ref asked, page);
            while (cpu.IsAlive && Volatile.Read(ref asked) >= 0)
                Thread.Yield();
            Assert.That(machine.Map(at.Value, (ulong)page * Page, Page, prot).IsOk);
        }
        cpu.Join();
        Assert.That(late, Is.Zero, "of 300 unmapped pages");

        bool Answers(int page)
        {
            try
            {
                machine.Port.Load<int>(new VirtAddr(first + ((ulong)page * Page)), Privilege.Privileged);
                return true;
            }
            catch (Runtime.Processor.MemoryFaultException)
            {
                return false;
            }
        }
    }
}
