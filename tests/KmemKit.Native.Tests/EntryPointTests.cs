using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using KmemKit.Native.Exports;
using KmemKit.Native.Machine;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>The entry points as C calls them, on boards of each kind: with an MMU of each format, with highmem and without, and without MMU.</summary>
[TestFixture]
internal sealed unsafe class EntryPointTests : EntryPointFixture
{
    private const GfpFlags Kernel = GfpFlags.Kernel;

    private static readonly byte[] s_file = [.. "entry.c\0"u8];

    // All that boot; a board's file is its own proof elsewhere.
    private static IEnumerable<string> Boards() => TestBoards.Names;

    [TestCaseSource(nameof(Boards))]
    public void Board_serves_its_memory(string name)
    {
        var layout = TestBoards.Repository(name);
        NativeBoard.Use(() => layout);
        delegate* unmanaged<nuint, GfpFlags, CallSite*, void*> kmalloc = &SlabExports.Kmalloc;
        delegate* unmanaged<void*, CallSite*, void> kfree = &SlabExports.Kfree;
        delegate* unmanaged<nuint, CallSite*, void*> vmalloc = &VmallocExports.Vmalloc;
        delegate* unmanaged<void*, CallSite*, void*> toPage = &VmallocExports.VmallocToPage;
        delegate* unmanaged<void*, CallSite*, void> vfree = &VmallocExports.Vfree;
        delegate* unmanaged<void*, CallSite*, ulong> toPhys = &AddressExports.VirtToPhys;
        delegate* unmanaged<ulong, CallSite*, void*> toVirt = &AddressExports.PhysToVirt;
        delegate* unmanaged<void*, CallSite*, ulong> toBoard = &AddressExports.BoardAddress;
        delegate* unmanaged<void*, CallSite*, ulong> toFrame = &PageExports.PageToPfn;
        delegate* unmanaged<void*, CallSite*, void*> kmap = &PageExports.Kmap;
        delegate* unmanaged<void*, CallSite*, void> kunmap = &PageExports.Kunmap;
        fixed (byte* file = s_file)
        {
            var at = new CallSite { File = file, Function = file, Line = 7 };
            var item = (byte*)kmalloc(100, Kernel, &at);
            Assert.That(item != null, Texts());
            new System.Span<byte>(item, 100).Fill(0xee);
            var phys = toPhys(item, &at);
            Assert.That(layout.Banks.Any(b => b.Range.Contains(new KmemKit.Architecture.PhysAddr(phys))));
            Assert.That((nint)toVirt(phys, &at), Is.EqualTo((nint)item));
            Assert.That(layout.Linear.VirtToPhys(new KmemKit.Architecture.VirtAddr(toBoard(item, &at)), out var back), Is.EqualTo(KmemKit.BoardCompiler.Linear.TranslationStatus.Ok));
            Assert.That(back.Value, Is.EqualTo(phys));
            kfree(item, &at);
            var area = (byte*)vmalloc(20000, &at);
            Assert.That(area != null, Texts());
            new System.Span<byte>(area, 20000).Fill(0x77);
            var page = toPage(area + 19999, &at);
            Assert.That(toFrame(page, &at), Is.GreaterThan(0).And.LessThan(ulong.MaxValue));
            var seen = (byte*)kmap(page, &at);
            Assert.That(seen[((nuint)area + 19999) & ((nuint)layout.Pages.PageSize - 1)], Is.EqualTo(0x77));
            kunmap(page, &at);
            vfree(area, &at);
            Assert.That(at.Reports, Is.Zero, Texts());
            kfree(item, &at);
            Assert.That(ThreadState.Current.Pending, Has.Count.EqualTo(1));
            Assert.That(ThreadState.Current.Pending.Dequeue().Site.ToString(), Is.EqualTo("entry.c at entry.c:7"));
            Assert.That(NativeMachine.Shutdown(&at), Is.Zero, Texts());
        }
    }

