using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Processes;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>What a driver's mmap gives a process, and what becomes of it.</summary>
internal sealed class DeviceMappingTests : ProcessFixture
{
    [Test]
    public void A_driver_maps_its_memory_in_the_four_steps_and_refuses_what_is_beyond()
    {
        using var machine = new ProcessMachine("arm-short", config: ["CONFIG_LINUX_VERSION=\"3.4\""]);
        var process = machine.Start();
        var page = machine.Page;
        var device = new FrameBuffer(machine.Table, new PhysRange(new PhysAddr(0x1000_0000), 4 * page), MemoryUse.WriteCombining);
        var registers = new Registers();
        machine.Kernel.Memory.RequestMemRegion(new PhysRange(new PhysAddr(0x1000_0000), 4 * page), "fb", registers);
        var at = process.Mmap(default, 2 * page, Rw, MapFlags.Shared, device, page).Address;
        Assert.That(process.TryStore(at + 8, 4, 0xabcd), Is.Null);
        Assert.That(registers.Last, Is.EqualTo((page + 8, 0xabcdUL)));
        var vma = process.Space.Find(at)!;
        Assert.That(vma.Flags & (VmFlags.Io | VmFlags.Reserved | VmFlags.PfnMap), Is.EqualTo(VmFlags.Io | VmFlags.Reserved | VmFlags.PfnMap));
        Assert.That(process.Mmap(default, 5 * page, Rw, MapFlags.Shared, device).Error, Is.EqualTo(Errno.InvalidArgument), "larger than the device");
        Assert.That(process.Mmap(default, 2 * page, Rw, MapFlags.Shared, device, 3 * page).Error, Is.EqualTo(Errno.InvalidArgument), "past its end");
        Assert.That(process.Mremap(at, 2 * page, 3 * page, RemapFlags.MayMove).Error, Is.EqualTo(Errno.BadAddress), "frames do not grow");
        // A child has the device as well.
        var child = process.Fork()!;
        Assert.That(child.TryStore(at, 4, 1), Is.Null);
        Assert.That(registers.Last, Is.EqualTo((page, 1UL)));
        // PROT_NONE and back.
        process.Mprotect(at, page, MemProt.None);
        Assert.That(process.TryLoad(at, 4, out _)!.Value.Code, Is.EqualTo(SignalCode.AccessError));
        process.Mprotect(at, page, Rw);
        Assert.That(process.TryStore(at, 4, 2), Is.Null);
        Assert.That(registers.Last, Is.EqualTo((page, 2UL)));
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public unsafe void Memory_of_kmalloc_is_mapped_from_its_first_whole_page_and_in_its_own_type_alone()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var (page, kernel) = (machine.Page, machine.Kernel);
        // The seed's step: page-aligned buffer = (buffer + PAGE_SIZE - 1) & PAGE_MASK, so two pages are asked for.
        var buffer = kernel.Objects.AddressOf(kernel.Objects.Kmalloc(machine.Cpu, (nuint)(2 * page), GfpFlags.Kernel))!.Value;
        var aligned = new VirtAddr((buffer.Value + page - 1) & ~(page - 1));
        var phys = kernel.Addresses.VirtToPhys(aligned);
        var device = new FrameBuffer(machine.Table, new PhysRange(phys, page), MemoryUse.Cached);
        var at = process.Mmap(default, page, Rw, MapFlags.Shared, device).Address;
        Store(process, at, 0x55);
        Assert.That(kernel.Memory.ReadUInt64(phys), Is.EqualTo(0x55));
        Assert.That(process.Munmap(at, page), Is.EqualTo(Errno.None));
        Assert.That(kernel.Booted.Map.PageCount(kernel.Booted.Map.PfnToPage(kernel.Layout.Pages.ToFrame(phys))), Is.EqualTo(1), "it stays the driver's");
        Assert.That(process.Mmap(default, page, Rw, MapFlags.Shared, new FrameBuffer(machine.Table, new PhysRange(phys, page), MemoryUse.Device)).Error,
            Is.EqualTo(Errno.InvalidArgument), "RAM that the kernel has cached is not mapped as a device");
        Assert.That(process.Mmap(default, page, Rw, MapFlags.Private, device).IsOk, Is.True, "all of a private area");
        Assert.That(process.Mmap(default, 2 * page, Rw, MapFlags.Private, new FrameBuffer(machine.Table, new PhysRange(phys, 2 * page), MemoryUse.Cached) { MapsOnePage = true }).Error,
            Is.EqualTo(Errno.InvalidArgument), "not a part of one");
    }

