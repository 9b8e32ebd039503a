using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Files;
using KmemKit.Tool.Commands;

namespace KmemKit.Tool.Input;

/// <summary>A board as the command line names it, with the settings that hold for it.</summary>
/// <param name="Board">A <c>.dts</c>, a <c>.dtb</c> or a folder.</param>
/// <param name="Settings">The options.</param>
internal sealed record BoardRequest(string Board, Settings Settings);

/// <summary>A board that was asked for, as far as it could be made.</summary>
/// <param name="Name">Its name; always known.</param>
/// <param name="Layout">Its layout; null where an error left none.</param>
internal sealed record LoadedBoard(string Name, MemoryLayout? Layout)
{
    /// <summary>All that was made of it; null where its files cannot be read.</summary>
    public BoardCompilation? Compilation { get; init; }
}

/// <summary>Reads a board's files and hands them to the one pipeline that the build uses, too.</summary>
internal static class BoardLoader
{
    /// <summary>The whole way to the layout.</summary>
    /// <param name="request">The board and the options.</param>
    /// <param name="findings">Gets all findings.</param>
    /// <param name="requireLayout">Whether a board without memory is an error; else it has no layout and a warning says so.</param>
    public static LoadedBoard Compile(BoardRequest request, DiagnosticBag findings, bool requireLayout = true)
    {
        var reader = new FileReader(findings);
        var files = BoardLocator.Find(request.Board, findings);
        if (files is null)
            return new LoadedBoard(BoardLocator.NameOf(request.Board), null);
        var source = reader.ReadBoard(files.Source);
        // Read in any case: findings about them are worth having although the source is not there.
        var defconfig = files.Defconfig is null ? null : reader.ReadText(files.Defconfig);
        var overrides = request.Settings.Config.Where(IsSetting).ToImmutableArray();
        var fragments = request.Settings.Config.Where(c => !IsSetting(c)).Select(reader.ReadText).OfType<SourceFile>().ToImmutableArray();
        if (source is null || findings.HasErrors)
            return new LoadedBoard(files.Name, null);

        var compilation = BoardPipeline.Compile(new BoardInput(source)
        {
            Provider = new DiskSourceProvider(reader, request.Settings.IncludePaths),
            Defconfig = defconfig,
            Fragments = fragments,
            Overrides = overrides,
            Bootargs = request.Settings.Bootargs,
            RequireLayout = requireLayout,
        });
        findings.AddRange(compilation.Diagnostics);
        return new LoadedBoard(files.Name, compilation.Layout) { Compilation = compilation };
    }

    /// <summary>The tree alone.</summary>
    public static (string Name, DeviceTree? Tree) ReadTree(BoardRequest request, DiagnosticBag findings)
    {
        var reader = new FileReader(findings);
        if (BoardLocator.Find(request.Board, findings) is not { } files)
            return (BoardLocator.NameOf(request.Board), null);
        if (reader.ReadBoard(files.Source) is not { } source)
            return (files.Name, null);
        var result = source.IsBinary
            ? FdtReader.Read(source)
            : DtsCompiler.Compile(source, new DiskSourceProvider(reader, request.Settings.IncludePaths), null);
        findings.AddRange(result.Diagnostics);
        return (files.Name, findings.HasErrors ? null : result.Tree);
    }

    /// <summary><c>KEY=VALUE</c>, not a file: what stands before the first <c>=</c> is a Kconfig name. A file named so is reached as <c>./KEY=VALUE</c>.</summary>
    internal static bool IsSetting(string config)
    {
        var equals = config.IndexOf('=', StringComparison.Ordinal);
        return equals > 0 && config.Take(equals).All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
    }
}
