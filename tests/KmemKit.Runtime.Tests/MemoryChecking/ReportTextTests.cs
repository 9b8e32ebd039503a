using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Kasan;
using KmemKit.Runtime.Kfence;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>Reports read as the kernel's own: each expected text is a real report, the frames below the first one and the machine's name left out.</summary>
internal sealed class ReportTextTests
{
    private static readonly SlabReportStyle s_arm44 = SlabReportStyle.Of(new LinuxVersion(4, 9), is64Bit: false);
    private static readonly SlabReportStyle s_x64 = SlabReportStyle.Of(new LinuxVersion(6, 1), is64Bit: true);

    // github.com/raspberrypi/linux, issue 2015: Linux 4.x on 32-bit Arm.
    [Test]
    public void An_overwritten_red_zone_before_5_13()
    {
        var report = new SlabReport(SlabReportKind.LeftRedZoneOverwritten, "kmalloc-512", "Redzone overwritten", false, s_arm44, By("x", 0, 1, 12051))
        {
            Damage = new DamagedBytes(new VirtAddr(0xadb51e08), new VirtAddr(0xadb51e0c), 7688, 0x40, 0xcc),
            Allocated = new TrackRecord(Site("platform_device_alloc+0x34/0x78"), 0, 1, 100),
            Slab = new SlabFacts(new VirtAddr(0xae3d1740), new VirtAddr(0xadb50000), 21, 21, null, 0x4081),
            Object = new VirtAddr(0xadb51e40),
            FreePointer = new VirtAddr(0xadb52140),
        };
        Expect(report,
            """
            =============================================================================
            BUG kmalloc-512 (Not tainted): Redzone overwritten
            -----------------------------------------------------------------------------

            INFO: 0xadb51e08-0xadb51e0c. First byte 0x40 instead of 0xcc
            INFO: Allocated in platform_device_alloc+0x34/0x78 age=11951 cpu=0 pid=1
            INFO: Slab 0xae3d1740 objects=21 used=21 fp=0x  (null) flags=0x4081
            INFO: Object 0xadb51e40 @offset=7744 fp=0xadb52140

            """);
    }

    // lore.kernel.org, "mm/slub: extend redzone check to extra allocated kmalloc space than requested": Linux 6.x on x86-64.
    [Test]
    public void A_write_behind_the_requested_bytes_since_6_1()
    {
        var report = new SlabReport(SlabReportKind.RequestedRedZoneOverwritten, "kmalloc-32", "kmalloc Redzone overwritten", false, s_x64, By("x", 1, 1, 6554))
        {
            Damage = new DamagedBytes(new VirtAddr(0xffff888005ebb032), new VirtAddr(0xffff888005ebb033), 50, 0, 0xcc),
            Allocated = new TrackRecord(Site("dma_align_test+0x1b/0x29"), 1, 1, 0),
            Object = new VirtAddr(0xffff888005ebb020),
            Slab = new SlabFacts(new VirtAddr(0xffffea000017aec0), new VirtAddr(0xffff888005ebb000), 21, 19, new VirtAddr(0xffff888005ebbf20), 0x200),
            Dumps =
            [
                Dump("Redzone", 0xffff888005ebb010, "cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc"),
                Dump("Object", 0xffff888005ebb020, "50 92 28 00 81 88 ff ff 01 00 00 00 11 00 b6 07 6b a5 00 00 cc cc cc cc cc cc cc cc cc cc cc cc"),
                Dump("Redzone", 0xffff888005ebb040, "cc cc cc cc cc cc cc cc"),
                Dump("Padding", 0xffff888005ebb0a4, "5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a"),
            ],
            Fixes = ["Restoring kmalloc Redzone 0xffff888005ebb032-0xffff888005ebb033=0xcc"],
        };
        Expect(report,
            """
            =============================================================================
            BUG kmalloc-32 (Not tainted): kmalloc Redzone overwritten
            -----------------------------------------------------------------------------

            0xffff888005ebb032-0xffff888005ebb033 @offset=50. First byte 0x0 instead of 0xcc
            Allocated in dma_align_test+0x1b/0x29 age=6554 cpu=1 pid=1
            Slab 0xffffea000017aec0 objects=21 used=19 fp=0xffff888005ebbf20 flags=0x0200
            Object 0xffff888005ebb020 @offset=32 fp=0x0000000000000000

            Redzone  ffff888005ebb010: cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc cc  ................
            Object   ffff888005ebb020: 50 92 28 00 81 88 ff ff 01 00 00 00 11 00 b6 07  P.(.............
            Object   ffff888005ebb030: 6b a5 00 00 cc cc cc cc cc cc cc cc cc cc cc cc  k...............
            Redzone  ffff888005ebb040: cc cc cc cc cc cc cc cc                          ........
            Padding  ffff888005ebb0a4: 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a 5a  ZZZZZZZZZZZZZZZZ

            """);
        Assert.That(report.ToString(), Does.EndWith("FIX kmalloc-32: Restoring kmalloc Redzone 0xffff888005ebb032-0xffff888005ebb033=0xcc\n"));
    }

