using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Protection;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mpu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MpuTests;

/// <summary>Boards that run with their memory protection unit alone.</summary>
public sealed class MpuKernelTests
{
    private static readonly Privilege[] s_privileges = Enum.GetValues<Privilege>();
    private static readonly AccessRights[] s_rights = [AccessRights.Read, AccessRights.Write, AccessRights.Execute];

    private static IEnumerable<string> Boards =>
        ["qemu/mps2-an385", "qemu/mps2-an386", "qemu/mps2-an500", "qemu/mps2-an505", "qemu/mps3-an547", "qemu/zcu102-rpu", "qemu/virt-riscv32", "qemu/virt-riscv64"];

    private static MpuKernel Boot(string board) => MpuKernel.Boot(TestBoards.Compilation(board));

    [TestCaseSource(nameof(Boards))]
    public void In_each_domain_an_access_is_granted_exactly_where_the_policy_grants_it(string board)
    {
        var compilation = TestBoards.Compilation(board);
        var policy = compilation.Board!.Protection!;
        using var kernel = MpuKernel.Boot(compilation);
        var random = new Random(1);
        for (var turn = 0; turn < 3 * kernel.Domains.Length; turn++)
        {
            kernel.Switch(kernel.Domains[random.Next(kernel.Domains.Length)].Name);
            var domain = kernel.Current.Name is { Length: > 0 } name ? name : null;
            foreach (var address in Addresses(policy, kernel.Plan.Format, random))
            {
                foreach (var privilege in s_privileges)
                {
                    var want = policy.RightsAt(address, privilege, domain, kernel.Plan.Format);
                    if (kernel.Plan.Format.NeverExecuted.Contains(new PhysAddr(address)))
                        want &= ~AccessRights.Execute;
                    foreach (var right in s_rights)
                    {
                        Assert.That(kernel.Cpu.Ask(new VirtAddr(address), 1, right, privilege) == FaultCause.None, Is.EqualTo((want & right) != 0),
                            $"turn {turn}, domain {domain}: {privilege} {right} of 0x{address:x}");
                    }
                }
            }
        }
    }

    [TestCaseSource(nameof(Boards))]
    public void A_switch_writes_the_registers_that_differ_and_leaves_what_the_plan_says(string board)
    {
        using var kernel = Boot(board);
        var all = MpuSwitch.Between(kernel.Plan.Format, null, kernel.Domains[^1].Board.Registers, kernel.Plan.RegionCount).Writes.Length;
        var random = new Random(2);
        var (before, written, most) = (kernel.Current.Board.Registers, 0, 0);
        for (var turn = 0; turn < 200; turn++)
        {
            var from = kernel.Unit.RegisterWrites;
            var change = kernel.Switch(kernel.Domains[random.Next(kernel.Domains.Length)].Name);
            Assert.That(kernel.Unit.RegisterWrites - from, Is.EqualTo((ulong)change.Writes.Length), "counted");
            Assert.That(kernel.VerifyProgrammed(), Is.Empty);
            var now = kernel.Current.Board.Registers;
            Assert.That(change.Writes.Select(w => (w.Space, w.Region, w.Register)), Is.EquivalentTo(Different(before, now)));
            (before, written, most) = (now, written + change.Writes.Length, Math.Max(most, change.Writes.Length));
        }
        TestContext.Out.WriteLine($"{board}: {written / 200.0:F1} registers a switch, {most} at most; all are {all}");
        Assert.That(most, Is.LessThan(all));
    }

    [Test]
    public void A_region_that_was_off_is_written_in_full_even_where_its_values_are_zero()
    {
        var format = MpuFormats.Find("pmsav7-m")!;
        var rights = new MpuAttributes(AccessRights.ReadWrite, AccessRights.ReadWrite, MpuMemoryType.NormalWriteBack, false);
        var high = format.Encode([new MpuRegion(0, new PhysRange(new PhysAddr(0x2000_0000), 0x1000), rights)], false);
        var (none, low) = (format.Encode([], false), format.Encode([new MpuRegion(0, new PhysRange(PhysAddr.Zero, 0x1000), rights)], false));
        var unit = new MpuUnit(format, 8, [high, none, low]);
        foreach (var (from, to) in new (MpuRegisterFile?, MpuRegisterFile)[] { (null, high), (high, none), (none, low) })
            unit.Apply(MpuSwitch.Between(format, from, to, 8));
        Assert.That(unit.Table.Regions.Select(r => r.Range.Start), Is.EqualTo(new[] { PhysAddr.Zero }));
    }

