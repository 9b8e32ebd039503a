using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Layout.BoardBuilder;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>RISC-V layouts against what Documentation/riscv/vm-layout.rst says by release, and the rules of arch/riscv/mm/init.c. Real boot logs are vectors.</summary>
public class RiscVLayoutTests
{
    private const ulong KiB = 1UL << 10;
    private const ulong MiB = 1UL << 20;
    private const ulong GiB = 1UL << 30;
    private const ulong TiB = 1UL << 40;

    private static Policy Linux(int major, int minor, int patch = 0) => new() { LinuxVersion = Set(new LinuxVersion(major, minor, patch)) };

    private static Board Board(Policy policy, string mmuType, params (ulong Start, ulong End)[] banks)
    {
        var architecture = mmuType == "riscv,sv32" ? TargetArchitecture.RiscV32 : TargetArchitecture.RiscV64;
        return BoardBuilder.Board(architecture, policy, banks.Length == 0 ? [(0x8000_0000, 0x8000_0000 + GiB)] : banks) with { Cpus = [Hart(0, mmuType)] };
    }

    private static BoardCpu Hart(ulong id, string? mmuType, bool enabled = true) => new(id, ["riscv"], "/cpus/cpu", default) { MmuType = mmuType, Enabled = enabled };

    private static MemoryLayout Layout(Policy policy, string mmuType = "riscv,sv39", params (ulong Start, ulong End)[] banks) =>
        BoardBuilder.Layout(Board(policy, mmuType, banks));

    private static IEnumerable<string> Ids(LayoutResult result) => result.Diagnostics.Select(d => d.Id);

    // vm-layout.rst of 5.13 and 5.16
    [TestCase(5, 16, "riscv,sv39", "kasan", 0xffff_ffc0_0000_0000UL, 32 * GiB)]
    [TestCase(5, 16, "riscv,sv39", "fixmap", 0xffff_ffce_fee0_0000UL, 2 * MiB)]
    [TestCase(5, 16, "riscv,sv39", "pci io", 0xffff_ffce_ff00_0000UL, 16 * MiB)]
    [TestCase(5, 16, "riscv,sv39", "vmemmap", 0xffff_ffcf_0000_0000UL, 4 * GiB)]
    [TestCase(5, 16, "riscv,sv39", "vmalloc", 0xffff_ffd0_0000_0000UL, 64 * GiB)]
    [TestCase(5, 16, "riscv,sv39", "modules", 0xffff_ffff_0000_0000UL, 2 * GiB)]
    [TestCase(5, 16, "riscv,sv39", "kernel", 0xffff_ffff_8000_0000UL, 2 * GiB)]
    // vm-layout.rst of 5.17 to 6.2: Sv39
    [TestCase(6, 2, "riscv,sv39", "fixmap", 0xffff_ffc6_fee0_0000UL, 2 * MiB)]
    [TestCase(6, 2, "riscv,sv39", "pci io", 0xffff_ffc6_ff00_0000UL, 16 * MiB)]
    [TestCase(6, 2, "riscv,sv39", "vmemmap", 0xffff_ffc7_0000_0000UL, 4 * GiB)]
    [TestCase(6, 2, "riscv,sv39", "vmalloc", 0xffff_ffc8_0000_0000UL, 64 * GiB)]
    [TestCase(6, 2, "riscv,sv39", "kasan", 0xffff_fff7_0000_0000UL, 32 * GiB)]
    // vm-layout.rst of 6.11: Sv39
    [TestCase(6, 11, "riscv,sv39", "fixmap", 0xffff_ffc4_fea0_0000UL, 6 * MiB)]
    [TestCase(6, 11, "riscv,sv39", "pci io", 0xffff_ffc4_ff00_0000UL, 16 * MiB)]
    [TestCase(6, 11, "riscv,sv39", "vmemmap", 0xffff_ffc5_0000_0000UL, 4 * GiB)]
    [TestCase(6, 11, "riscv,sv39", "vmalloc", 0xffff_ffc6_0000_0000UL, 64 * GiB)]
    [TestCase(6, 11, "riscv,sv39", "kasan", 0xffff_fff7_0000_0000UL, 32 * GiB)]
    // the same document: Sv48
    [TestCase(6, 11, "riscv,sv48", "fixmap", 0xffff_8d7f_fea0_0000UL, 6 * MiB)]
    [TestCase(6, 11, "riscv,sv48", "pci io", 0xffff_8d7f_ff00_0000UL, 16 * MiB)]
    [TestCase(6, 11, "riscv,sv48", "vmemmap", 0xffff_8d80_0000_0000UL, 2 * TiB)]
    [TestCase(6, 11, "riscv,sv48", "vmalloc", 0xffff_8f80_0000_0000UL, 32 * TiB)]
    [TestCase(6, 11, "riscv,sv48", "kasan", 0xffff_ef80_0000_0000UL, 0x107f_0000_0000UL)]
    // and Sv57, with KASAN's start as a boot log has it
    [TestCase(6, 11, "riscv,sv57", "fixmap", 0xff1b_ffff_fea0_0000UL, 6 * MiB)]
    [TestCase(6, 11, "riscv,sv57", "vmemmap", 0xff1c_0000_0000_0000UL, 1024 * TiB)]
    [TestCase(6, 11, "riscv,sv57", "vmalloc", 0xff20_0000_0000_0000UL, 16384 * TiB)]
    [TestCase(6, 11, "riscv,sv57", "kasan", 0xffdf_0000_0000_0000UL, 0x20_ffff_0000_0000UL)]
    [TestCase(6, 11, "riscv,sv57", "kernel", 0xffff_ffff_8000_0000UL, 2 * GiB)]
    public void A_range_is_where_the_kernels_document_has_it(int major, int minor, string mmuType, string name, ulong start, ulong size)
    {
        var range = Line(Layout(Linux(major, minor) with { Kasan = Set(true) }, mmuType), name);
        Assert.That((range.Start.Value, range.Size.Value), Is.EqualTo((start, size)), range.ToString());
    }