    [Test]
    public void What_a_driver_says_is_not_to_be_copied_is_not_in_the_child()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var at = process.Mmap(default, machine.Page, Rw, MapFlags.Shared, new FrameBuffer(machine.Table, new PhysRange(new PhysAddr(0x1000_0000), machine.Page), MemoryUse.Device) { Flags = VmFlags.DontCopy }).Address;
        var child = process.Fork()!;
        Assert.That(process.Space.Find(at), Is.Not.Null);
        Assert.That(child.Space.Find(at), Is.Null);
        Assert.That(child.TryLoad(at, 4, out _)!.Value.Code, Is.EqualTo(SignalCode.MapError));
    }

    [Test]
    public void The_memory_type_of_a_device_is_free_again_when_its_mapping_ends()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var at = process.Mmap(default, machine.Page, Rw, MapFlags.Shared, new FrameBuffer(machine.Table, new PhysRange(new PhysAddr(0x1000_0000), machine.Page), MemoryUse.Device)).Address;
        var other = new FrameBuffer(machine.Table, new PhysRange(new PhysAddr(0x1000_0000), machine.Page), MemoryUse.WriteCombining);
        Assert.That(process.Mmap(default, machine.Page, Rw, MapFlags.Shared, other).Error, Is.EqualTo(Errno.InvalidArgument), "two types at a time");
        process.Munmap(at, machine.Page);
        Assert.That(process.Mmap(default, machine.Page, Rw, MapFlags.Shared, other).IsOk, Is.True);
        Assert.That(machine.Lost(), Is.Zero);
    }

    [Test]
    public void A_mapping_that_its_driver_refuses_has_promised_nothing()
    {
        using var machine = new ProcessMachine();
        var process = machine.Start();
        var before = machine.Table.CommittedPages;
        Assert.That(process.Mmap(default, machine.Page, Rw, MapFlags.Private, new FrameBuffer(machine.Table, new PhysRange(new PhysAddr(0x1000_0000), machine.Page), MemoryUse.Device) { Refuses = true }).Error, Is.EqualTo(Errno.InvalidArgument));
        Assert.That(machine.Table.CommittedPages, Is.EqualTo(before));
        Assert.That(process.Space.Areas.Count(), Is.EqualTo(1), "the stack alone");
    }

    private sealed class Registers : Memory.IBusDevice
    {
        public (ulong Offset, ulong Value) Last { get; private set; }

        public ulong Read(ulong offset, int size) => 0;

        public void Write(ulong offset, int size, ulong value) => Last = (offset, value);
    }

    /// <summary>A driver as the seed has it.</summary>
    private sealed class FrameBuffer(ProcessTable table, PhysRange memory, MemoryUse use) : DeviceFile("/dev/fb0", 77, 0, 6, Rw)
    {
        public bool MapsOnePage { get; init; }

        public bool Refuses { get; init; }

        public VmFlags Flags { get; init; } = VmFlags.Reserved | VmFlags.Io;

        public override Errno Mmap(VmaMapping mapping)
        {
            if (Refuses || mapping.Bytes > memory.Size.Value || mapping.Offset > memory.Size.Value - mapping.Bytes)
                return Errno.InvalidArgument;
            mapping.Flags |= Flags;
            mapping.Use = use;
            var pages = table.Kernel.Layout.Pages;
            return mapping.RemapPfnRange(mapping.Start, pages.ToFrame(memory.Start + mapping.Offset), MapsOnePage ? pages.PageSize : mapping.Bytes);
        }
    }
}
