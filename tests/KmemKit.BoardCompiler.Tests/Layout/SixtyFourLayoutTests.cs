using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Layout.BoardBuilder;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>
/// 64-bit layouts against what the kernels' own documents (Documentation/arm64/memory.rst, Documentation/x86/x86_64/mm.txt) and boot logs of 3.18, 4.4,
/// 4.9 print.
/// </summary>
public class SixtyFourLayoutTests
{
    private const ulong GiB = 1UL << 30;

    private static MemoryLayout Arm64(int major, int minor, int vaBits, int pageShift = 12, ulong start = 0x4000_0000, ulong size = GiB) =>
        BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.Arm64, new Policy
        {
            LinuxVersion = Set(new LinuxVersion(major, minor)),
            VaBits = Set(vaBits),
            PageGeometry = Set(new PageGeometry(pageShift)),
        }, (start, start + size)));

    // boot log, 4.4 vendor kernel with 39 bits: the values that do not hang on struct page's size
    [TestCase(4, 9, 39, 12, "modules", 0xffff_ff80_0000_0000UL, 0xffff_ff80_0800_0000UL)]
    [TestCase(4, 9, 39, 12, "vmalloc", 0xffff_ff80_0800_0000UL, 0xffff_ffbe_bfff_0000UL)]
    // boot logs, 4.9, 48 bits
    [TestCase(4, 9, 48, 12, "modules", 0xffff_0000_0000_0000UL, 0xffff_0000_0800_0000UL)]
    [TestCase(4, 9, 48, 12, "vmalloc", 0xffff_0000_0800_0000UL, 0xffff_7dff_bfff_0000UL)]
    [TestCase(4, 9, 48, 12, "PCI I/O", 0xffff_7dff_fee0_0000UL, 0xffff_7dff_ffe0_0000UL)]
    [TestCase(4, 9, 48, 12, "vmemmap", 0xffff_7e00_0000_0000UL, 0xffff_8000_0000_0000UL)]
    [TestCase(4, 9, 48, 12, "memory", 0xffff_8000_0000_0000UL, 0xffff_8000_4000_0000UL)]
    // boot log, 4.4, 48 bits
    [TestCase(4, 4, 48, 12, "vmalloc", 0xffff_0000_0000_0000UL, 0xffff_7bff_bfff_0000UL)]
    [TestCase(4, 4, 48, 12, "vmemmap", 0xffff_7bff_c000_0000UL, 0xffff_7fff_c000_0000UL)]
    [TestCase(4, 4, 48, 12, "PCI I/O", 0xffff_7fff_fae0_0000UL, 0xffff_7fff_fbe0_0000UL)]
    [TestCase(4, 4, 48, 12, "modules", 0xffff_7fff_fc00_0000UL, 0xffff_8000_0000_0000UL)]
    [TestCase(3, 18, 39, 12, "modules", 0xffff_ffbf_fc00_0000UL, 0xffff_ffc0_0000_0000UL)]
    // memory.rst of 5.4 (there with KASAN above the linear map, which moves modules and vmalloc's start)
    [TestCase(5, 4, 48, 12, "PCI I/O", 0xffff_fdff_fec0_0000UL, 0xffff_fdff_ffc0_0000UL)]
    [TestCase(5, 4, 48, 12, "vmemmap", 0xffff_fdff_ffe0_0000UL, 0xffff_ffff_ffe0_0000UL)]
    [TestCase(5, 4, 52, 16, "PCI I/O", 0xffff_fc1f_fec0_0000UL, 0xffff_fc1f_ffc0_0000UL)]
    [TestCase(5, 4, 52, 16, "vmemmap", 0xffff_fc1f_ffe0_0000UL, 0xffff_ffff_ffe0_0000UL)]
    // memory.rst of 6.5
    [TestCase(6, 5, 48, 12, "modules", 0xffff_8000_0000_0000UL, 0xffff_8000_8000_0000UL)]
    [TestCase(6, 5, 48, 12, "vmalloc", 0xffff_8000_8000_0000UL, 0xffff_fbff_f000_0000UL)]
    [TestCase(6, 5, 48, 12, "fixed", 0xffff_fbff_f000_0000UL, 0xffff_fbff_fe00_0000UL)]
    [TestCase(6, 5, 48, 12, "PCI I/O", 0xffff_fbff_fe80_0000UL, 0xffff_fbff_ff80_0000UL)]
    [TestCase(6, 5, 48, 12, "vmemmap", 0xffff_fc00_0000_0000UL, 0xffff_fe00_0000_0000UL)]
    [TestCase(6, 5, 52, 16, "modules", 0xffff_8000_0000_0000UL, 0xffff_8000_8000_0000UL)]
    [TestCase(6, 5, 52, 16, "vmalloc", 0xffff_8000_8000_0000UL, 0xffff_fbff_f000_0000UL)]
    [TestCase(6, 5, 52, 16, "PCI I/O", 0xffff_fbff_fe80_0000UL, 0xffff_fbff_ff80_0000UL)]
    [TestCase(6, 5, 52, 16, "vmemmap", 0xffff_fc00_0000_0000UL, 0xffff_ffe0_0000_0000UL)]
    public void Arm64_ranges_are_those_of_the_documents_and_logs(int major, int minor, int vaBits, int shift, string name, ulong start, ulong end)
    {
        var range = Line(Arm64(major, minor, vaBits, shift), name);
        Assert.That((range.Start.Value, range.End.Value), Is.EqualTo((start, end)), range.ToString());
    }

    [TestCase(4, 9, 48, 0xffff_8000_0000_0000UL)]
    [TestCase(5, 4, 48, 0xffff_0000_0000_0000UL)]
    [TestCase(6, 9, 39, 0xffff_ff80_0000_0000UL)]
    [TestCase(6, 9, 52, 0xfff0_0000_0000_0000UL)]
    public void Arm64_page_offset_is_the_upper_half_up_to_5_3_and_the_lower_from_5_4(int major, int minor, int vaBits, ulong pageOffset) =>
        Assert.That(Arm64(major, minor, vaBits).PageOffset, Is.EqualTo(new VirtAddr(pageOffset)));

    [TestCase(39, 12), TestCase(48, 12), TestCase(52, 12), TestCase(36, 14), TestCase(47, 14), TestCase(48, 14), TestCase(52, 14),
     TestCase(42, 16), TestCase(48, 16), TestCase(52, 16)]
    public void No_two_arm64_ranges_overlap_unless_it_is_said(int vaBits, int shift)
    {
        foreach (var (major, minor) in new[] { (4, 4), (4, 9), (5, 4), (5, 12), (5, 17), (6, 5), (6, 9) })
        {
            var result = MemoryLayoutPlanner.Plan(BoardBuilder.Board(TargetArchitecture.Arm64, new Policy
            {
                LinuxVersion = Set(new LinuxVersion(major, minor)),
                VaBits = Set(vaBits),
                PageGeometry = Set(new PageGeometry(shift)),
            }, (0x4000_0000, 0x8000_0000)));
            if (result.Layout is not { } layout)
            {
                Assert.That(result.Diagnostics.Single().Id, Is.EqualTo("KMK3524"));
                continue;
            }
            if (result.Diagnostics.Any(d => d.Id == "KMK3529"))
            {
                // 4.4 leaves a PUD above vmemmap for the modules, and with 16K pages and 36 bits a PUD is only 32 MiB.
                Assert.That((major, minor, vaBits, shift), Is.EqualTo((4, 4, 36, 14)));
                continue;
            }
            var ranges = layout.Virtual.Select(v => v.Range).OrderBy(r => r).ToArray();
            for (var i = 1; i < ranges.Length; i++)
                Assert.That(ranges[i - 1].End <= ranges[i].Start.Value, $"{major}.{minor}: {ranges[i - 1]} {ranges[i]}");
        }
    }

    [TestCase(4, 9, 12, 0x0000_0000UL)]
    [TestCase(6, 1, 16, 0x4000_0000UL)]
    public void Arm64_PHYS_OFFSET_is_the_start_of_RAM_rounded_down_to_what_the_linear_map_maps_as_one(int major, int minor, int shift, ulong physOffset) =>
        Assert.That(Arm64(major, minor, 48, shift, start: shift == 12 ? 0x2000_0000UL : 0x5000_0000UL).PhysOffset, Is.EqualTo(new PhysAddr(physOffset)));

    [Test]
    public void RAM_behind_a_39_bit_linear_map_is_dropped_and_said()
    {
        var result = MemoryLayoutPlanner.Plan(BoardBuilder.Board(TargetArchitecture.Arm64, new Policy
        {
            LinuxVersion = Set(new LinuxVersion(6, 1)),
            VaBits = Set(39),
        }, (0, GiB), (512 * GiB, 513 * GiB)));
        Assert.Multiple(() =>
        {
            Assert.That(result.Layout!.LowPages, Is.EqualTo(GiB >> 12));
            Assert.That(result.Diagnostics.Single().Id, Is.EqualTo("KMK3523"));
        });
    }

    [TestCase(3, 2, "direct", 0xffff_8800_0000_0000UL)]
    [TestCase(6, 1, "direct", 0xffff_8880_0000_0000UL)]
    [TestCase(3, 2, "vmalloc", 0xffff_c900_0000_0000UL)]
    [TestCase(3, 2, "vmemmap", 0xffff_ea00_0000_0000UL)]
    [TestCase(3, 2, "kernel", 0xffff_ffff_8000_0000UL)]
    public void X86_64_ranges_start_where_mm_txt_says(int major, int minor, string name, ulong start)
    {
        var layout = BoardBuilder.Layout(BoardBuilder.Board(
            TargetArchitecture.X64, new Policy { LinuxVersion = Set(new LinuxVersion(major, minor)) }, (0, 8 * GiB)));
        Assert.That(Line(layout, name).Start, Is.EqualTo(new VirtAddr(start)));
    }

    [Test]
    public void X86_64_zones_end_at_16_MiB_and_4_GiB()
    {
        var layout = BoardBuilder.Layout(BoardBuilder.Board(
            TargetArchitecture.X64, new Policy(), (0, 3 * GiB), (4 * GiB, 6 * GiB)));
        Assert.That(layout.Zones.Select(z => (z.Name, z.Present)), Is.EqualTo(new[]
        {
            ("DMA", 4096UL), ("DMA32", (3 * GiB >> 12) - 4096), ("Normal", 2 * GiB >> 12),
        }));
    }
}
