using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Which frames get a page descriptor: all from the first to the last (flat), or those of sections that hold memory (sparse).</summary>
/// <remarks>Source: mm/sparse.c; SECTION_SIZE_BITS of arch/*/include/asm/sparsemem.h (arm 28, arm64 30 and from 5.12 27 or, with 64K pages, 29, x86-32 PAE 29, x86-64 27, riscv 27).</remarks>
internal static class MemoryModelPlanner
{
    public static MemoryModel Plan(Board board, PageGeometry pages, ImmutableArray<LayoutBank>.Builder banks)
    {
        var policy = board.Policy;
        var kind = policy.MemoryModel?.Value ?? (board.Architecture is TargetArchitecture.Arm64 or TargetArchitecture.X64 or TargetArchitecture.RiscV64
            ? MemoryModelKind.Sparse
            : MemoryModelKind.Flat);
        if (kind == MemoryModelKind.Flat)
        {
            var described = banks.Count == 0 ? 0 : (banks[banks.Count - 1].Range.End.Value - banks[0].Range.Start.Value) >> pages.PageShift;
            return new MemoryModel(kind, 0, [], described);
        }
        var bits = policy.SectionSizeBits?.Value ?? DefaultSectionSizeBits(board, pages);
        var sections = new SortedDictionary<ulong, ulong>();
        foreach (var bank in banks)
        {
            var end = bank.Range.End.Value;
            for (var at = bank.Range.Start.Value; at < end;)
            {
                var number = at >> bits;
                var next = Math.Min(end, (number + 1) << bits);
                sections.TryGetValue(number, out var present);
                sections[number] = present + ((next - at) >> pages.PageShift);
                at = next;
            }
        }
        var list = ImmutableArray.CreateBuilder<MemorySection>(sections.Count);
        foreach (var pair in sections)
            list.Add(new MemorySection(pair.Key, pair.Value));
        return new MemoryModel(kind, bits, list.ToImmutable(), (ulong)sections.Count << (bits - pages.PageShift));
    }

    internal static int DefaultSectionSizeBits(Board board, PageGeometry pages)
    {
        var version = board.Policy.LinuxVersion?.Value ?? new LinuxVersion(6, 9);
        return board.Architecture switch
        {
            TargetArchitecture.Arm64 when version < new LinuxVersion(5, 12) => 30,
            TargetArchitecture.Arm64 => pages == PageGeometry.SixtyFourKiB ? 29 : 27,
            TargetArchitecture.X64 => 27,
            TargetArchitecture.X86 => board.Policy.X86Pae?.Value ?? false ? 29 : 26,
            TargetArchitecture.RiscV32 or TargetArchitecture.RiscV64 => 27,
            _ => 28,
        };
    }
}
