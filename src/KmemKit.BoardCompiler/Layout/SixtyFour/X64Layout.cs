using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.SixtyFour;

/// <summary>The memory layout of x86-64 kernels with 4-level or 5-level page tables, 2.6.31 to 6.9, without address randomisation.</summary>
/// <remarks>Source: Documentation/x86/x86_64/mm.txt and mm.rst, arch/x86/include/asm/pgtable_64_types.h, page_64_types.h. The kernel prints no such block.</remarks>
internal static class X64Layout
{
    public static readonly LinuxVersion Oldest = new(2, 6, 31);
    public static readonly LinuxVersion Newest = new(6, 9);

    private const ulong TiB = 1UL << 40;
    private const ulong KernelText = 0xffff_ffff_8000_0000;
    private const ulong KernelTextSize = 512UL << 20;

    public static MemoryLayout? Plan(Board board, LinuxVersion version, DiagnosticBag diagnostics)
    {
        var policy = board.Policy;
        var five = (policy.X86FiveLevel?.Value ?? false) && version >= new LinuxVersion(4, 14);
        if ((policy.X86FiveLevel?.Value ?? false) && !five)
            diagnostics.Add(DiagnosticTable.Layout.ParameterWithoutEffect, policy.X86FiveLevel!.Value.Span, "CONFIG_X86_5LEVEL", $"Linux {version} has four levels");
        if (five && policy.Bootargs.NoFiveLevel is { Value: true })
            five = false;
        // From 4.20 the LDT remap sits in front of the direct map.
        var moved = version >= new LinuxVersion(4, 20);
        var pageOffset = five
            ? (moved ? 0xff11_0000_0000_0000 : 0xff10_0000_0000_0000)
            : (moved ? 0xffff_8880_0000_0000 : 0xffff_8800_0000_0000);

        // 46 and 52 bits are less than the direct maps hold, 64 TiB and 32 PiB: no RAM lies beyond them.
        var ram = BankCollection.Collect(board, five ? 52 : 46, memIsAmount: false, diagnostics);
        BankCollection.TakeHoles(board, ram, diagnostics);
        if (diagnostics.HasErrors || !BankCollection.CheckAny(board, ram, diagnostics))
            return null;
        // Before memory that is not mapped is taken out of it.
        var end = ram.End;
        return AllLowmem.Assemble(board, $"linux-x86_64-{version}", PageGeometry.FourKiB, pageOffset, 0, ram, new Ram(),
            _ => Virtual(policy, version, five, pageOffset, end, diagnostics).ToImmutable(), [], diagnostics);
    }

    private static VirtualRangeList Virtual(Policy policy, LinuxVersion version, bool five, ulong pageOffset, ulong end, DiagnosticBag diagnostics)
    {
        var ranges = new VirtualRangeList(diagnostics);
        void Add(string name, ulong start, ulong size, SizeUnit unit) => ranges.Add(name, start, start + size, unit, default);
        Add("direct", pageOffset, end, SizeUnit.GB);
        Add("vmalloc", five ? 0xffa0_0000_0000_0000 : 0xffff_c900_0000_0000, five ? 12800 * TiB : 32 * TiB, SizeUnit.GB);
        Add("vmemmap", five ? 0xffd4_0000_0000_0000 : 0xffff_ea00_0000_0000, five ? 512 * TiB : TiB, SizeUnit.GB);
        if (version >= new LinuxVersion(4, 15))
            Add("cpu_entry_area", 0xffff_fe00_0000_0000, TiB / 2, SizeUnit.GB);
        if (version >= new LinuxVersion(3, 16))
            Add("espfix", 0xffff_ff00_0000_0000, TiB / 2, SizeUnit.GB);
        Add("kernel", KernelText, KernelTextSize, SizeUnit.MB);
        if (policy.Modules?.Value ?? false)
            Add("modules", KernelText + KernelTextSize, 0xffff_ffff_ff00_0000 - KernelText - KernelTextSize, SizeUnit.MB);
        if (policy.FixaddrStart is { } fixmap)
            ranges.Add("fixmap", fixmap.Value.Value, policy.FixaddrTop?.Value.Value ?? 0xffff_ffff_ff60_0000, SizeUnit.KB, fixmap.Span);
        Add("vsyscall", 0xffff_ffff_ff60_0000, 4096, SizeUnit.KB);
        return ranges;
    }
}