    [TestCase(5, 4, "riscv,sv48", 0xffff_ffe0_0000_0000UL)]
    [TestCase(5, 16, "riscv,sv57", 0xffff_ffe0_0000_0000UL)]
    [TestCase(5, 17, "riscv,sv57", 0xffff_af80_0000_0000UL)]
    [TestCase(5, 18, "riscv,sv57", 0xff60_0000_0000_0000UL)]
    [TestCase(5, 17, "riscv,sv39", 0xffff_ffd8_0000_0000UL)]
    [TestCase(6, 10, "riscv,sv39", 0xffff_ffd8_0000_0000UL)]
    [TestCase(6, 11, "riscv,sv39", 0xffff_ffd6_0000_0000UL)]
    [TestCase(6, 11, "riscv,sv32", 0xc000_0000UL)]
    public void PAGE_OFFSET_is_that_of_the_widest_mode_which_release_and_hart_have(int major, int minor, string mmuType, ulong pageOffset) =>
        Assert.That(Layout(Linux(major, minor), mmuType).PageOffset, Is.EqualTo(new VirtAddr(pageOffset)));

    // The release, and the stable releases of the week of 2023-05-01.
    [TestCase(5, 15, 109, 2), TestCase(5, 15, 110, 6), TestCase(6, 1, 26, 2), TestCase(6, 1, 27, 6), TestCase(6, 2, 13, 2), TestCase(6, 2, 14, 6), TestCase(6, 0, 99, 2)]
    [TestCase(6, 3, 0, 6)]
    public void The_fixmap_grew_when_the_devicetree_moved_into_it(int major, int minor, int patch, int size) =>
        Assert.That(Line(Layout(Linux(major, minor, patch)), "fixmap").Size.Value, Is.EqualTo((ulong)size * MiB));

    [Test]
    public void The_narrowest_hart_decides_and_one_without_an_MMU_does_not()
    {
        var board = Board(Linux(6, 6), "riscv,sv57");
        var mixed = board with { Cpus = [Hart(0, "riscv,none"), Hart(1, "riscv,sv57"), Hart(2, "riscv,sv48"), Hart(3, "riscv,sv39", enabled: false)] };
        Assert.That(BoardBuilder.Layout(mixed).PageOffset.Value, Is.EqualTo(0xffff_af80_0000_0000));
    }

