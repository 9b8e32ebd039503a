using System;
using System.Linq;
using System.Threading.Tasks;
using KmemKit.Architecture;
using KmemKit.Conformance.Harness;
using KmemKit.Conformance.Harness.Observation;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Harness;

public sealed class ObservationTests
{
    [TestCase(true)]
    [TestCase(false)]
    public void A_snapshot_knows_each_changed_byte_and_gives_them_back(bool mmu)
    {
        using var machine = new FirmwareHarness(Machines.Of(mmu));
        var ram = machine.Memory.Ram[0];
        var quiet = new PhysRange(ram.Start + 0x300000, 0x100000);
        machine.Memory.WriteUInt32(quiet.Start + 0xffe, 0x11223344);
        var snapshot = machine.Snapshot(quiet);
        Assert.That(snapshot.Changes(), Is.Empty);

        machine.Memory.WriteUInt32(quiet.Start + 0xffe, 0x11553344);
        machine.Memory.WriteByte(quiet.Start + 0x50000, 9);
        var changes = snapshot.Changes();

        Assert.That(changes.Select(c => (c.Start, c.Before.Single(), c.After.Single())), Is.EqualTo(new[]
        {
            (quiet.Start + 0x1000, (byte)0x22, (byte)0x55), (quiet.Start + 0x50000, (byte)0, (byte)9),
        }));
        snapshot.Restore(quiet);
        Assert.That(snapshot.Changes(), Is.Empty);
        Assert.That(machine.Memory.ReadUInt32(quiet.Start + 0xffe), Is.EqualTo(0x11223344));
    }

    [Test]
    public void A_snapshot_of_all_memory_costs_what_was_touched()
    {
        using var machine = new FirmwareHarness(Machines.Mmu);

        Assert.That(machine.Snapshot().Bytes, Is.GreaterThan(0).And.LessThan((long)(machine.Memory.TotalBytes / 4)));
        Assert.That(() => machine.Snapshot(new PhysRange(new PhysAddr(0x10000000), 0x1000)), Throws.ArgumentException);
    }

    [Test]
    public void Watchpoints_see_the_accesses_they_asked_for()
    {
        using var machine = new FirmwareHarness(Machines.Mmu);
        var block = machine.Kernel.Alloc(64)!.Value;
        var watched = new VirtRange(block + 8, 4);
        using var count = machine.Watchpoints.Add(watched, AccessRights.Read | AccessRights.Write, _ => { });
        using (machine.Watchpoints.Stop(watched, AccessRights.Write))
        {
            machine.Cpu.Store32(block + 4, 1);
            machine.Cpu.Load32(block + 8);
            var hit = Assert.Throws<WatchpointHitException>(() => machine.Cpu.Store64(block + 4, 5))!;
            Assert.That((hit.Record.Address, hit.Record.Value), Is.EqualTo((block + 4, 5ul)));
        }
        machine.Cpu.Store32(block + 8, 6);

        Assert.That(count.Hits, Is.EqualTo(3));
    }

    [Test]
    public void The_trace_keeps_the_last_accesses_and_counts_all()
    {
        using var machine = new FirmwareHarness(Machines.Mmu, new HarnessOptions { TraceCapacity = 3 });
        var block = machine.Kernel.Alloc(64)!.Value;
        for (var i = 0u; i < 5; i++)
            machine.Cpu.Store32(block, i);
        Assert.That(() => machine.User.Load32(block), Throws.Exception);

        Assert.That(machine.Trace.Total, Is.EqualTo(6));
        Assert.That(machine.Trace.Select(r => r.Value), Is.EqualTo(new ulong[] { 3, 4, 0 }));
        Assert.That(machine.Trace.ToString(), Does.Contain("fault: Permission"));
    }

    [TestCase(true)]
    [TestCase(false)]
    public void A_scenario_repeats_by_its_seed_and_another_seed_is_another_run(bool mmu)
    {
        static void Scenario(FirmwareHarness machine)
        {
            var block = machine.Kernel.Alloc(256)!.Value;
            for (var i = 0; i < 50; i++)
            {
                machine.Run((ulong)machine.Random.Next(100));
                machine.Cpu.Store8(block + (ulong)machine.Random.Next(256), (byte)machine.Random.Next(256));
            }
        }

        var image = Machines.Of(mmu);
        Assert.That(Replay.FirstDifference(image, new HarnessOptions { Seed = 4 }, Scenario), Is.Null);
        using var first = new FirmwareHarness(image, new HarnessOptions { Seed = 4 });
        using var other = new FirmwareHarness(image, new HarnessOptions { Seed = 5 });
        Scenario(first);
        Scenario(other);
        Assert.That(first.Trace.Fingerprint, Is.Not.EqualTo(other.Trace.Fingerprint));
        var calls = 0;
        Assert.That(Replay.FirstDifference(image, new HarnessOptions(), m => m.Cpu.Store8(m.Kernel.Alloc(8)!.Value, (byte)calls++)), Does.Contain("0x0").And.Contain("0x1"));
        PhysRange quiet = new(image.Compilation.Layout!.Banks[0].Range.Start + 0x800000, 0x1000);
        Assert.That(Replay.FirstDifference(image, new HarnessOptions(), m => m.Memory.WriteByte(quiet.Start + 4, 7), quiet), Is.Null);
        Assert.That(Replay.FirstDifference(image, new HarnessOptions(), m => m.Memory.WriteByte(quiet.Start + 4, (byte)calls++), quiet), Does.Contain("RAM differs"));
    }

    [Test]
    public void Machines_run_beside_each_other_and_share_nothing() => Parallel.For(0, 8, number =>
    {
        using var machine = new FirmwareHarness(Machines.Of(number % 2 == 0));
        var block = machine.Kernel.Alloc(64)!.Value;
        for (var i = 0; i < 2000; i++)
        {
            machine.Cpu.Store32(block, (uint)(number << 16 | i));
            if (machine.Cpu.Load32(block) != (uint)(number << 16 | i))
                throw new InvalidOperationException($"machine {number} sees another's value");
        }
        machine.Kernel.Free(block);
    });
}
