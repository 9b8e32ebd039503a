using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Conformance.Harness;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Harness;

public sealed class InjectionTests
{
    [TestCase(true)]
    [TestCase(false)]
    public void The_allocation_that_was_named_fails_and_no_other(bool mmu)
    {
        using var machine = new FirmwareHarness(Machines.Of(mmu));
        machine.Inject.FailAllocation(2);

        var blocks = Enumerable.Range(0, 4).Select(_ => machine.Kernel.Alloc(100)).ToArray();

        Assert.That(blocks.Select(b => b is null), Is.EqualTo(new[] { false, true, false, false }));
    }

    [Test]
    public void A_bit_turns_over_at_its_time()
    {
        using var machine = new FirmwareHarness(Machines.Mmu);
        var at = machine.Memory.Ram[0].Start + 0x300000;
        machine.Inject.FlipBitAfter(100, at, 3);
        machine.Run(99);
        Assert.That(machine.Memory.ReadByte(at), Is.Zero);
        machine.Run(1);

        Assert.That(machine.Memory.ReadByte(at), Is.EqualTo(8));
        var (where, bit) = machine.Inject.FlipBitIn(new PhysRange(at + 0x1000, 0x100));
        Assert.That(machine.Memory.ReadByte(where), Is.EqualTo(1 << bit));
    }

    /// <summary>A restore gives RAM back and nothing else: chance, time and what is still to come go on, the same in each run of a seed.</summary>
    [TestCase(true)]
    [TestCase(false)]
    public void Faults_behind_a_restore_repeat_by_the_seed(bool mmu)
    {
        List<string> Rounds(int seed)
        {
            using var machine = new FirmwareHarness(Machines.Of(mmu), new HarnessOptions { Seed = seed });
            var quiet = new PhysRange(machine.Memory.Ram[0].Start + 0x300000, 0x1000);
            var snapshot = machine.Snapshot(quiet);
            var seen = new List<string>();
            for (var round = 0; round < 4; round++)
            {
                machine.Inject.FlipBitAfter(150, quiet.Start, round);
                machine.Inject.FlipBitIn(quiet);
                machine.Inject.FailAllocation(machine.Random.Next(1, 4));
                var blocks = Enumerable.Range(0, 3).Select(_ => machine.Kernel.Alloc(64)).ToArray();
                machine.Run(100);
                seen.Add(string.Join("; ", snapshot.Changes()) + " failed " + Array.IndexOf(blocks, null));
                snapshot.Restore(quiet);
                Assert.That(snapshot.Changes(), Is.Empty);
            }
            // The flip that was due behind the last restore meets what that gave back.
            machine.Run(50);
            Assert.That(machine.Memory.ReadByte(quiet.Start), Is.EqualTo(1 << 3));
            return seen;
        }

        var first = Rounds(seed: 9);
        Assert.That(first, Has.All.Match("^.+ failed [012]$"));
        Assert.That(Rounds(seed: 9), Is.EqualTo(first));
        Assert.That(Rounds(seed: 10), Is.Not.EqualTo(first));
    }

    [Test]
    public void A_lost_invalidation_lets_a_stale_translation_be_used_and_that_is_reported()
    {
        using var machine = new FirmwareHarness(Machines.Mmu);
        var kernel = machine.Mmu;
        var cpu = kernel.Allocator.Cpus[0];

        int BugsAfter(bool lose)
        {
            var area = kernel.Vmalloc.Vmalloc(cpu, 0x1000, caller: "test")!.Value;
            machine.Cpu.Store32(area, 1);
            if (lose)
                machine.Inject.LoseInvalidations(100);
            kernel.Vmalloc.Vfree(cpu, area);
            kernel.Vmalloc.Purge(cpu);
            try
            {
                machine.Cpu.Load32(area);
            }
            catch (Runtime.Processor.MemoryFaultException)
            {
                // A sound machine has nothing there any more.
            }
            return machine.TranslationBugs.Count;
        }

        Assert.That(BugsAfter(lose: false), Is.Zero);
        Assert.That(BugsAfter(lose: true), Is.GreaterThan(0));
        Assert.That(machine.Inject.LostInvalidations, Is.GreaterThan(0));
    }