    // lore.kernel.org, linux-usb, 28 September 2023: the second bug of a run.
    [Test]
    public void A_second_report_says_that_the_kernel_is_tainted()
    {
        var style = SlabReportStyle.Of(new LinuxVersion(6, 5), is64Bit: false);
        var report = new SlabReport(SlabReportKind.RequestedRedZoneOverwritten, "kmalloc-64", "kmalloc Redzone overwritten", true, style, By("x", 3, 41, 1));
        Assert.That(report.ToString(), Does.Contain("\nBUG kmalloc-64 (Tainted: G    B             ): kmalloc Redzone overwritten\n"));
    }

    // Documentation/dev-tools/kfence.rst
    [Test]
    public void An_access_beside_a_guarded_object()
    {
        var item = new KfenceObject(
            72, new VirtAddr(0xffff8c3f2e292000), 32, "kmalloc-32", new TrackRecord(Site("test_alloc+0xfe/0x738"), 0, 484, 32919), null);
        using var clock = new KernelClock(1000);
        var report = new KfenceReport(
            KfenceReportKind.OutOfBounds, new VirtAddr(0xffff8c3f2e291fff), false, item, s_x64, clock, By("test_out_of_bounds_read+0xa6/0x234", 0, 484, 32920));
        Expect(report,
            """
            ==================================================================
            BUG: KFENCE: out-of-bounds read in test_out_of_bounds_read+0xa6/0x234

            Out-of-bounds read at 0xffff8c3f2e291fff (1B left of kfence-#72):
             test_out_of_bounds_read+0xa6/0x234

            kfence-#72: 0xffff8c3f2e292000-0xffff8c3f2e29201f, size=32, cache=kmalloc-32

            allocated by task 484 on cpu 0 at 32.919000s:
             test_alloc+0xfe/0x738

            CPU: 0 PID: 484 Comm: kunit_try_catch Not tainted
            """);
    }

    // Documentation/dev-tools/kfence.rst
    [Test]
    public void Bytes_beside_a_guarded_object_that_changed()
    {
        var item = new KfenceObject(
            156, new VirtAddr(0xffff8c3f2e33afb0), 73, "kmalloc-96", new TrackRecord(Site("test_alloc+0xfe/0x738"), 0, 502, 42159), null);
        using var clock = new KernelClock(1000);
        var report = new KfenceReport(
            KfenceReportKind.Corruption, new VirtAddr(0xffff8c3f2e33aff9), false, item, s_x64, clock,
            By("test_kmalloc_aligned_oob_write+0xef/0x184", 0, 502, 42160)) { Damaged = [0xac, null, null, null, null, null, null] };
        Expect(report,
            """
            ==================================================================
            BUG: KFENCE: memory corruption in test_kmalloc_aligned_oob_write+0xef/0x184

            Corrupted memory at 0xffff8c3f2e33aff9 [ 0xac . . . . . . ] (in kfence-#156):
             test_kmalloc_aligned_oob_write+0xef/0x184

            kfence-#156: 0xffff8c3f2e33afb0-0xffff8c3f2e33aff8, size=73, cache=kmalloc-96

            """);
    }

