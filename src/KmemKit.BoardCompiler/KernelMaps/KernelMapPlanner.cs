using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>Decides what a board's kernel has mapped when it starts, where, and who may do what there. Formats of page tables come later.</summary>
/// <remarks>
/// <para>Where: RAM by the linear map, around holes and without <c>no-map</c> regions; the image where the kernel gives it a map of its own; the vectors of
/// 32-bit Arm; devices as <see cref="StaticIoPlacer"/> says; and one to one what boot code needs (<c>CONFIG_KERNEL_IDMAP</c>, else <c>.text</c>, else the
/// first 2 MiB of RAM, of RISC-V where the image is loaded). In a flat map all of it one to one.</para>
/// <para>Who: the kernel alone, read and write, never executed; the image by its sections, and no more than read where the same pages have another address.
/// Without an image any RAM may be the kernel's code: it is executable then, and a finding says so. The protection policy is laid over (<see cref="PagePolicy"/>).</para>
/// <para>Source: Linux, arch/arm/mm/mmu.c (paging_init, devicemaps_init), arch/arm64/mm/mmu.c (map_mem, map_kernel, create_idmap).</para>
/// </remarks>
public static class KernelMapPlanner
{
    /// <summary>The least that is identity mapped without an image: where 32-bit Arm, arm64 and RISC-V images start (TEXT_OFFSET).</summary>
    private const ulong BootBytes = 2UL << 20;

