using System;
using Boards;
using KmemKit.Architecture;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Processor;

// A phone with 2 GiB and a hole in lowmem boots with its MMU on, from the page tables that 'kmem tables' prints.
using var kernel = MmuKernel<Msm8974>.Boot();
var cpu = kernel.Allocator.Cpus[0];
Console.WriteLine($"{kernel.BoardName}: {kernel.Plan.Tables.Length} page tables, {kernel.Plan.Bytes >> 10} KiB, at {kernel.Plan.Base}");

// ioremap: a device's registers, and what it refuses.
var registers = new PhysRange(new PhysAddr(0xf991e000), 0x1000);
kernel.Memory.RequestMemRegion(registers, "blsp1_uart", new Uart());
Console.WriteLine();
Console.WriteLine("ioremap");
var uart = kernel.MapDevice(registers)!.Value;
kernel.Cpu.Writel('k', uart);
Console.WriteLine($"    {registers} at {uart}: {kernel.Addresses.Describe(uart)}; status 0x{kernel.Cpu.Readl(uart + 8):x}");
try
{
    kernel.Io.Ioremap(cpu, kernel.Layout.Banks[0].Range.Start + 0x1000, 0x1000, "careless");
}
catch (IoremapException refused)
{
    Console.WriteLine($"    refused: {refused.Message}");
}

// kmalloc is contiguous and in the linear map; vmalloc is contiguous for the CPU alone.
Console.WriteLine();
Console.WriteLine("kmalloc and vmalloc");
var small = kernel.Alloc(4096)!.Value;
var large = kernel.Vmalloc.Vmalloc(cpu, 4 * 4096, caller: "sample")!.Value;
Console.WriteLine($"    kmalloc {small}: {kernel.Addresses.Describe(small)}; physical {kernel.Addresses.VirtToPhys(small)}");
for (var page = 0u; page < 4; page++)
    Console.WriteLine($"    vmalloc {large + page * 4096}: physical {kernel.Cpu.Translate(large + page * 4096, AccessRights.Read, Privilege.Privileged)}");

// Addresses that are none of the linear map have no phys_to_virt; a user may not touch the kernel; behind vmalloc is a guard page.
Console.WriteLine();
Console.WriteLine("faults");
Show("privileged code reads the guard page", () => kernel.Cpu.Load(large + 4 * 4096, 4, Privilege.Privileged));
Show("user code reads kernel memory", () => kernel.Cpu.Load(small, 4, Privilege.User));
kernel.Vmalloc.Vfree(cpu, large);
kernel.Vmalloc.Purge(cpu);
Show("privileged code reads what vfree took away", () => kernel.Cpu.Load(large, 4, Privilege.Privileged));
try
{
    kernel.Addresses.VirtToPhys(uart);
}
catch (PageErrorException refused)
{
    Console.WriteLine($"    {refused.Message}");
}

// A highmem page has no address until it is mapped.
if (kernel.PkMap is { } pkmap)
{
    var page = cpu.AllocPage(GfpFlags.HighUser);
    Console.WriteLine();
    Console.WriteLine($"kmap: a highmem page is at {pkmap.Map(cpu, page)} for a while");
    pkmap.Unmap(page);
    cpu.FreePages(page, 0);
}
kernel.UnmapDevice(uart);
kernel.Free(small);

static void Show(string what, Action access)
{
    try
    {
        access();
        Console.WriteLine($"    {what}: fine");
    }
    catch (MemoryFaultException fault)
    {
        Console.WriteLine($"    {what}: {fault.Message}");
    }
}

/// <summary>A UART that is always ready.</summary>
internal sealed class Uart : IBusDevice
{
    public ulong Read(ulong offset, int size) => offset == 8 ? 0xdUL : 0;

    public void Write(ulong offset, int size, ulong value) => Console.WriteLine($"    the device got '{(char)value}'");
}
