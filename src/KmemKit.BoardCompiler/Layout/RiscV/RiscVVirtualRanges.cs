using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.RiscV;

/// <summary>The lines of the block that a RISC-V kernel prints, in its order, and the ranges that it has and does not print.</summary>
/// <remarks>Source: print_vm_layout of arch/riscv/mm/init.c (5.5 to 6.12, with CONFIG_DEBUG_VM).</remarks>
internal sealed class RiscVVirtualRanges(RiscVRules rules, Policy policy, LinuxVersion version, DiagnosticBag diagnostics)
{
    private readonly VirtualRangeList _ranges = new(diagnostics);

    public ImmutableArray<VirtualRange> Make(AddressLimit highMemory)
    {
        // VMALLOC_END and VMEMMAP_END were the last addresses.
        var form = version < new LinuxVersion(5, 17) ? LineForm.LastAddress : LineForm.Bounds;
        Add("fixmap", rules.FixmapStart, rules.PciIoStart, SizeUnit.KB);
        Add("pci io", rules.PciIoStart, rules.VmemmapStart, SizeUnit.MB);
        Add("vmemmap", rules.VmemmapStart, rules.VmallocStart, SizeUnit.MB, form);
        Add("vmalloc", rules.VmallocStart, rules.PageOffset, SizeUnit.MB, form);
        if (rules.ModulesStart is { } modules && rules.KernelStart is { } image)
            Add("modules", LowestModule(modules, image), image, SizeUnit.MB, version < new LinuxVersion(6, 0) ? LineForm.Silent : LineForm.Bounds);
        Add("lowmem", rules.PageOffset, highMemory, SizeUnit.MB);
        AddKasan();
        if (rules.KernelStart is { } start)
            Add("kernel", start, AddressLimit.Top, SizeUnit.MB, LineForm.LastAddress);
        return _ranges.ToImmutable();
    }

    private void AddKasan()
    {
        if (policy.Kasan is not { Value: true } kasan)
            return;
        var (start, end) = rules.Kasan;
        if (end == start)
            diagnostics.Add(DiagnosticTable.Layout.ParameterWithoutEffect, kasan.Span, "CONFIG_KASAN", $"Linux {version} has none for this board: 64-bit RISC-V has, from 5.6 on");
        else
            Add("kasan", start, end, SizeUnit.MB, version < new LinuxVersion(5, 17) ? LineForm.Silent : LineForm.Bounds);
    }

    // A module reaches all of the image: the lowest is 2 GiB below the image's end.
    private ulong LowestModule(ulong floor, ulong image)
    {
        var end = policy.KernelSections.Where(s => s.Range.Start.Value >= image && !s.Range.IsEmpty).Select(s => s.Range.End.Last).DefaultIfEmpty(image - 1).Max();
        return floor + (Alignment.Down(end, 4096) + 4096 - image);
    }

    // From 5.19 on the unit is the largest that gives two digits.
    private void Add(string name, ulong start, AddressLimit end, SizeUnit unit, LineForm form = LineForm.Bounds)
    {
        if (version >= new LinuxVersion(5, 19))
        {
            var size = end.SizeFrom(start).Wrapped - (form == LineForm.LastAddress ? 1UL : 0);
            unit = rules.PageOffset > uint.MaxValue && size >> 40 >= 10 ? SizeUnit.TB : size >> 30 >= 10 ? SizeUnit.GB : size >> 20 >= 10 ? SizeUnit.MB : SizeUnit.KB;
        }
        _ranges.Add(name, start, end, unit, default, form);
    }
}