    // Documentation/dev-tools/kasan.rst
    [Test]
    public void A_write_behind_an_object()
    {
        var rows = "fc fc fc fc fc fc fc fc fb fb fb fb fb fb fb fb "
            + "fb fb fb fb fb fb fb fb fc fc fc fc fc fc fc fc "
            + "00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03 "
            + "fc fc fc fc fc fc fc fc fb fb fb fb fb fb fb fb "
            + "fb fb fb fb fb fb fb fb fc fc fc fc fc fc fc fc";
        var report = new KasanReport(
            KasanReportKind.OutOfBounds, "slab-out-of-bounds", new VirtAddr(0xffff8801f44ec37b), new VirtAddr(0xffff8801f44ec37b), 1, true, s_x64,
            new Reporter(Site("kmalloc_oob_right+0xa8/0xbc [kasan_test]"), 1, new KernelTask("insmod", 2760), 0))
        {
            Object = new KasanObject(new VirtAddr(0xffff8801f44ec300), "kmalloc-128", 128, 123, new TrackRecord(Site("kmalloc_oob_right+0x56/0xbc"), 1, 2760, 0), null),
            Shadow = new ShadowRows(new VirtAddr(0xffff8801f44ec200), [.. Bytes(rows).Select(value => (byte?)value)]),
        };
        var text = report.ToString();
        Assert.That(text, Does.StartWith(Lines(
            """
            ==================================================================
            BUG: KASAN: slab-out-of-bounds in kmalloc_oob_right+0xa8/0xbc [kasan_test]
            Write of size 1 at addr ffff8801f44ec37b by task insmod/2760

            """)));
        Assert.That(text, Does.Contain(Lines(
            """
            The buggy address belongs to the object at ffff8801f44ec300
             which belongs to the cache kmalloc-128 of size 128
            The buggy address is located 0 bytes to the right of
             allocated 123-byte region [ffff8801f44ec300, ffff8801f44ec37b)
            """)));
        Assert.That(text, Does.EndWith(Lines(
            """
            Memory state around the buggy address:
             ffff8801f44ec200: fc fc fc fc fc fc fc fc fb fb fb fb fb fb fb fb
             ffff8801f44ec280: fb fb fb fb fb fb fb fb fc fc fc fc fc fc fc fc
            >ffff8801f44ec300: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 03
                                                                            ^
             ffff8801f44ec380: fc fc fc fc fc fc fc fc fb fb fb fb fb fb fb fb
             ffff8801f44ec400: fb fb fb fb fb fb fb fb fc fc fc fc fc fc fc fc
            ==================================================================
            """) + "\n"));
    }

    private static void Expect(MemoryReport report, string text) => Assert.That(report.ToString(), Does.StartWith(Lines(text)));

    private static string Lines(string text) => text.Replace("\r\n", "\n", System.StringComparison.Ordinal);

    private static AllocationSite Site(string text) => new(text, 0);

    private static Reporter By(string site, int cpu, int pid, long jiffies) => new(Site(site), cpu, new KernelTask("kunit_try_catch", pid), jiffies);

    private static MemoryDump Dump(string label, ulong address, string bytes) => new(label, new VirtAddr(address), Bytes(bytes));

    private static ImmutableArray<byte> Bytes(string text) =>
        [.. text.Split(' ').Select(word => byte.Parse(word, NumberStyles.HexNumber, CultureInfo.InvariantCulture))];
}