    // Its configuration turns it off; the address that stays is no difference from the plan, and no range starts there.
    [Test]
    public void An_entry_of_a_PMP_that_goes_off_keeps_its_address()
    {
        var format = PmpFormat.Rv32;
        MpuRegion Entry(int number, ulong start) => new(number, new PhysRange(new PhysAddr(start), 0x1000), new MpuAttributes(AccessRights.All, AccessRights.Read, 0, false)) { Mode = PmpMode.Napot };
        var (one, two) = (format.Encode([Entry(0, 0x8000_0000)], true), format.Encode([Entry(0, 0x8000_0000), Entry(1, 0x9000_0000)], true));
        var unit = new MpuUnit(format, 4, [one, two]);
        unit.Apply(MpuSwitch.Between(format, null, two, 4));
        var change = MpuSwitch.Between(format, two, one, 4);
        Assert.That(change.Writes.Select(w => w.Register), Is.EqualTo(new[] { "pmpcfg0" }));
        unit.Apply(change);
        Assert.That(unit.Registers.Regions.Single(r => r.Number == 1)["pmpaddr1"], Is.Not.Zero);
        Assert.That(MpuReadback.Compare(format, one, unit.Registers), Is.Empty);
        Assert.That(unit.At(0x9000_0000, Privilege.User).Decision.Rights, Is.EqualTo(AccessRights.None));
        Assert.That(unit.At(0x8000_0000, Privilege.User).Decision.Rights, Is.EqualTo(AccessRights.Read));
        // Still on, it is a difference, in the configuration and in what it grants.
        Assert.That(MpuReadback.Compare(format, one, two).Select(d => d.Register), Is.EqualTo(new[] { "pmpcfg0", "pmpaddr1" }));
    }

    [Test]
    public void The_default_map_goes_with_a_switch_and_is_found_where_it_should_not_be()
    {
        var format = MpuFormats.Find("pmsav7-m")!;
        var (with, without) = (format.Encode([], true), format.Encode([], false));
        var unit = new MpuUnit(format, 8, [with, without]);
        unit.Apply(MpuSwitch.Between(format, null, with, 8));
        Assert.That(unit.At(0x2000_0000, Privilege.Privileged).Decision.Rights, Is.Not.EqualTo(AccessRights.None));
        Assert.That(MpuReadback.Compare(format, without, unit.Registers).Select(d => d.Effect), Is.EqualTo(new[] { "privileged code has the default map where no region is" }));
        unit.Apply(MpuSwitch.Between(format, with, without, 8));
        Assert.That(unit.At(0x2000_0000, Privilege.Privileged).Decision.Rights, Is.EqualTo(AccessRights.None));
        Assert.That(MpuReadback.Compare(format, with, unit.Registers).Select(d => d.Effect), Is.EqualTo(new[] { "privileged code has nothing where no region is" }));
    }

    [Test]
    public void A_domain_of_another_kernel_is_refused()
    {
        using var one = Boot("qemu/mps2-an385");
        using var other = Boot("qemu/mps2-an385");
        Assert.That(Assert.Throws<ArgumentException>(() => one.Switch(other.Domains[1]))!.Message, Does.Contain("another kernel"));
        one.Switch(one.Domains[1]);
        Assert.That(one.Current, Is.SameAs(one.Domains[1]));
    }

    [Test]
    public void A_task_has_a_stack_that_ends_in_its_guard()
    {
        using var kernel = Boot("qemu/mps2-an385");
        var fault = kernel.Run("console", task =>
        {
            for (var depth = 0; ; depth++)
                task.Store(task.Enter(64), depth);
        });
        var stack = kernel.Domains.Single(d => d.Name == "console").Stack!.Value;
        Assert.That(fault!.Value.Address.Value, Is.EqualTo(stack.Start.Value - 64));
        Assert.That(fault.Value.Report, Is.EqualTo(new FaultReport("MemManage", "CFSR", 0x82, "MMFAR", stack.Start.Value - 64)));
        Assert.That((kernel.Current.Name, fault.Value.Cause, fault.Value.Privilege), Is.EqualTo(("", FaultCause.Permission, Privilege.User)));
    }