    [TestCase("no4lvl", 0xffff_ffd8_0000_0000UL), TestCase("no5lvl", 0xffff_af80_0000_0000UL), TestCase("no5lvl no4lvl", 0xffff_ffd8_0000_0000UL)]
    public void A_kernel_parameter_takes_levels_away_from_6_4_on(string parameters, ulong pageOffset)
    {
        var arguments = new BootArguments
        {
            NoFourLevel = parameters.Contains("no4lvl", StringComparison.Ordinal) ? Set(true) : null,
            NoFiveLevel = parameters.Contains("no5lvl", StringComparison.Ordinal) ? Set(true) : null,
        };
        var old = MemoryLayoutPlanner.Plan(Board(Linux(6, 3) with { Bootargs = arguments }, "riscv,sv57"));
        Assert.Multiple(() =>
        {
            Assert.That(Layout(Linux(6, 4) with { Bootargs = arguments }, "riscv,sv57").PageOffset.Value, Is.EqualTo(pageOffset));
            Assert.That(old.Layout!.PageOffset.Value, Is.EqualTo(0xff60_0000_0000_0000));
            Assert.That(Ids(old), Does.Contain("KMK3517"));
        });
    }

    [TestCase(5, 18, 5, 0xff60_0000_0000_0000UL), TestCase(5, 18, 4, 0xffff_af80_0000_0000UL), TestCase(6, 6, 3, 0xffff_ffd8_0000_0000UL), TestCase(5, 17, 5, 0UL)]
    [TestCase(6, 6, 2, 0UL)]
    public void A_kernel_has_no_more_levels_than_it_is_built_for(int major, int minor, int levels, ulong pageOffset)
    {
        var result = MemoryLayoutPlanner.Plan(Board(Linux(major, minor) with { PageTableLevels = Set(levels) }, "riscv,sv57"));
        if (pageOffset == 0)
            Assert.That(Ids(result), Is.EqualTo(new[] { "KMK3537" }));
        else
            Assert.That(result.Layout!.PageOffset.Value, Is.EqualTo(pageOffset));
    }

    [Test]
    public void An_unknown_paging_mode_is_assumed_and_said()
    {
        var result = MemoryLayoutPlanner.Plan(Board(Linux(6, 6), "riscv,sv39") with { Cpus = [Hart(0, null)] });
        Assert.That((result.Layout!.PageOffset.Value, Ids(result).Single()), Is.EqualTo((0xffff_ffd8_0000_0000, "KMK3536")));
    }

    [TestCase("riscv,sv39", 6, 3, 2UL), TestCase("riscv,sv32", 6, 6, 4UL)]
    public void RAM_below_the_image_is_dropped_where_the_linear_map_starts_with_the_image(string mmuType, int major, int minor, ulong megabytes)
    {
        var result = MemoryLayoutPlanner.Plan(Board(Linux(major, minor), mmuType, (0x7000_0000, 0x7010_0000), (0x8000_0000, 0x9000_0000)) with
        {
            Policy = Linux(major, minor) with { KernelPhys = Set(new PhysAddr(0x8000_0000 + (megabytes * MiB))) },
        });
        var layout = result.Layout!;
        Assert.Multiple(() =>
        {
            Assert.That(layout.PhysOffset.Value, Is.EqualTo(0x8000_0000 + (megabytes * MiB)));
            Assert.That(layout.Banks.Single().Range, Is.EqualTo(Range(0x8000_0000 + (megabytes * MiB), 0x9000_0000)));
            Assert.That(layout.Messages, Is.EqualTo(new[]
            {
                "OF: fdt: Ignoring memory block 0x70000000 - 0x70100000", FormattableString.Invariant($"OF: fdt: Ignoring memory range 0x80000000 - 0x80{megabytes:x}00000"),
            }));
            Assert.That(Ids(result), Is.EqualTo(new[] { "KMK3539", "KMK3539" }));
            Assert.That(layout.Holes.Where(h => h.Kind == HoleKind.Ignored).Select(h => h.Range.Size.Value), Is.EqualTo(new[] { MiB, megabytes * MiB }));
        });
    }

