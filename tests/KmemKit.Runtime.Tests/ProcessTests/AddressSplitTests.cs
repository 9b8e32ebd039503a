using KmemKit.Architecture;
using KmemKit.Runtime.Processes;
using KmemKit.Runtime.Processor;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>How processes and the kernel share the addresses.</summary>
internal sealed class AddressSplitTests : ProcessFixture
{
    [TestCase("CONFIG_VMSPLIT_3G=y", 0xbf00_0000ul)]
    [TestCase("CONFIG_VMSPLIT_2G=y", 0x7f00_0000ul)]
    [TestCase("CONFIG_VMSPLIT_1G=y", 0x3f00_0000ul)]
    public void TASK_SIZE_follows_the_split(string split, ulong size)
    {
        foreach (var format in new[] { "arm-short", "arm-lpae" })
        {
            using var machine = new ProcessMachine(format, config: ["CONFIG_MODULES=y", "CONFIG_PHYS_OFFSET=0x40000000", split]);
            var process = machine.Start();
            Assert.That(process.Space.Layout.TaskSize, Is.EqualTo(size));
            var last = process.Mmap(new VirtAddr(size - machine.Page), machine.Page, Rw, Private | MapFlags.Fixed);
            Assert.That(last.IsOk || process.Space.Find(new VirtAddr(size - 1))!.Name == "[stack]");
            Store(process, new VirtAddr(size - 8), 1);
            Assert.That(process.TryLoad(new VirtAddr(size), 4, out _)!.Value.Signal, Is.EqualTo(Signal.SegmentationFault));
            Assert.That(machine.Lost(), Is.Zero);
        }
    }

    [Test]
    public void With_4G_4G_each_call_and_each_fault_drops_every_translation_twice()
    {
        (long Switches, ulong Misses) Costs(AddressSplit split)
        {
            using var machine = new ProcessMachine("x86-32", new ProcessOptions { Split = split });
            var process = machine.Start();
            var page = machine.Page;
            var area = process.Mmap(default, 16 * page, Rw, Private).Address;
            for (var i = 0UL; i < 16; i++)
                Store(process, area + (i * page), i);
            var before = machine.Kernel.Cpu.Tlb.Statistics.Misses;
            for (var round = 0; round < 10; round++)
            {
                process.Brk(default);
                for (var i = 0UL; i < 16; i++)
                    Assert.That(Load(process, area + (i * page)), Is.EqualTo(i));
            }
            Assert.That(process.User.CopyTo(area, "x"u8), Is.Zero);
            Assert.That(Load(process, area), Is.EqualTo('x'));
            var result = (machine.Table.SplitSwitches, machine.Kernel.Cpu.Tlb.Statistics.Misses - before);
            if (split == AddressSplit.FourGigabytesEach)
            {
                Assert.That(process.Space.Layout.TaskSize, Is.EqualTo(0xff00_0000));
                var high = new VirtAddr(0xd000_0000);
                Assert.That(process.Mmap(high, page, Rw, Private | MapFlags.Fixed).Address, Is.EqualTo(high), "where 3G/1G has the kernel");
                Store(process, high, 3);
            }
            Assert.That(machine.Lost(), Is.Zero);
            return result;
        }

        var (shared, own) = (Costs(AddressSplit.Shared), Costs(AddressSplit.FourGigabytesEach));
        TestContext.Out.WriteLine($"3G/1G {shared.Misses} misses; 4G/4G {own.Misses} misses, {own.Switches} switches");
        Assert.That(shared.Switches, Is.Zero);
        Assert.That(own.Switches, Is.GreaterThanOrEqualTo(2 * (16 + 10)));
        Assert.That(own.Misses, Is.GreaterThanOrEqualTo(shared.Misses + (9 * 16)), "all 16 pages again after each of the calls");
    }

    [TestCase("vmsav8-64-4k", 0xffff_0000ul, 1ul << 32)]
    [TestCase("x86-64", 0xffff_e000ul, 0xffff_e000ul)]
    public void A_64_bit_kernel_runs_32_bit_processes(string format, ulong stackTop, ulong taskSize)
    {
        using var machine = new ProcessMachine(format);
        var process = machine.Table.Start("compat", compat: true)!;
        Assert.That((process.Space.Layout.StackTop, process.Space.Layout.TaskSize, process.Space.Layout.Is64Bit), Is.EqualTo((stackTop, taskSize, false)));
        var area = process.Mmap(default, machine.Page, Rw, Private).Address;
        Assert.That(area.Value, Is.LessThan(1UL << 32));
        Store(process, area, 1);
        Assert.That(process.TryLoad(new VirtAddr(1UL << 32), 4, out _)!.Value.Code, Is.EqualTo(SignalCode.MapError));
        var wide = machine.Start();
        Assert.That(wide.Mmap(default, machine.Page, Rw, Private).Address.Value, Is.GreaterThan(1UL << 32));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [TestCaseSource(typeof(ProcessMachine), nameof(ProcessMachine.Formats))]
    public void The_kernel_is_above_every_process_and_out_of_its_reach(string format)
    {
        using var machine = new ProcessMachine(format);
        var (one, other) = (machine.Start("one"), machine.Start("other"));
        var kernel = machine.Kernel.Layout.PageOffset;
        Assert.That(one.TryLoad(kernel, 4, out _)!.Value.Code, Is.EqualTo(SignalCode.MapError));
        Assert.That(one.TryStore(kernel, 4, 1)!.Value.Signal, Is.EqualTo(Signal.SegmentationFault));
        // What the kernel maps from now on is there in whatever process runs, and goes everywhere.
        Store(one, one.Mmap(default, machine.Page, Rw, Private).Address, 1);
        var area = machine.Kernel.Vmalloc.Vmalloc(machine.Cpu, 16 * machine.Page)!.Value;
        machine.Kernel.Cpu.Store(area, 8, 42, Privilege.Privileged);
        Store(other, other.Mmap(default, machine.Page, Rw, Private).Address, 1);
        Assert.That(machine.Kernel.Cpu.Load(area, 8, Privilege.Privileged), Is.EqualTo(42));
        machine.Kernel.Vmalloc.Vfree(machine.Cpu, area);
        machine.Kernel.Vmalloc.Purge(machine.Cpu);
        Assert.That(() => machine.Kernel.Cpu.Load(area, 8, Privilege.Privileged), Throws.InstanceOf<MemoryFaultException>());
        // An access of the kernel's own to a user address that is not there is an oops, and no signal.
        Assert.That(() => machine.Kernel.Cpu.Load(new VirtAddr(0x1000), 4, Privilege.Privileged), Throws.InstanceOf<MemoryFaultException>());
        Assert.That(machine.Lost(), Is.Zero);
    }
}
