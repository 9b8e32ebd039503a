using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.BoardCompiler.Writers.Emulators;

/// <summary>Prints a board's physical memory map as a Renode platform description (<c>.repl</c>): memories as memory, every other device as a named tag.</summary>
/// <remarks>
/// <para>It has no processor and no device models: a platform of one's own takes it in with <c>using</c> and adds them, or <c>machine
/// LoadPlatformDescription</c> loads it before another. A tag makes Renode name the device in the log where nothing answers.</para>
/// <para>A range of a tag is written <c>&lt;base size&gt;</c>: what <c>&lt;first, last&gt;</c> means at its end has changed between Renode's versions. Source: Renode's
/// documentation, "Platform description format" and "Describing platforms".</para>
/// </remarks>
public static class RenodePlatformWriter
{
    // Words of the format, and what a machine has already.
    private static readonly string[] Taken = ["as", "empty", "false", "init", "local", "new", "none", "preinit", "prefixed", "reset", "sysbus", "true", "using"];

    // Mapped memory is made of host pages; what does not start and end at one is an array.
    private const ulong MappedPage = 0x1000;

    /// <summary>The description.</summary>
    /// <param name="layout">The board's layout.</param>
    public static string Write(MemoryLayout layout)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var board = layout.Board;
        var w = new SourceWriter();
        w.Line($"// {Plain(board.Name)}: the memory map, made by KmemKit from {Plain(FilePath.NameOf(board.Tree.Source.Path))}; change the board, not this file.");
        var devices = NamedRange.Devices(board).Where(d => d.Enabled && !d.Range.IsEmpty).ToList();
        WriteMemories(w, layout, Memories(layout).Concat(devices.Where(d => d.Device!.IsSram)).ToList());
        WriteTags(w, devices.Where(d => !d.Device!.IsSram).ToList());
        return w.ToString();
    }

    // The memory that is there, whoever may use it: the banks as the tree has them, or where mem= alone tells, those of the layout.
    private static IEnumerable<NamedRange> Memories(MemoryLayout layout) => layout.Board.Banks.IsEmpty
        ? layout.Banks.Select(b => new NamedRange("ram", b.Range, "", b.Span))
        : layout.Board.Banks.Select(b => new NamedRange(b.Labels.Length > 0 ? b.Labels[0] : "ram", b.Range, b.NodePath, b.Span));

    private static void WriteMemories(SourceWriter w, MemoryLayout layout, List<NamedRange> memories)
    {
        var nameOf = PlaceNames.RelativeTo(layout.Board);
        var names = IdentifierNames.Assign(memories.Select(m => Variable(m.Name)), n => n.ToLowerInvariant(), Taken);
        for (var i = 0; i < memories.Count; i++)
        {
            var memory = memories[i];
            if (memory.Range.IsEmpty)
                continue;
            w.Line();
            w.Line($"// {Plain(memory.NodePath)}, {PlaceNames.Of(memory.Span, nameOf)}");
            if (memories.Take(i).FirstOrDefault(m => m.Range.Overlaps(memory.Range)) is { } other)
            {
                w.Line($"// {names[i]}: {memory.Range} is the memory at {other.Range} once more.");
                continue;
            }
            var kind = memory.Range.Start.IsAligned(MappedPage) && memory.Range.Size.Wrapped % MappedPage == 0 ? "MappedMemory" : "ArrayMemory";
            w.Line($"{names[i]}: Memory.{kind} @ sysbus {memory.Range.Start}");
            w.Line($"    size: {memory.Range.Size}");
        }
    }

    private static void WriteTags(SourceWriter w, List<NamedRange> devices)
    {
        if (devices.Count == 0)
            return;
        w.Line();
        w.Line("sysbus:");
        w.Line("    init:");
        foreach (var device in devices)
            w.Line($"        Tag <{device.Range.Start} {device.Range.Size}> \"{Plain(device.Name)}\"");
    }

    private static string Variable(string name) => name.Length > 0 && name[0] is >= '0' and <= '9' ? "_" + name : name;

    private static string Plain(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
            result.Append(c is < ' ' or '\x7f' or '"' or '\\' or '\u2028' or '\u2029' ? '_' : c);
        return result.ToString();
    }
}