    [TestCase(0x8000_0000UL, 0x8000_0000UL), TestCase(0x8008_0000UL, 0x8000_0000UL), TestCase(0x4030_0000UL, 0x4020_0000UL)]
    public void From_6_4_the_linear_map_starts_with_RAM_rounded_down_to_2_MiB(ulong start, ulong physOffset) =>
        Assert.That(Layout(Linux(6, 4), "riscv,sv39", (start, start + GiB)).PhysOffset.Value, Is.EqualTo(physOffset));

    [TestCase("riscv,sv39", 5, 12, 128), TestCase("riscv,sv39", 5, 16, 124), TestCase("riscv,sv39", 6, 10, 124), TestCase("riscv,sv39", 6, 11, 128)]
    [TestCase("riscv,sv32", 6, 11, 1), TestCase("riscv,sv48", 6, 11, 65536)]
    public void RAM_beyond_the_linear_map_is_dropped_and_said(string mmuType, int major, int minor, int gigabytes)
    {
        var start = mmuType == "riscv,sv32" ? 0x4000_0000UL : 0x8000_0000UL;
        var size = mmuType == "riscv,sv32" ? 2 * GiB : (ulong)(gigabytes + 1) * GiB;
        var result = MemoryLayoutPlanner.Plan(Board(Linux(major, minor), mmuType, (start, start + size)));
        var layout = result.Layout!;
        Assert.Multiple(() =>
        {
            Assert.That(layout.LowmemLimit.Value - layout.PhysOffset.Value, Is.EqualTo((ulong)gigabytes * GiB));
            Assert.That(Ids(result), Does.Contain("KMK3523"));
            Assert.That(layout.Linear.Segments.Single().Size, Is.EqualTo((ulong)gigabytes * GiB));
        });
    }

    [Test]
    public void The_amount_of_mem_counts_from_the_image()
    {
        var policy = Linux(6, 1) with { Bootargs = new BootArguments { Mem = [Set(new MemoryArgument(64 * MiB, null))] } };
        Assert.That(Layout(policy).Banks.Single().Range, Is.EqualTo(Range(0x8020_0000, 0x8420_0000)));
        Assert.That(Layout(policy with { LinuxVersion = Set(new LinuxVersion(6, 6)) }).Banks.Single().Range, Is.EqualTo(Range(0x8000_0000, 0x8400_0000)));
    }

    [TestCase("riscv,sv39", 6, 6, 0x8010_0000UL, null, "multiple")]
    [TestCase("riscv,sv32", 6, 6, 0x8020_0000UL, null, "multiple")]
    [TestCase("riscv,sv39", 6, 6, 0x4000_0000UL, null, "no RAM")]
    [TestCase("riscv,sv39", 6, 1, 0x8040_0000UL, 0x8020_0000UL, "CONFIG_PHYS_OFFSET")]
    public void An_image_that_cannot_be_loaded_where_it_is_said_is_an_error(string mmuType, int major, int minor, ulong place, ulong? physOffset, string why)
    {
        var result = MemoryLayoutPlanner.Plan(Board(
            Linux(major, minor) with { KernelPhys = Set(new PhysAddr(place)), PhysOffset = physOffset is { } offset ? Set(new PhysAddr(offset)) : null }, mmuType));
        Assert.That((result.Layout, result.Diagnostics.Single().Id, result.Diagnostics.Single().Message.Contains(why, StringComparison.Ordinal)), Is.EqualTo(((MemoryLayout?)null, "KMK3538", true)));
    }