    /// <summary>The map of a board with an MMU.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="options">What the map is for.</param>
    /// <exception cref="ArgumentException">The policy has no such domain.</exception>
    public static KernelMapResult Plan(MemoryLayout layout, KernelMapOptions options)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        if (options is null)
            throw new ArgumentNullException(nameof(options));
        var diagnostics = new DiagnosticBag();
        var page = options.PageSize == 0 ? layout.Pages.PageSize : options.PageSize;
        var map = new Planning(layout, options, page, diagnostics).Make();
        return new KernelMapResult(diagnostics.HasErrors ? null : map, diagnostics.ToImmutable());
    }

    private sealed class Planning(MemoryLayout layout, KernelMapOptions options, ulong page, DiagnosticBag diagnostics)
    {
        private readonly bool _shareable = layout.Board.Architecture == TargetArchitecture.Arm64 || layout.Board.Cpus.Length > 1;
        private readonly bool _isFlat = options.Style == MapStyle.Flat;
        private PhysRange? _vectors;

        public KernelMap Make()
        {
            var board = layout.Board;
            var policy = board.Protection is { } protection ? PagePolicy.Of(protection, options.Domain, page, diagnostics) : null;
            var image = ImageSections.Read(layout, page, diagnostics);
            var io = new IoRuns(layout, policy, page, options.PhysicalBits, _shareable, diagnostics).Collect();
            var windows = new List<MapWindow>();
            AddRam(windows, image);
            if (_isFlat)
            {
                windows.AddRange(io.Select(r => new MapWindow(r.Name, MapRule.Flat, r.Start, r.Start, r.Size, r.Attributes, "one to one", r.Span)));
            }
            else
            {
                AddImage(windows, image);
                AddVectors(windows);
                windows.AddRange(new StaticIoPlacer(layout, page, diagnostics).Place(io));
                AddIdentity(windows, image);
            }
            var regions = windows.SelectMany(w => WindowRights.Cut(w, image, policy)).OrderBy(r => r.Virt).ToList();
            MapChecks.Check(regions, layout, !image.IsEmpty, diagnostics);
            return new KernelMap
            {
                Layout = layout,
                Style = options.Style,
                Domain = options.Domain,
                Regions = [.. regions],
                EmptyTables = _isFlat ? [] : EmptyTablesOf(layout),
                VectorsPage = _vectors,
            };
        }

        private MpuAttributes Ram(AccessRights rights) =>
            new(rights, AccessRights.None, MpuMemoryType.NormalWriteBackWriteAllocate, _shareable);

        private void AddRam(List<MapWindow> windows, ImageSections image)
        {
            var rights = !image.IsEmpty ? AccessRights.ReadWrite : AccessRights.All;
            foreach (var bank in layout.Banks)
            {
                if (options.PhysicalBits < 64 && bank.Range.End > 1UL << options.PhysicalBits)
                {
                    if (_isFlat || bank.Kind == BankKind.Lowmem)
                        diagnostics.Add(Rules.RamBeyondTables, bank.Span, bank.Range, options.PhysicalBits);
                    continue;
                }
                var start = Alignment.Up(bank.Range.Start.Value, page);
                var end = Alignment.Down(bank.Range.End.Value, page);
                if (start >= end)
                    continue;
                if (start != bank.Range.Start.Value || end != bank.Range.End.Value)
                    diagnostics.Add(Rules.RamOutsidePages, bank.Span, bank.Range, page);
                var name = bank.Kind == BankKind.Lowmem ? "lowmem" : "highmem";
                if (_isFlat)
                    windows.Add(new MapWindow(name, MapRule.Flat, start, start, end - start, Ram(rights), "one to one", bank.Span));
                else if (bank.Kind == BankKind.Lowmem && layout.Linear.PhysToVirt(new PhysAddr(start), out var virt) != Linear.TranslationStatus.Outside)
                    windows.Add(new MapWindow(name, MapRule.LinearMap, virt.Value, start, end - start, Ram(rights), "RAM of the linear map", bank.Span));
            }
        }

        private void AddImage(List<MapWindow> windows, ImageSections image)
        {
            if (image.IsInLinearMap)
                return;
            foreach (var section in image.All)
                windows.Add(new MapWindow(section.Name, MapRule.ImageMap, section.Virt, section.Phys, section.Size, Ram(section.Rights), "the kernel image's own map", section.Span));
        }

        // devicemaps_init: the vectors are a page of RAM of their own, mapped read-only, as high as lowmem has one free.
        private void AddVectors(List<MapWindow> windows)
        {
            if (layout.Virtual.FirstOrDefault(r => r.Name is "vector" or "vectors") is not { } line)
                return;
            var size = Math.Max(page, line.Range.Size.Value);
            if (FreeRam.Highest(layout, size, page, []) is not { } phys)
            {
                diagnostics.Add(Rules.NoRoomForVectors, layout.Banks.IsEmpty ? default : layout.Banks[0].Span, new PhysAddr(size));
                return;
            }
            _vectors = new PhysRange(new PhysAddr(phys), size);
            windows.Add(new MapWindow("vectors", MapRule.Vectors, line.Range.Start.Value, phys, size, Ram(AccessRights.Read | AccessRights.Execute),
                "exception vectors, in a page of their own at the top of lowmem", default));
        }

        private void AddIdentity(List<MapWindow> windows, ImageSections image)
        {
            var (start, size, reason, span) = IdentityRange(image);
            if (size == 0)
                return;
            // A linear map that is one to one there has it already.
            if (windows.Any(w => w.Rule == MapRule.LinearMap && w.Virt == w.Phys && w.Covers(start) && w.Covers(start + (size - 1))))
                return;
            windows.Add(new MapWindow("identity", MapRule.Identity, start, start, size, Ram(AccessRights.Read | AccessRights.Execute), reason, span));
        }

        private (ulong Start, ulong Size, string Reason, Sources.SourceSpan Span) IdentityRange(ImageSections image)
        {
            if (layout.Board.Policy.IdentityMap is { } given)
            {
                var from = Alignment.Down(given.Value.Start.Value, page);
                var last = given.Value.IsEmpty ? from : given.Value.End.Last | (page - 1);
                var phys = PhysRange.FromBounds(new PhysAddr(from), last == ulong.MaxValue ? AddressLimit.Top : last + 1);
                if (given.Value.IsEmpty)
                    return (0, 0, "", default);
                if (!layout.Banks.Any(b => b.Range.Contains(phys)))
                    diagnostics.Add(Rules.IdentityNotInRam, given.Span, given.Value);
                return (from, last - from + 1, "one to one for boot code, by CONFIG_KERNEL_IDMAP", given.Span);
            }
            if (image.All.FirstOrDefault(s => s.Name == ".text") is { } text)
                return (text.Phys, text.Size, "one to one for boot code: the image's .text", text.Span);
            if (!image.IsEmpty || layout.Linear.Ram.IsEmpty)
                return (0, 0, "", default);
            var first = layout.Banks.First(b => b.Kind == BankKind.Lowmem);
            var start = Alignment.Up(first.Range.Start.Value, page);
            // A RISC-V image lies behind the firmware, whether RAM in front of it is used or not.
            if (layout.Board.Architecture == TargetArchitecture.RiscV64 && ImageSegments.Own(layout) is { } own
                && layout.Banks.FirstOrDefault(b => b.Range.Contains(own.Phys)) is { } bank)
                (first, start) = (bank, own.Phys.Value);
            var end = Math.Min(Alignment.Down(first.Range.End.Value, page), Alignment.Down(start, BootBytes) + BootBytes);
            return (start, end > start ? end - start : 0, "one to one for boot code: the start of RAM, as the board gives no image", first.Span);
        }
    }

    /// <summary>
    /// Tables of pages that are set at run time before memory for a table can be had: all of a line up to 16 MiB, of a longer one (arm64's fixmap, of
    /// which only the build knows where it starts) the last 2 MiB.
    /// </summary>
    private static ImmutableArray<EmptyTables> EmptyTablesOf(MemoryLayout layout)
    {
        const ulong Whole = 16UL << 20;
        const ulong Part = 2UL << 20;
        var tables = ImmutableArray.CreateBuilder<EmptyTables>();
        foreach (var line in layout.Virtual)
        {
            if (line.Name is not ("fixmap" or "fixed" or "pkmap") || line.Range.IsEmpty)
                continue;
            var range = line.Range.Size > Whole && !line.Range.End.IsTop
                ? VirtRange.FromBounds(new VirtAddr(line.Range.End.Value - Part), line.Range.End)
                : line.Range;
            tables.Add(new EmptyTables(line.Name, range));
        }
        return tables.ToImmutable();
    }
}