    [TestCaseSource(nameof(Boards))]
    public void Board_maps_a_device_and_hears_it(string name)
    {
        var layout = TestBoards.Repository(name);
        // Whose registers are nobody's memory, and a page or less away from nothing else.
        var device = layout.Board.Devices.FirstOrDefault(d => d is { Enabled: true, IsSram: false } && d.Ranges is [{ Range: { IsEmpty: false, Size.IsTop: false } range }, ..] && range.Size.Value is >= 8 and < 1 << 24
            && layout.Board.Banks.All(b => !b.Range.Overlaps(range)));
        if (device is null)
        {
            Assert.That(layout.Board.Devices.Count(d => d.Enabled && !d.IsSram), Is.LessThan(3), "the board has devices, and none of them is taken");
            return;
        }
        NativeBoard.Use(() => layout);
        delegate* unmanaged<byte*, CallSite*, void*> find = &DeviceExports.Device;
        delegate* unmanaged<void*, void*, void*, CallSite*, int> attach = &DeviceExports.Attach;
        delegate* unmanaged<ulong, nuint, int, CallSite*, void*> ioremap = &IoExports.Ioremap;
        delegate* unmanaged<void*, int, int, IoTarget*, CallSite*, int> target = &IoExports.Target;
        delegate* unmanaged<void*, CallSite*, void> iounmap = &IoExports.Iounmap;
        var at = default(CallSite);
        var registers = device.Ranges[0].Range;
        fixed (byte* path = Encoding.UTF8.GetBytes(device.NodePath + "\0"))
        {
            var header = find(path, &at);
            Assert.That(attach(header, (void*)0x1000, (void*)0x2000, &at), Is.Zero);
            var cookie = (byte*)ioremap(registers.Start.Value, (nuint)registers.Size.Value, 0, &at);
            Assert.That(cookie != null, Texts());
            IoTarget answer;
            Assert.That(target(cookie + 4, 4, 0, &answer, &at), Is.Zero, Texts());
            Assert.That(((nint)answer.Model, (nint)answer.Context, answer.Offset), Is.EqualTo(((nint)0x1000, (nint)0x2000, 4UL)));
            Assert.That(target(cookie + registers.Size.Value, 4, 0, &answer, &at), Is.Negative);
            Assert.That(ThreadState.Current.Pending, Has.Count.EqualTo(1));
            ThreadState.Current.Pending.Clear();
            iounmap(cookie, &at);
            Assert.That(NativeMachine.Shutdown(&at), Is.Zero, Texts());
        }
    }

    /// <summary>A device behind <c>dma-ranges</c> sees other addresses, and memory out of its reach only through a bounce buffer.</summary>
    [Test]
    public void Device_sees_memory_through_its_windows()
    {
        var layout = TestBoards.Arm64("""
            memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x10000000>; };
            bus {
                compatible = "simple-bus";
                #address-cells = <1>;
                #size-cells = <1>;
                ranges = <0x0 0x0 0x10000000 0x1000000>;
                dma-ranges = <0x80000000 0x0 0x40000000 0x8000000>;
                master: dma@1000 { compatible = "test,dma"; reg = <0x1000 0x100>; };
            };
            """);
        NativeBoard.Use(() => layout);
        delegate* unmanaged<ConfigHeader*, CallSite*, int> boot = &MachineExports.Boot;
        delegate* unmanaged<byte*, CallSite*, void*> find = &DeviceExports.Device;
        delegate* unmanaged<void*, void*, nuint, int, CallSite*, ulong> map = &DmaExports.MapSingle;
        delegate* unmanaged<void*, ulong, nuint, int, CallSite*, void> unmap = &DmaExports.UnmapSingle;
        delegate* unmanaged<void*, ulong, void*, nuint, int, CallSite*, int> access = &DeviceExports.Access;
        delegate* unmanaged<GfpFlags, uint, CallSite*, nuint> pages = &PageExports.GetFreePages;
        delegate* unmanaged<nuint, uint, CallSite*, void> free = &PageExports.FreePages;
        var at = default(CallSite);
        var config = new ConfigHeader { Cpus = 2, SwiotlbBytes = 1 << 18 };
        Assert.That(boot(&config, &at), Is.Zero, Texts());
        fixed (byte* label = "master\0"u8)
        {
            var device = find(label, &at);
            // Memory comes from the top: out of the window at first, and later from below.
            var (near, far) = (0, 0);
            var taken = new List<nuint>();
            var data = stackalloc byte[4];
            for (var i = 0; i < 40; i++)
            {
                var block = pages(Kernel, 10, &at);
                if (block == 0)
                    break;
                taken.Add(block);
                *(uint*)block = 0x12345678;
                Assert.That(NativeMachine.Current.Booted.Memory.TryToPhys((void*)block, out var phys));
                var bus = map(device, (void*)block, 64, 1, &at);
                Assert.That(access(device, bus, data, 4, 0, &at), Is.Zero, Texts());
                Assert.That(*(uint*)data, Is.EqualTo(0x12345678));
                if (phys.Value < 0x48000000)
                {
                    near++;
                    Assert.That(bus, Is.EqualTo(phys.Value + 0x40000000));
                }
                else
                {
                    far++;
                    // The copy is the device's: what is written now it does not see.
                    *(uint*)block = 1;
                    Assert.That(access(device, bus, data, 4, 0, &at), Is.Zero);
                    Assert.That(*(uint*)data, Is.EqualTo(0x12345678));
                }
                unmap(device, bus, 64, 1, &at);
            }
            foreach (var block in taken)
                free(block, 10, &at);
            TestContext.Out.WriteLine($"{near} in reach, {far} bounced");
            Assert.That(near, Is.GreaterThan(0));
            Assert.That(far, Is.GreaterThan(0));
        }
    }
}
