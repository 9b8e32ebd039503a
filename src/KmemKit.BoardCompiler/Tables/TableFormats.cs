using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Layout.RiscV;
using KmemKit.BoardCompiler.Policies;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>A format for a board, before it is known what is mapped.</summary>
/// <param name="Name">Its name.</param>
/// <param name="PageSize">Bytes of a page.</param>
/// <param name="PhysicalBits">Bits of a physical address that its pages can say.</param>
/// <param name="RegimeOf">The trees for a map.</param>
internal sealed record TableChoice(string Name, ulong PageSize, int PhysicalBits, Func<KernelMap, TableRegime> RegimeOf);

/// <summary>Which formats of page tables a board can use, and which its kernel does.</summary>
/// <remarks>
/// The kernel's: arm64 by CONFIG_ARM64_*_PAGES and VA_BITS, with the kernel behind TTBR1 and boot code behind TTBR0; 32-bit Arm long descriptors with
/// CONFIG_ARM_LPAE, else short ones, all behind TTBR0 (TTBCR.N of 0); x86 by CONFIG_X86_PAE and CONFIG_X86_5LEVEL; RISC-V by the layout's paging mode. A tree of TTBR0 on arm64 has as few bits
/// of input as reach what is mapped: fewer levels, fewer bytes.
/// </remarks>
public static class TableFormats
{
    private const int FewestBits = 25;
    private const int MostBits = 48;

    /// <summary>Names of the formats that an architecture has, the usual one first.</summary>
    public static ImmutableArray<string> NamesOf(TargetArchitecture architecture) => architecture switch
    {
        TargetArchitecture.Arm64 => ["vmsav8-64-4k", "vmsav8-64-16k", "vmsav8-64-64k"],
        TargetArchitecture.Arm => ["arm-short", "arm-lpae"],
        TargetArchitecture.X86 => ["x86-32", "x86-pae"],
        TargetArchitecture.X64 => ["x86-64", "x86-64-la57"],
        TargetArchitecture.RiscV32 => ["sv32"],
        TargetArchitecture.RiscV64 => ["sv39", "sv48", "sv57"],
        _ => [],
    };

    /// <summary>System registers that turn the trees on.</summary>
    /// <param name="regime">The trees.</param>
    /// <param name="roots">Physical address of each tree's root.</param>
    public static ImmutableArray<SystemRegister> Registers(TableRegime regime, ImmutableArray<ulong> roots)
    {
        if (regime is null)
            throw new ArgumentNullException(nameof(regime));
        if (regime.Trees[0].Format is not IVmsav8Stage1)
            return regime.Trees[0].Format.Registers(roots[0]);
        IVmsav8Stage1? lower = null, upper = null;
        ulong lowerRoot = 0, upperRoot = 0;
        for (var i = 0; i < regime.Trees.Length; i++)
        {
            var tree = (IVmsav8Stage1)regime.Trees[i].Format;
            if (tree.IsUpper)
                (upper, upperRoot) = (tree, roots[i]);
            else
                (lower, lowerRoot) = (tree, roots[i]);
        }
        return Vmsav8Registers.Of(lower, lowerRoot, upper, upperRoot);
    }

    internal static TableChoice? Choose(MemoryLayout layout, PageTableOptions options, DiagnosticBag diagnostics)
    {
        var board = layout.Board;
        var names = NamesOf(board.Architecture);
        if (names.IsEmpty || (options.Format is { } wanted && !names.Contains(wanted)))
        {
            diagnostics.Add(Rules.FormatUnknown, board.Tree.Root.Span, options.Format ?? "", board.Architecture,
                names.IsEmpty ? "none is known for it" : string.Join(", ", names) + " are");
            return null;
        }
        var name = options.Format ?? Usual(layout);
        return board.Architecture switch
        {
            TargetArchitecture.Arm64 => Arm64(layout, name, options.Style, diagnostics),
            TargetArchitecture.RiscV32 or TargetArchitecture.RiscV64 => RiscV(board, name),
            _ => Single(name),
        };
    }

