using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Vmalloc;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>ioremap, and the rule that an address has one memory type.</summary>
internal sealed class IoremapTests
{
    private const ulong Page = KernelMemory.Page;
    private static readonly PhysAddr s_device = new(0xfd00_0000);

    [Test]
    public void Registers_are_reached_through_the_bus_at_any_offset_of_a_page()
    {
        using var kernel = new KernelMemory();
        kernel.Machine.Machine.Memory.RequestMemRegion(new PhysRange(s_device, 2 * Page), "timer", new Echo());
        var at = kernel.Io.Ioremap(kernel.Cpu, s_device + 0xff8, 16)!.Value;
        Assert.That(at.Value & (Page - 1), Is.EqualTo(0xff8));
        Assert.That(kernel.Machine.Port.Load<uint>(at + 8, Privilege.Privileged), Is.EqualTo(0x1000));
        var area = kernel.Space.FindArea(at)!;
        Assert.That(area.Flags, Is.EqualTo(VmAreaFlags.Ioremap));
        Assert.That(area.Mapped, Is.EqualTo(2 * Page), "both pages");
        Assert.That(kernel.Machine.Tables.AttributesAt(at)!.Value.Memory, Is.EqualTo(kernel.Machine.Format.TypeFor(MemoryUse.Device)));
        Assert.That(kernel.Space.VmallocToPage(at).IsNull, "a device has no page");
        kernel.Io.Iounmap(kernel.Cpu, at);
        Assert.That(kernel.Machine.FaultOf(() => kernel.Machine.Port.Load<uint>(at, Privilege.Privileged)).Cause, Is.EqualTo(FaultCause.Translation));
        Assert.That(kernel.Types.Mappings, Is.Empty);
        kernel.Machine.NoBugs();
    }

    [TestCase(0x0UL, 16UL)]
    [TestCase(0x3ff_fff8UL, 16UL, Description = "its first page is RAM")]
    [TestCase(0x3ff_0000UL, 0x20000UL)]
    public void System_RAM_is_refused_and_named(ulong phys, ulong size)
    {
        using var kernel = new KernelMemory();
        var refused = Assert.Throws<IoremapException>(() => kernel.Io.Ioremap(kernel.Cpu, new PhysAddr(phys), size, "driver_probe"))!;
        Assert.That(refused.Kind, Is.EqualTo(IoremapErrorKind.SystemRam));
        Assert.That(refused.Message, Does.Contain("driver_probe").And.Contain("System RAM [0x0, 0x4000000)"));
        Assert.That(kernel.Space.Areas, Is.Empty);
    }

    [Test]
    public void A_second_mapping_of_another_type_is_refused_and_both_are_named()
    {
        using var kernel = new KernelMemory();
        var first = kernel.Io.Ioremap(kernel.Cpu, s_device + 0x800, 0x1000, "uart_probe")!.Value;
        var refused = Assert.Throws<IoremapException>(() => kernel.Io.IoremapCache(kernel.Cpu, s_device + 0x1900, 4, "console_init"))!;
        Assert.That(refused.Kind, Is.EqualTo(IoremapErrorKind.Alias));
        Assert.That(refused.Message, Does.Contain("console_init: [0xfd001000, 0xfd002000)").And.Contain("normal-wb").And.Contain("uart_probe: [0xfd000000, 0xfd002000) at 0xf0000000 as device-nGnRE"));
        Assert.That(() => kernel.Io.IoremapWc(kernel.Cpu, s_device, 4), Throws.InstanceOf<IoremapException>());
        Assert.That(kernel.Space.Areas, Has.Count.EqualTo(1), "nothing stays behind");
        // The same type, and a neighbour, are fine.
        var second = kernel.Io.Ioremap(kernel.Cpu, s_device, 4)!.Value;
        Assert.That(kernel.Io.IoremapWc(kernel.Cpu, s_device + 0x2000, 4), Is.Not.Null);
        kernel.Io.Iounmap(kernel.Cpu, first);
        Assert.That(() => kernel.Io.IoremapCache(kernel.Cpu, s_device, 4), Throws.InstanceOf<IoremapException>(), "the second one is still there");
        Assert.That(kernel.Io.IoremapCache(kernel.Cpu, s_device + 0x1000, 4), Is.Not.Null);
        kernel.Io.Iounmap(kernel.Cpu, second);
        Assert.That(kernel.Io.IoremapWc(kernel.Cpu, s_device, 4), Is.Not.Null);
    }

    [Test]
    public void Whatever_else_is_wrong_is_named()
    {
        using var kernel = new KernelMemory();
        Expect(IoremapErrorKind.BadRange, () => kernel.Io.Ioremap(kernel.Cpu, s_device, 0));
        Expect(IoremapErrorKind.BadRange, () => kernel.Io.Ioremap(kernel.Cpu, new PhysAddr(ulong.MaxValue), 2));
        Expect(IoremapErrorKind.BadRange, () => kernel.Io.Ioremap(kernel.Cpu, new PhysAddr(1UL << 36), 16));
        Expect(IoremapErrorKind.NotMapped, () => kernel.Io.Iounmap(kernel.Cpu, new VirtAddr(0xf000_0000)));
        var at = kernel.Io.Ioremap(kernel.Cpu, s_device, 16)!.Value;
        Assert.That(() => kernel.Space.Vfree(kernel.Cpu, at), Throws.InstanceOf<VmallocException>());
        kernel.Io.Iounmap(kernel.Cpu, at);
        Expect(IoremapErrorKind.NotMapped, () => kernel.Io.Iounmap(kernel.Cpu, at));
        Assert.That(kernel.Io.Ioremap(kernel.Cpu, new PhysAddr(0x8000_0000), KernelMemory.Range.Size.Value), Is.Null, "no stretch of addresses is that long");
        Assert.That(kernel.Types.Mappings, Is.Empty);
        Assert.That(kernel.Space.Areas.Any(), Is.False);
    }

    private static void Expect(IoremapErrorKind kind, Action action) => Assert.That(Assert.Throws<IoremapException>(() => action())!.Kind, Is.EqualTo(kind));

    private sealed class Echo : IBusDevice
    {
        public ulong Read(ulong offset, int size) => offset;

        public void Write(ulong offset, int size, ulong value)
        {
        }
    }
}
