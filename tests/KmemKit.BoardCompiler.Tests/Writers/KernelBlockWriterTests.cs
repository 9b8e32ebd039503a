using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Writers;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Writers;

/// <summary>The lines are copied from boot logs of real kernels.</summary>
public sealed class KernelBlockWriterTests
{
    // Arm, 3.4 (aries-msm8960) and 3.0 (cuboxi, airtab).
    [TestCase("vector", 0xffff0000UL, 0xffff1000UL, SizeUnit.KB, "    vector  : 0xffff0000 - 0xffff1000   (   4 kB)")]
    [TestCase("timers", 0xfffef000UL, 0xffff0000UL, SizeUnit.KB, "    timers  : 0xfffef000 - 0xffff0000   (   4 kB)")]
    [TestCase("fixmap", 0xfff00000UL, 0xfffe0000UL, SizeUnit.KB, "    fixmap  : 0xfff00000 - 0xfffe0000   ( 896 kB)")]
    [TestCase("DMA", 0xf4600000UL, 0xffe00000UL, SizeUnit.MB, "    DMA     : 0xf4600000 - 0xffe00000   ( 184 MB)")]
    [TestCase("vmalloc", 0xf0000000UL, 0xff000000UL, SizeUnit.MB, "    vmalloc : 0xf0000000 - 0xff000000   ( 240 MB)")]
    [TestCase("lowmem", 0x80000000UL, 0xea000000UL, SizeUnit.MB, "    lowmem  : 0x80000000 - 0xea000000   (1696 MB)")]
    [TestCase("pkmap", 0xbfe00000UL, 0xc0000000UL, SizeUnit.MB, "    pkmap   : 0xbfe00000 - 0xc0000000   (   2 MB)")]
    [TestCase("modules", 0xbf000000UL, 0xbfe00000UL, SizeUnit.MB, "    modules : 0xbf000000 - 0xbfe00000   (  14 MB)")]
    [TestCase(".text", 0xc0008000UL, 0xc0e07f80UL, SizeUnit.KBRoundedUp, "      .text : 0xc0008000 - 0xc0e07f80   (14336 kB)")]
    [TestCase(".init", 0xc0f00000UL, 0xc101df40UL, SizeUnit.KBRoundedUp, "      .init : 0xc0f00000 - 0xc101df40   (1144 kB)")]
    [TestCase(".bss", 0xc121aae4UL, 0xc1a4e2e4UL, SizeUnit.KBRoundedUp, "       .bss : 0xc121aae4 - 0xc1a4e2e4   (8398 kB)")]
    public void A_line_of_an_Arm_log_is_printed_as_the_kernel_does(string name, ulong start, ulong end, SizeUnit unit, string expected) =>
        Assert.That(Line(SampleLayout.Board(), name, start, end, unit), Is.EqualTo(expected));

    // i386, 3.2 with PAE (yong): sections are rounded down there.
    [TestCase("fixmap", 0xfff16000UL, 0xfffff000UL, SizeUnit.KB, "    fixmap  : 0xfff16000 - 0xfffff000   ( 932 kB)")]
    [TestCase("pkmap", 0xffc00000UL, 0xffe00000UL, SizeUnit.KB, "    pkmap   : 0xffc00000 - 0xffe00000   (2048 kB)")]
    [TestCase("lowmem", 0xc0000000UL, 0xf7bfe000UL, SizeUnit.MB, "    lowmem  : 0xc0000000 - 0xf7bfe000   ( 891 MB)")]
    [TestCase(".data", 0xc15b4afcUL, 0xc187f280UL, SizeUnit.KB, "      .data : 0xc15b4afc - 0xc187f280   (2857 kB)")]
    public void A_line_of_an_i386_log_is_printed_as_the_kernel_does(string name, ulong start, ulong end, SizeUnit unit, string expected) =>
        Assert.That(Line(SampleLayout.Board(architecture: TargetArchitecture.X86), name, start, end, unit), Is.EqualTo(expected));

    // arm64, 4.x.
    [TestCase("vmalloc", 0xffff000008000000UL, 0xffff7dffbfff0000UL, SizeUnit.GB, "    vmalloc : 0xffff000008000000 - 0xffff7dffbfff0000   (129022 GB)")]
    [TestCase("modules", 0xffff000000000000UL, 0xffff000008000000UL, SizeUnit.MB, "    modules : 0xffff000000000000 - 0xffff000008000000   (   128 MB)")]
    [TestCase("vmemmap", 0xffff7e0000000000UL, 0xffff800000000000UL, SizeUnit.GB, "    vmemmap : 0xffff7e0000000000 - 0xffff800000000000   (  2048 GB maximum)")]
    [TestCase(".rodata", 0xffff000008ae0000UL, 0xffff000008e00000UL, SizeUnit.KB, "    .rodata : 0xffff000008ae0000 - 0xffff000008e00000   (  3200 KB)")]
    public void A_line_of_an_arm64_log_is_printed_as_the_kernel_does(string name, ulong start, ulong end, SizeUnit unit, string expected) =>
        Assert.That(Line(SampleLayout.Board(architecture: TargetArchitecture.Arm64), name, start, end, unit), Is.EqualTo(expected));

    // msm 3.4 with ENABLE_VMALLOC_SAVING (cancro): a tab, and the names to the right.
    [TestCase("vmalloc", 0xe8000000UL, 0xff000000UL, "\t   vmalloc : 0xe8000000 - 0xff000000   ( 368 MB)")]
    [TestCase("lowmem", 0xcff00000UL, 0xe7900000UL, "\t    lowmem : 0xcff00000 - 0xe7900000   ( 378 MB)")]
    [TestCase("pkmap", 0xbfe00000UL, 0xc0000000UL, "    pkmap   : 0xbfe00000 - 0xc0000000   (   2 MB)")]
    public void Vmalloc_saving_has_lines_of_its_own(string name, ulong start, ulong end, string expected) =>
        Assert.That(Line(SampleLayout.Board(reclaim: ReclaimStrategy.VmallocSaving), name, start, end, SizeUnit.MB), Is.EqualTo(expected));

    [Test]
    public void The_end_of_the_64_bit_space_is_not_printed_as_zero()
    {
        var range = new VirtualRange("top", KmemKit.Architecture.VirtRange.FromBounds(
            new KmemKit.Architecture.VirtAddr(0xffff_ffff_ffe0_0000), KmemKit.Architecture.AddressLimit.Top), SizeUnit.KB);

        Assert.That(KernelBlockWriter.Line(SampleLayout.With(SampleLayout.Board(architecture: TargetArchitecture.X64)), range),
            Is.EqualTo("    top     : 0xffffffffffe00000 - 0x10000000000000000   (  2048 KB)"));
    }

    [TestCase(TargetArchitecture.Arm, "Virtual kernel memory layout:")]
    [TestCase(TargetArchitecture.X86, "virtual kernel memory layout:")]
    public void The_headline_is_the_architecture_s(TargetArchitecture architecture, string headline) =>
        Assert.That(KernelBlockWriter.Write(SampleLayout.Full(SampleLayout.Board(architecture: architecture))).Split('\n')[0], Is.EqualTo(headline));

    [Test]
    public void Without_virtual_ranges_there_is_no_block() =>
        Assert.That(KernelBlockWriter.Write(SampleLayout.With(SampleLayout.Board())), Is.Empty);

    private static string Line(KmemKit.BoardCompiler.Boards.Board board, string name, ulong start, ulong end, SizeUnit unit) =>
        KernelBlockWriter.Line(SampleLayout.With(board), new VirtualRange(name, SampleLayout.Virt(start, end), unit));
}