    /// <summary>The format of the board's kernel.</summary>
    private static string Usual(MemoryLayout layout)
    {
        var policy = layout.Board.Policy;
        return layout.Board.Architecture switch
        {
            TargetArchitecture.Arm64 => layout.Pages.PageShift switch { 14 => "vmsav8-64-16k", 16 => "vmsav8-64-64k", _ => "vmsav8-64-4k" },
            TargetArchitecture.Arm => policy.ArmLpae?.Value ?? false ? "arm-lpae" : "arm-short",
            TargetArchitecture.RiscV32 => "sv32",
            TargetArchitecture.RiscV64 => PagingMode.Of(layout).Name,
            TargetArchitecture.X86 => policy.X86Pae?.Value ?? false ? "x86-pae" : "x86-32",
            // By where the direct map lies: a kernel too old for five levels has four whatever the policy asks.
            _ => layout.PageOffset.Value < 0xffff_0000_0000_0000 ? "x86-64-la57" : "x86-64",
        };
    }

    private static TableChoice? Arm64(MemoryLayout layout, string name, MapStyle style, DiagnosticBag diagnostics)
    {
        // The kernel's linear map starts at -(1 << VA_BITS) or, before 5.4, in the middle of that.
        var bits = layout.Board.Policy.VaBits is { } said ? said.Value : MostBits;
        if (style == MapStyle.Kernel && bits > MostBits)
        {
            diagnostics.Add(Rules.InputSizeUnusable, layout.Board.Policy.VaBits?.Span ?? default, layout.Board.Name, bits, $"{name} has {MostBits}");
            return null;
        }
        return name switch
        {
            "vmsav8-64-16k" => Choice<Granule16K>(16384),
            "vmsav8-64-64k" => Choice<Granule64K>(65536),
            _ => Choice<Granule4K>(4096),
        };

        TableChoice Choice<TGranule>(ulong page) where TGranule : struct, IGranule => new(name, page, 48, map =>
        {
            var lower = new Vmsav8Format<TGranule>(LowerBits(map));
            var upper = new Vmsav8Format<TGranule>(Math.Max(FewestBits, bits), isUpper: true);
            return new TableRegime
            {
                Name = name,
                Trees = style == MapStyle.Flat
                    ? [new TableTree("TTBR0_EL1", lower)]
                    : [new TableTree("TTBR0_EL1", lower), new TableTree("TTBR1_EL1", upper)],
            };
        });
    }

    /// <summary>The fewest bits that reach all of a map's lower half.</summary>
    private static int LowerBits(KernelMap map)
    {
        var bits = FewestBits;
        foreach (var region in map.Regions)
        {
            var last = region.Virt.End.Last;
            while (bits < MostBits && last >> 63 == 0 && last >> bits != 0)
                bits++;
        }
        return bits;
    }

    /// <summary>With what all harts have beyond the manual's base: memory types in entries (Svpbmt), one entry said sixteen times (Svnapot).</summary>
    private static TableChoice RiscV(Board board, string name)
    {
        var controls = TranslationControls.None;
        if (HasExtension("svpbmt"))
            controls |= TranslationControls.Svpbmt;
        if (HasExtension("svnapot"))
            controls |= TranslationControls.Svnapot;
        return name switch
        {
            "sv32" => Choice(new TableTree("satp", default(SvFormat<Sv32>)), name, 34),
            "sv48" => Choice(new TableTree("satp", new SvFormat<Sv48>(controls)), name, 56),
            "sv57" => Choice(new TableTree("satp", new SvFormat<Sv57>(controls)), name, 56),
            _ => Choice(new TableTree("satp", new SvFormat<Sv39>(controls)), name, 56),
        };

        bool HasExtension(string extension)
        {
            var harts = board.Cpus.Where(hart => hart.Enabled && hart.MmuType != "riscv,none").ToList();
            return harts.Count > 0 && harts.All(hart => hart.IsaExtensions.Contains(extension, StringComparer.OrdinalIgnoreCase));
        }
    }

    private static TableChoice Single(string name)
    {
        var (register, format, physicalBits) = name switch
        {
            "arm-short" => ("TTBR0", (ITranslationFormat)default(ArmShortFormat), 32),
            "arm-lpae" => ("TTBR0", default(ArmLpaeFormat), 40),
            "x86-32" => ("CR3", new X86Format<TwoLevel>(32), 32),
            "x86-pae" => ("CR3", new X86Format<Pae>(36), 36),
            "x86-64-la57" => ("CR3", new X86Format<FiveLevel>(52), 52),
            _ => ("CR3", new X86Format<FourLevel>(46), 46),
        };
        return Choice(new TableTree(register, format), name, physicalBits);
    }

    private static TableChoice Choice(TableTree tree, string name, int physicalBits)
    {
        var regime = new TableRegime { Name = name, Trees = [tree] };
        return new TableChoice(name, 1UL << tree.Format.PageShift, physicalBits, _ => regime);
    }
}
