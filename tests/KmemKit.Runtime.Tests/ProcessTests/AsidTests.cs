using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Processes;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>Numbers of address spaces, when they run out.</summary>
internal sealed class AsidTests : ProcessFixture
{
    [Test]
    public void Numbers_of_address_spaces_run_out_and_nobody_sees_another_ones_memory()
    {
        using var machine = new ProcessMachine("vmsav8-64-4k", new ProcessOptions { AsidBits = 3 });
        var processes = Enumerable.Range(0, 20).Select(i => machine.Start($"p{i}")).ToArray();
        var at = new VirtAddr(0x1000_0000);
        foreach (var process in processes)
        {
            process.Mmap(at, machine.Page, Rw, Private | MapFlags.Fixed);
            Store(process, at, (ulong)process.Pid);
        }
        for (var round = 0; round < 5; round++)
        {
            foreach (var process in processes)
                Assert.That(Load(process, at), Is.EqualTo((ulong)process.Pid));
        }
        Assert.That(machine.Table.AsidRollovers, Is.GreaterThan(10));
        Assert.That(machine.Lost(), Is.Zero);
    }

    /// <summary>Who comes in at a rollover with a number of an earlier generation does not keep it: it may be that of one who runs elsewhere.</summary>
    [Test]
    public void A_number_of_an_earlier_generation_is_not_kept_at_a_rollover()
    {
        using var machine = new ProcessMachine("vmsav8-64-4k", new ProcessOptions { AsidBits = 2 });
        // Three numbers a generation; the first one of each generation is 1.
        var late = machine.Start("late");
        Run(late, 1);
        for (var i = 0; i < 2; i++)
            Run(machine.Start(), 1);
        machine.Table.Switch(1, null);
        var owner = machine.Start("owner");
        var page = owner.Mmap(default, machine.Page, Rw, Private).Address;
        Assert.That(owner.TryStore(page, 8, 7, 0), Is.Null);
        Assert.That((owner.Space.Tables.Asid, late.Space.Tables.Asid), Is.EqualTo(((ushort)1, (ushort)1)));
        for (var i = 0; i < 2; i++)
            Run(machine.Start(), 1);
        Run(late, 1);
        Assert.That(machine.Table.AsidRollovers, Is.EqualTo(2));
        Assert.That(late.Space.Tables.Asid, Is.Not.EqualTo(owner.Space.Tables.Asid));
        Assert.That(owner.TryLoad(page, 8, out _, 1), Is.Null);
        Assert.That(late.TryLoad(page, 8, out _, 1)?.Code, Is.EqualTo(SignalCode.MapError), "through the other's translation");

        static void Run(Process process, int cpu) => Assert.That(process.TryLoad(default, 8, out _, cpu)?.Code, Is.EqualTo(SignalCode.MapError));
    }
}