    /// <summary>Told before the SMMU runs, or while it does; each one that is told and no more.</summary>
    [TestCase(2, "camera", true)]
    [TestCase(2, "camera", false)]
    [TestCase(3, "pcie", true)]
    [TestCase(3, "pcie", false)]
    public void A_lost_invalidation_of_an_SMMU_lets_a_device_reach_what_was_taken_back(int version, string device, bool early)
    {
        using var machine = new FirmwareHarness(version == 2 ? Machines.Smmu : Machines.SmmuV3);
        if (early)
            machine.Inject.LoseSmmuInvalidations();
        var master = machine.Master(device);
        if (!early)
            machine.Inject.LoseSmmuInvalidations();
        var (first, second) = (machine.Kernel.Alloc(4096)!.Value, machine.Kernel.Alloc(4096)!.Value);
        BusAddr Map(VirtAddr block) => master.Map(block, 4096, DmaDirection.Bidirectional);
        SmmuOutcome Write(BusAddr at, byte value) => master.Port.Write(at, [value], out _);
        (byte, byte) Memory() => (machine.Memory.ReadByte(machine.ToPhys(first)!.Value), machine.Memory.ReadByte(machine.ToPhys(second)!.Value));

        var bus = Map(first);
        Assert.That((Write(bus, 1), Memory()), Is.EqualTo((SmmuOutcome.Translated, (1, 0))));
        master.Unmap(bus, 4096, DmaDirection.Bidirectional);
        Assert.That((Write(bus, 2), Memory(), machine.Inject.LostSmmuInvalidations), Is.EqualTo((SmmuOutcome.Translated, (2, 0), 1L)));
        // The device address is given out again, and its old translation is still there.
        Assert.That(Map(second), Is.EqualTo(bus));
        Assert.That((Write(bus, 3), Memory()), Is.EqualTo((SmmuOutcome.Translated, (3, 0))));
        master.Unmap(bus, 4096, DmaDirection.Bidirectional);
        Assert.That((Write(bus, 4), Memory()), Is.EqualTo((SmmuOutcome.Abort, (3, 0))));
        Map(second);
        Assert.That((Write(bus, 5), Memory()), Is.EqualTo((SmmuOutcome.Translated, (3, 5))));
        Assert.That((machine.Inject.LostSmmuInvalidations, machine.Inject.LostInvalidations), Is.EqualTo((1L, 0L)));
        Assert.That(machine.Dma.Debug!.Reports.Select(r => r.Error), Is.EqualTo(new[] { DmaDebugError.DeviceAccessUnmapped, DmaDebugError.DeviceAccessUnmapped }));
    }

    [Test]
    public void Invalidations_are_lost_only_where_there_is_an_SMMU()
    {
        using var machine = new FirmwareHarness(Machines.Mmu);
        Assert.That(() => machine.Inject.LoseSmmuInvalidations(), Throws.InvalidOperationException.With.Message.Contains("gateway has no SMMU"));
        using var small = new FirmwareHarness(Machines.Mpu);
        Assert.That(() => small.Inject.LoseSmmuInvalidations(), Throws.InvalidOperationException);
        Assert.That(() => machine.Inject.LoseSmmuInvalidations(0), Throws.InstanceOf<System.ArgumentOutOfRangeException>());
    }

    private sealed class Counter(string name, PhysicalMemory memory) : IDmaMaster
    {
        public ulong Worked { get; private set; }

        public string Name => name;

        public IDmaPort Port { get; } = new BusPort(memory, new DmaDevice(name));

        public bool InterruptLine => false;

        public event System.Action? InterruptRaised;

        public void Advance(ulong nanoseconds)
        {
            Worked += nanoseconds;
            InterruptRaised?.Invoke();
        }

        public ulong Read(ulong offset, int size) => Worked;

        public void Write(ulong offset, int size, ulong value)
        {
        }
    }

    [Test]
    public void A_master_has_its_share_of_time_and_none_while_it_is_stalled()
    {
        using var machine = new FirmwareHarness(Machines.Mmu);
        var (first, second) = (new Counter("first", machine.Memory), new Counter("second", machine.Memory));
        var line = machine.Interrupts.Line(4, Conformance.Harness.Time.InterruptTrigger.Edge);
        line.Request(() => { });
        machine.Attach(first, "dma0", line);
        machine.Attach(second, "uart1");
        machine.Run(2500);
        Assert.That((first.Worked, second.Worked, line.Served), Is.EqualTo((2500ul, 2500ul, 3)));
        machine.Inject.StallDma(first, 1700);
        machine.Run(2000);

        Assert.That((first.Worked, second.Worked), Is.EqualTo((2800ul, 4500ul)));
        Assert.That(machine.Cpu.Load32(machine.MapDevice("dma0")), Is.EqualTo(2800));
        Assert.That(() => machine.Inject.StallDma(new Counter("third", machine.Memory), 1), Throws.ArgumentException);
    }
}