    // Up to 5.16 and with 32 bits the constant is the kernel's own; from 5.17 it is that of the widest mode.
    [TestCase("riscv,sv39", 5, 10, 0xffff_ffff_0000_0000UL, 0xffff_ffff_0000_0000UL, null)]
    [TestCase("riscv,sv32", 6, 6, 0x8000_0000UL, 0x8000_0000UL, null)]
    [TestCase("riscv,sv32", 6, 6, 0x8010_0000UL, null, "KMK3522")]
    [TestCase("riscv,sv32", 6, 6, 0x1000_0000UL, null, "KMK3522")]
    [TestCase("riscv,sv39", 5, 10, 0xffff_ff00_0000_0000UL, null, "KMK3522")]
    [TestCase("riscv,sv39", 6, 6, 0xff60_0000_0000_0000UL, 0xffff_ffd8_0000_0000UL, null)]
    [TestCase("riscv,sv39", 6, 6, 0xff50_0000_0000_0000UL, 0xffff_ffd8_0000_0000UL, "KMK3517")]
    [TestCase("riscv,sv57", 6, 6, 0xff50_0000_0000_0000UL, 0xff50_0000_0000_0000UL, null)]
    [TestCase("riscv,sv57", 6, 6, 0xff50_0000_4000_0000UL, null, "KMK3522")]
    public void CONFIG_PAGE_OFFSET_counts_where_the_kernel_takes_it(string mmuType, int major, int minor, ulong given, ulong? pageOffset, string? finding)
    {
        var result = MemoryLayoutPlanner.Plan(Board(Linux(major, minor) with { PageOffset = Set(new VirtAddr(given)) }, mmuType));
        Assert.That(result.Layout?.PageOffset.Value, Is.EqualTo(pageOffset));
        Assert.That(Ids(result).Where(id => id != "KMK3539"), finding is null ? Is.Empty : Is.EqualTo(new[] { finding }));
    }

    [Test]
    public void No_two_ranges_overlap_whatever_the_release_and_the_mode()
    {
        foreach (var version in Enumerable.Range(4, 16).Select(minor => (5, minor)).Concat(Enumerable.Range(0, 13).Select(minor => (6, minor))))
        {
            foreach (var mmuType in new[] { "riscv,sv32", "riscv,sv39", "riscv,sv48", "riscv,sv57" })
            {
                var kasan = mmuType != "riscv,sv32" && version.CompareTo((5, 6)) >= 0;
                var layout = Layout(Linux(version.Item1, version.Item2) with { Kasan = Set(kasan) }, mmuType);
                var ranges = layout.Virtual.OrderBy(v => v.Range).ToArray();
                for (var i = 1; i < ranges.Length; i++)
                    Assert.That(ranges[i - 1].Range.End <= ranges[i].Range.Start.Value, $"{version} {mmuType}: {ranges[i - 1]} {ranges[i]}");
                Assert.That(AddressClassifier.UserLimit(layout)!.Value <= ranges[0].Range.Start.Value, $"{version} {mmuType}");
                var kernelHalf = mmuType == "riscv,sv32" ? 0 : unchecked(0 - AddressClassifier.UserLimit(layout)!.Value);
                Assert.That(ranges[0].Range.Start.Value, Is.GreaterThanOrEqualTo(kernelHalf), $"{version} {mmuType}");
            }
        }
    }

    [TestCase(5, 12, null), TestCase(5, 13, 0x8020_0000UL), TestCase(6, 6, 0x8020_0000UL)]
    public void The_image_has_a_map_of_its_own_from_5_13_on(int major, int minor, ulong? place)
    {
        var own = ImageSegments.Own(Layout(Linux(major, minor)));
        Assert.That(own?.Phys.Value, Is.EqualTo(place));
        if (place is not null)
            Assert.That(own!.Value.Virt.Value, Is.EqualTo(0xffff_ffff_8000_0000));
        Assert.That(ImageSegments.Own(Layout(Linux(major, minor), "riscv,sv32")), Is.Null);
    }

    [Test]
    public void A_32_bit_zone_ends_at_4_GiB_wherever_RAM_starts()
    {
        var high = Layout(Linux(6, 6), "riscv,sv39", (0x10_0000_0000, 0x10_4000_0000));
        var low = Layout(Linux(6, 6), "riscv,sv39", (0x8000_0000, 0x2_0000_0000));
        Assert.That(high.Zones.Select(z => z.Name), Is.EqualTo(new[] { "Normal" }));
        Assert.That(low.Zones.Select(z => (z.Name, z.Present)), Is.EqualTo(new[] { ("DMA32", 2 * GiB >> 12), ("Normal", 4 * GiB >> 12) }));
    }