    [Test]
    public void What_one_domain_may_write_another_may_read_and_a_third_not_see()
    {
        using var kernel = Boot("qemu/mps2-an385");
        var mailbox = new VirtAddr(0x2103_0000);
        Assert.That(kernel.Run("console", task => task.Store(mailbox, 0x1234)), Is.Null);
        var seen = 0;
        Assert.That(kernel.Run("sensor", task => seen = task.Load<int>(mailbox)), Is.Null);
        Assert.That(seen, Is.EqualTo(0x1234));
        Assert.That(kernel.Run("sensor", task => task.Store(mailbox, 1))!.Value.Access, Is.EqualTo(AccessRights.Write));
        Assert.That(kernel.Run("worker", task => task.Load<int>(mailbox))!.Value.Access, Is.EqualTo(AccessRights.Read));
        Assert.That(kernel.Cpu.Load<int>(mailbox, Privilege.Privileged), Is.EqualTo(0x1234), "what was refused changed nothing");
    }

    [Test]
    public void A_task_gives_out_its_own_heap_and_the_kernel_its_own_memory()
    {
        using var kernel = Boot("qemu/mps2-an385");
        var block = kernel.Alloc(100)!.Value;
        Assert.That(kernel.KernelRange.Contains(new PhysAddr(block.Value)));
        kernel.Cpu.Store(block, 7L, Privilege.Privileged);
        Assert.That(kernel.Run("worker", task =>
        {
            var mine = task.Alloc(5000)!.Value;
            Assert.That(task.Domain.HeapRange!.Value.Contains(new PhysAddr(mine.Value)));
            task.Store(mine, 42);
            task.Free(mine);
            Assert.That(task.Alloc(1 << 20), Is.Null);
        }), Is.Null);
        Assert.That(kernel.Run("worker", task => task.Load<long>(block))!.Value.Report.Status, Is.EqualTo(0x82));
        kernel.Free(block);
    }

    [Test]
    public void A_register_that_somebody_else_wrote_decides_and_is_found_and_put_right_by_the_next_switch()
    {
        using var kernel = Boot("qemu/mps2-an385");
        kernel.Switch("console");
        var stack = kernel.Current.Stack!.Value;
        var region = kernel.Current.Board.Regions.Single(r => r.Covers(stack.Start.Value) && r.Attributes.User != 0);
        kernel.Unit.Write(MpuSpace.Unified, region.Number, "RASR", 0);
        Assert.That(kernel.Cpu.Ask(new VirtAddr(stack.Start.Value), 4, AccessRights.Read, Privilege.User), Is.EqualTo(FaultCause.Permission), "the kernel's region is behind it");
        Assert.That(kernel.VerifyProgrammed().Select(d => (d.Region, d.Register)), Is.EqualTo(new[] { ((int?)region.Number, "RASR") }));
        kernel.Switch("console");
        Assert.That(kernel.VerifyProgrammed(), Is.Empty);
        Assert.That(kernel.Cpu.Ask(new VirtAddr(stack.Start.Value), 4, AccessRights.Read, Privilege.User), Is.EqualTo(FaultCause.None));
    }

    [TestCase("qemu/mps2-an385", "BusFault", 0x8200ul, "BFAR")]
    [TestCase("qemu/virt-riscv64", "load access fault", 5ul, "mtval")]
    public void Where_nothing_answers_a_granted_access_ends_in_the_bus_s_fault(string board, string exception, ulong status, string register)
    {
        using var kernel = Boot(board);
        var device = kernel.Plan.Domains[1].Entries.Single(e => e.Name == "uart").Range.Start.Value;
        var fault = Assert.Throws<MemoryFaultException>(() => kernel.Cpu.Load<uint>(new VirtAddr(device), Privilege.Privileged)).Fault;
        Assert.That((fault.Cause, fault.Report), Is.EqualTo((FaultCause.ExternalAbort, new FaultReport(exception, "CFSR mcause".Split(' ')[status == 5 ? 1 : 0], status, register, device))));
    }

