using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.BoardCompiler.Writers.C;

/// <summary>Prints a layout as a header for C99, C++ and assembler sources: constants, banks, regions, devices, and the translation.</summary>
/// <remarks>
/// Every constant is a macro whose value all three languages and <c>#if</c> take. Ranges are half-open as everywhere; an end that no 64-bit constant
/// holds is not written, and a comment says so.
/// </remarks>
public static class CHeaderWriter
{
    /// <summary>The header.</summary>
    /// <param name="layout">The board's layout.</param>
    public static string Write(MemoryLayout layout)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var w = new SourceWriter();
        var context = new Context(w, layout);
        WriteHead(context);
        CTranslationWriter.WriteHelpers(w);
        w.Line();
        WriteConstants(context);
        WriteBanks(context);
        WriteHoles(context);
        WriteReserved(context);
        WriteVirtual(context);
        WriteDevices(context);
        w.Line("/* The linear map. */");
        CTranslationWriter.Write(w, layout.Linear, context.PhysicalBits, context.VirtualBits);
        w.Line();
        w.Line("#endif");
        return w.ToString();
    }

    private static void WriteHead(Context c)
    {
        var (w, board) = (c.Writer, c.Layout.Board);
        var guard = "KMEM_" + IdentifierNames.Spell(board.Name).ToUpperInvariant() + "_KMEM_H";
        w.Line("/*");
        w.Line($" * {CText.Comment(board.Name)}: the memory map, made by KmemKit from {CText.Comment(FilePath.NameOf(board.Tree.Source.Path))}.");
        w.Line(" * It is made anew with every build: change the board, not this file.");
        w.Line(" *");
        w.Line($" * Layout rules: {c.Layout.Profile}. For C99, C++ and assembler sources. KMEM_NO_KERNEL_NAMES, defined before it is included, leaves out the names");
        w.Line(" * that a kernel's own headers define too: PAGE_OFFSET, PHYS_OFFSET, __phys_to_virt, __virt_to_phys.");
        w.Line(" */");
        w.Line("#ifndef " + guard);
        w.Line("#define " + guard);
        w.Line();
    }

    private static void WriteConstants(Context c)
    {
        var (w, layout) = (c.Writer, c.Layout);
        w.Line($"#define KMEM_BOARD {CText.Literal(layout.Board.Name)}");
        w.Line($"#define KMEM_MODEL {CText.Literal(layout.Board.Model)}");
        w.Line($"#define KMEM_PROFILE {CText.Literal(layout.Profile)}");
        w.Line($"#define KMEM_HAS_MMU {(layout.Board.UsesMmu ? 1 : 0)}");
        w.Line($"#define KMEM_PHYS_BITS {Number(c.PhysicalBits)}");
        w.Line($"#define KMEM_VIRT_BITS {Number(c.VirtualBits)}");
        w.Line($"#define KMEM_PAGE_SHIFT {Number(layout.Pages.PageShift)}");
        w.Line($"#define KMEM_PAGE_SIZE {CText.Constant(layout.Pages.PageSize, c.VirtualBits)}");
        w.Line($"#define KMEM_PAGE_OFFSET {CText.Constant(layout.PageOffset.Value, c.VirtualBits)}");
        w.Line($"#define KMEM_PHYS_OFFSET {CText.Constant(layout.PhysOffset.Value, c.PhysicalBits)}");
        WriteLimit(w, "KMEM_LOWMEM_LIMIT", layout.LowmemLimit, c.PhysicalBits, "physical end of lowmem");
        WriteLimit(w, "KMEM_HIGH_MEMORY", layout.HighMemory, c.VirtualBits, "virtual end of lowmem");
        w.Line($"#define KMEM_LOW_PAGES {CText.Constant(layout.LowPages, c.PhysicalBits)}");
        w.Line($"#define KMEM_HIGH_PAGES {CText.Constant(layout.HighPages, c.PhysicalBits)}");
        w.Line();
        w.Line("#ifndef KMEM_NO_KERNEL_NAMES");
        w.Line("#define PAGE_OFFSET KMEM_PAGE_OFFSET");
        w.Line("#define PHYS_OFFSET KMEM_PHYS_OFFSET");
        w.Line("#endif");
        w.Line();
    }

    private static void WriteBanks(Context c)
    {
        c.Writer.Line("/* RAM that the kernel manages, by rising address. */");
        c.Writer.Line($"#define KMEM_BANK_COUNT {Number(c.Layout.Banks.Length)}");
        for (var i = 0; i < c.Layout.Banks.Length; i++)
        {
            var bank = c.Layout.Banks[i];
            var name = "KMEM_BANK_" + Number(i);
            WriteRange(c, name, bank.Range, LayoutJsonWriter.NameOf(bank.Kind), bank.Span);
            c.Writer.Line($"#define {name}_IS_LOWMEM {(bank.Kind == BankKind.Lowmem ? 1 : 0)}");
        }
        c.Writer.Line();
    }

    private static void WriteHoles(Context c)
    {
        c.Writer.Line("/* What is not RAM to the kernel, from the first to the last byte of the board's memory. */");
        c.Writer.Line($"#define KMEM_HOLE_COUNT {Number(c.Layout.Holes.Length)}");
        for (var i = 0; i < c.Layout.Holes.Length; i++)
        {
            var hole = c.Layout.Holes[i];
            WriteRange(c, "KMEM_HOLE_" + Number(i), hole.Range, LayoutJsonWriter.NameOf(hole.Kind), hole.Span);
        }
        c.Writer.Line();
    }

    private static void WriteReserved(Context c)
    {
        var regions = NamedRange.Reserved(c.Layout);
        if (regions.IsEmpty)
            return;
        c.Writer.Line("/* Reserved memory. */");
        var names = IdentifierNames.Assign(regions.Select(r => r.Name), n => n.ToUpperInvariant());
        for (var i = 0; i < regions.Length; i++)
        {
            var region = regions[i].Region!;
            var name = "KMEM_RESERVED_" + names[i];
            WriteRange(c, name, regions[i].Range, region.NodePath.Length > 0 ? region.NodePath : region.Name, regions[i].Span);
            c.Writer.Line($"#define {name}_NO_MAP {(region.NoMap ? 1 : 0)}");
            c.Writer.Line($"#define {name}_REUSABLE {(region.Reusable ? 1 : 0)}");
        }
        c.Writer.Line();
    }

    private static void WriteVirtual(Context c)
    {
        c.Writer.Line("/* Virtual ranges, in the order in which the kernel prints them. */");
        var names = IdentifierNames.Assign(c.Layout.Virtual.Select(v => v.Name.TrimStart('.')), n => n.ToUpperInvariant());
        for (var i = 0; i < c.Layout.Virtual.Length; i++)
        {
            var range = c.Layout.Virtual[i];
            WriteBounds(c.Writer, "KMEM_VIRT_" + names[i], "START", range.Range.Start.Value, range.Range.Size, range.Range.End, c.VirtualBits, CText.Comment(range.Name));
        }
        c.Writer.Line();
    }

    private static void WriteDevices(Context c)
    {
        var devices = NamedRange.LabelledDevices(c.Layout.Board).ToList();
        if (devices.Count == 0)
            return;
        c.Writer.Line("/* Devices by label: physical addresses. */");
        var names = IdentifierNames.Assign(devices.Select(d => d.Name), n => n.ToUpperInvariant());
        for (var i = 0; i < devices.Count; i++)
        {
            var device = devices[i];
            var what = device.NodePath + (device.Compatible.Length > 0 ? ", " + device.Compatible : "") + (device.Enabled ? "" : ", disabled");
            WriteRange(c, "KMEM_DEVICE_" + names[i], device.Range, what, device.Span);
        }
        c.Writer.Line();
    }

    private static void WriteRange(Context c, string name, PhysRange range, string what, SourceSpan span)
    {
        var place = PlaceNames.Of(span, c.NameOf);
        WriteBounds(c.Writer, name, "BASE", range.Start.Value, range.Size, range.End, c.PhysicalBits, CText.Comment(place.Length > 0 ? $"{what}, {place}" : what));
    }

    private static void WriteBounds(SourceWriter w, string name, string first, ulong start, AddressLimit size, AddressLimit end, int bits, string comment)
    {
        w.Line($"#define {name}_{first} {CText.Constant(start, bits)} /* {comment} */");
        WriteLimit(w, name + "_SIZE", size, bits, "");
        WriteLimit(w, name + "_END", end, bits, "");
    }

    private static void WriteLimit(SourceWriter w, string name, AddressLimit limit, int bits, string comment)
    {
        if (limit.IsTop)
            w.Line($"/* {name} is 2^64, which no constant holds. */");
        else
            w.Line($"#define {name} {CText.Constant(limit.Value, bits)}{(comment.Length > 0 ? $" /* {comment} */" : "")}");
    }

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private sealed class Context(SourceWriter writer, MemoryLayout layout)
    {
        public SourceWriter Writer { get; } = writer;

        public MemoryLayout Layout { get; } = layout;

        public Func<SourceFile, string> NameOf { get; } = PlaceNames.RelativeTo(layout.Board);

        public int PhysicalBits { get; } = AddressWidth.PhysicalBits(layout);

        public int VirtualBits { get; } = AddressWidth.VirtualBits(layout);
    }
}