    [TestCase("riscv,sv39", 0x3f_ffff_ffffUL, AddressKind.User), TestCase("riscv,sv39", 0x40_0000_0000UL, AddressKind.Nothing)]
    [TestCase("riscv,sv48", 0x7fff_ffff_ffffUL, AddressKind.User), TestCase("riscv,sv48", 0x8000_0000_0000UL, AddressKind.Nothing)]
    [TestCase("riscv,sv57", 0xff_ffff_ffff_ffffUL, AddressKind.User), TestCase("riscv,sv57", 0xff60_0000_0020_0000UL, AddressKind.Logical)]
    [TestCase("riscv,sv32", 0x9d7f_ffffUL, AddressKind.User), TestCase("riscv,sv32", 0x9d80_0000UL, AddressKind.Fixmap), TestCase("riscv,sv32", 0xa000_0000UL, AddressKind.Vmalloc)]
    [TestCase("riscv,sv39", 0xffff_ffc8_0000_0000UL, AddressKind.Vmalloc), TestCase("riscv,sv39", 0xffff_ffff_0000_0000UL, AddressKind.Modules)]
    [TestCase("riscv,sv39", 0xffff_ffff_ffff_ffffUL, AddressKind.Kernel), TestCase("riscv,sv39", 0xffff_ff80_0000_0000UL, AddressKind.Nothing)]
    public void An_address_is_what_the_mode_makes_it(string mmuType, ulong address, AddressKind kind) =>
        Assert.That(AddressClassifier.ClassifyVirtual(Layout(Linux(6, 6), mmuType), new VirtAddr(address)).Kind, Is.EqualTo(kind));

    [Test]
    public void A_no_map_region_of_the_firmware_is_a_hole_in_lowmem()
    {
        var board = Board(Linux(6, 6), "riscv,sv39");
        board = board with { Reserved = [new ReservedRegion("mmode_resv0", Range(0x8000_0000, 0x8004_0000), default) { NoMap = true }] };
        var layout = BoardBuilder.Layout(board);
        Assert.Multiple(() =>
        {
            Assert.That(layout.Banks.Single().Range.Start.Value, Is.EqualTo(0x8000_0000 + (256 * KiB)));
            Assert.That(layout.Holes.Single().Kind, Is.EqualTo(HoleKind.NoMap));
            Assert.That(layout.PageOffset, Is.EqualTo(layout.Linear.Segments.Single().Virt));
            Assert.That(layout.Linear.PhysToVirt(new PhysAddr(0x8000_0000), out _), Is.EqualTo(TranslationStatus.Hole));
        });
    }

    [Test]
    public void KASAN_has_no_shadow_that_is_known_but_on_64_bit_RISC_V()
    {
        var policy = Linux(6, 6) with { Kasan = Set(true) };
        Assert.That(Ids(MemoryLayoutPlanner.Plan(Board(policy, "riscv,sv32"))), Does.Contain("KMK3517"));
        Assert.That(Ids(MemoryLayoutPlanner.Plan(BoardBuilder.Board(TargetArchitecture.Arm64, policy, (0x4000_0000, 0x8000_0000)))), Does.Contain("KMK3517"));
    }

    [Test]
    public void The_parameter_that_takes_the_fifth_level_is_x86_64s_too()
    {
        var policy = Linux(6, 6) with { X86FiveLevel = Set(true) };
        var without = policy with { Bootargs = new BootArguments { NoFiveLevel = Set(true) } };
        Assert.That(BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.X64, policy, (0, GiB))).PageOffset.Value, Is.EqualTo(0xff11_0000_0000_0000));
        Assert.That(BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.X64, without, (0, GiB))).PageOffset.Value, Is.EqualTo(0xffff_8880_0000_0000));
    }
}