    [Test]
    public void A_PMP_refuses_an_access_that_its_first_entry_holds_in_part_and_an_Arm_unit_judges_each_part()
    {
        using var pmp = Boot("qemu/virt-riscv32");
        pmp.Switch("console");
        // 4 bytes before the mailbox's end the next entry, or none, begins: both grant M-mode everything.
        var end = new VirtAddr(0x8013_0104 - 2);
        Assert.That(pmp.Cpu.Ask(end, 2, AccessRights.Read, Privilege.Privileged), Is.EqualTo(FaultCause.None));
        Assert.That(pmp.Cpu.Ask(end, 4, AccessRights.Read, Privilege.Privileged), Is.EqualTo(FaultCause.Permission));
        using var arm = Boot("qemu/mps2-an385");
        arm.Switch("console");
        Assert.That(arm.Cpu.Ask(new VirtAddr(0x2103_0100 - 2), 4, AccessRights.Read, Privilege.Privileged), Is.EqualTo(FaultCause.None));
        Assert.That(arm.Cpu.Ask(new VirtAddr(0x2103_0100 - 2), 4, AccessRights.Read, Privilege.User), Is.EqualTo(FaultCause.Permission));
    }

    [Test]
    public void A_driver_reaches_its_device_and_its_memory_through_the_kernel_it_is_in()
    {
        using var kernel = Boot("qemu/mps2-an385");
        var uart = new Uart();
        var registers = new PhysRange(new PhysAddr(0x4000_4000), 0x1000);
        kernel.Memory.RequestMemRegion(registers, "uart0", uart);
        Assert.That(UartDriver.Send(kernel, registers, "hello"u8), Is.True);
        Assert.That(uart.Sent, Is.EqualTo("hello"u8.ToArray()));
        Assert.That(kernel.MapDevice(new PhysRange(new PhysAddr(0x5000_0000), 0x1000)), Is.Null, "the kernel is not granted it");
        Assert.That(kernel.MapDevice(PhysRange.FromBounds(registers.Start, 0x5000_1000ul)), Is.Null, "the kernel is granted its start alone");
    }

    [Test]
    public void A_board_without_a_plan_is_refused_in_words() => Assert.That(
        Assert.Throws<ArgumentException>(() => Boot("qemu/virt-cortex-a15"))!.Message, Does.Contain("virt-cortex-a15").And.Contain("no protection plan"));

    [Test]
    public void A_domain_that_is_not_there_is_named_with_those_that_are()
    {
        using var kernel = Boot("qemu/mps2-an385");
        Assert.That(Assert.Throws<ArgumentException>(() => kernel.Switch("consol")).Message, Does.Contain("console, sensor, worker"));
    }

    // Registers of regions that both have and that differ; all of a region that only the next one has; the enable register of one that only the last one had: a PMP
    // entry has that in a shared one, and its address means nothing then.
    private static IEnumerable<(MpuSpace, int, string)> Different(MpuRegisterFile from, MpuRegisterFile to)
    {
        var old = from.Regions.ToDictionary(r => (r.Space, r.Number));
        var next = to.Regions.ToDictionary(r => (r.Space, r.Number));
        foreach (var (key, region) in next)
        {
            foreach (var register in region.Values)
            {
                if (!old.TryGetValue(key, out var before) || before[register.Name] != register.Value)
                    yield return (key.Space, key.Number, register.Name);
            }
        }
        foreach (var key in old.Keys.Except(next.Keys))
        {
            if (old[key].Values.Select(v => v.Name).FirstOrDefault(n => n is "RASR" or "DRSR" or "RLAR") is { } enable)
                yield return (key.Space, key.Number, enable);
        }
        foreach (var name in from.Shared.Concat(to.Shared).Select(s => s.Name).Distinct())
        {
            var (a, b) = (from.Shared.FirstOrDefault(s => s.Name == name).Value, to.Shared.FirstOrDefault(s => s.Name == name).Value);
            if (a != b)
                yield return (MpuSpace.Unified, -1, name);
        }
    }

    private static SortedSet<ulong> Addresses(ProtectionPolicy policy, MpuFormat format, Random random)
    {
        var addresses = new SortedSet<ulong>();
        foreach (var range in policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)).Select(e => e.Range))
        {
            foreach (var edge in new[] { range.Start.Value, range.End.Value })
            {
                addresses.Add(unchecked(edge - 1));
                addresses.Add(edge);
                addresses.Add(edge + format.Granule);
            }
            addresses.Add(range.Start.Value + (ulong)random.NextInt64((long)range.Size.Value));
        }
        for (var i = 0; i < 50; i++)
            addresses.Add((ulong)random.NextInt64(0x1_0000_0000));
        addresses.RemoveWhere(a => !format.AddressSpace.Contains(new PhysAddr(a)));
        return addresses;
    }

    /// <summary>A device with one register that sends what is written.</summary>
}
