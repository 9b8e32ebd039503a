using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Conformance.Harness;
using KmemKit.Conformance.Harness.Faults;
using KmemKit.Runtime.Processor;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Harness;

public sealed class FaultTests
{
    [Test]
    public void A_user_that_writes_kernel_memory_gets_a_permission_fault_that_is_explained()
    {
        using var machine = new FirmwareHarness(Machines.Mmu);
        var block = machine.Kernel.Alloc(64)!.Value;

        Assert.That(() => machine.User.Store32(block, 1), Faults.With(FaultCause.Permission).At(block).On(AccessRights.Write));
        Assert.That(() => machine.Cpu.Store32(block, 1), Faults.None);
        Assert.That(() => machine.User.Load32(new VirtAddr(0x1000)), Faults.With(FaultCause.Translation));
    }

    [Test]
    public void A_failed_expectation_says_board_address_rights_and_source_line()
    {
        using var machine = new FirmwareHarness(Machines.Mmu);
        var block = machine.Kernel.Alloc(64)!.Value;

        var failure = Assert.Throws<AssertionException>(() => Assert.That(() => machine.User.Load32(block), Faults.None))!.Message;
        Assert.That(failure, Does.Contain("no fault").And.Contain("board gateway").And.Contain(block.ToString()).And.Contain("gateway.dts("));
        failure = Assert.Throws<AssertionException>(() => Assert.That(() => machine.Cpu.Load32(block), Faults.With(FaultCause.Permission)))!.Message;
        Assert.That(failure, Does.Contain("it ran to its end"));
        Assert.Throws<AssertionException>(() => Assert.That(() => machine.User.Load32(block), Faults.With(FaultCause.Translation)));
        Assert.Throws<AssertionException>(() => Assert.That(() => machine.User.Load32(block), Faults.At(block + 4)));
        Assert.Throws<AssertionException>(() => Assert.That(() => machine.User.Load32(block), Faults.Any.On(AccessRights.Write)));
        Assert.Throws<AssertionException>(() => Assert.That(() => machine.User.Load32(block), Faults.Any.WithSyndrome(0x7777)));
    }

    /// <summary>Most faults come unexpected, in the middle of a test: what NUnit prints then is the exception's message.</summary>
    [Test]
    public void A_fault_that_nobody_expects_explains_itself_as_things_were_when_it_happened()
    {
        MemoryFaultException fault;
        using (var machine = new FirmwareHarness(Machines.Mmu))
        {
            var block = machine.Kernel.Alloc(64)!.Value;
            fault = Assert.Throws<MemoryFaultException>(() => machine.User.Load32(block))!;
            Assert.That(fault.Message.Split('\n')[1..], Is.EqualTo(machine.Explain(fault.Fault).TrimEnd('\n').Split('\n')));
        }
        Assert.That(fault.Message, Does.Match(@"^data abort: Read of .+ by User code: Permission at level \d; DFSR .+\nboard gateway: ").And.Match(@"gateway\.dts\(\d+,\d+\)$"));
        Assert.That((fault.Fault.Cause, fault.Fault.Access, fault.Fault.Privilege), Is.EqualTo((FaultCause.Permission, AccessRights.Read, Privilege.User)));
    }

    [Test]
    public void Another_exception_is_not_taken_for_a_fault() =>
        Assert.That(() => Assert.That(() => { throw new FormatException(); }, Faults.Any), Throws.TypeOf<FormatException>());

    [Test]
    public void A_task_outside_of_its_domain_gets_a_fault_that_names_the_domain()
    {
        using var machine = new FirmwareHarness(Machines.Mpu);
        machine.Mpu.Switch("task");

        Assert.That(() => machine.User.Store32(new VirtAddr(0x21010000), 7), Faults.None);
        Assert.That(() => machine.User.Store32(new VirtAddr(0x21020000), 7), Faults.With(FaultCause.Permission));
        var failure = Assert.Throws<AssertionException>(() => Assert.That(() => machine.User.Store32(new VirtAddr(0x21020000), 7), Faults.None))!.Message;
        Assert.That(failure, Does.Contain("domain task").And.Contain("entry ram").And.Contain("nothing to user code").And.Contain("sensor.dts("));
    }
}
