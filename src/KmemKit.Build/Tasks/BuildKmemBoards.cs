using System;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.Build.Boards;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace KmemKit.Build.Tasks;

/// <summary>
/// Checks the boards of a project, decodes blobs to source, and writes the artifacts of boards that changed. It runs in every build and decides by its
/// records which boards those are; where there are none, it costs some looks at folder entries.
/// </summary>
/// <remarks>
/// Errors are reported here, before the compiler runs, so that there is one of each. Warnings are the generator's, which reports them in editors as well;
/// those about a blob, which it never sees, are reported here.
/// </remarks>
[MSBuildMultiThreadableTask]
public sealed class BuildKmemBoards : Task, ICancelableTask, IDisposable
{
    private readonly CancellationTokenSource _cancellation = new();

    /// <summary>The boards: <c>KmemBoard</c> items with full paths in all metadata. Where there are none any more, what they left is removed.</summary>
    public ITaskItem[] Boards { get; set; } = [];

    /// <summary>Folders to search for includes, full.</summary>
    public string[] IncludePaths { get; set; } = [];

    /// <summary>The build's own folder, full.</summary>
    [Required]
    public string StateFolder { get; set; } = "";

    /// <summary>Whether blobs are decoded and nothing else: all that an editor's design-time build needs.</summary>
    public bool DecodeOnly { get; set; }

    /// <summary>The artifacts; metadata <c>Board</c> is the board's source and <c>Kind</c> the kind of artifact.</summary>
    [Output]
    public ITaskItem[] Artifacts { get; private set; } = [];

    /// <summary>All files that are there because of the boards: artifacts, records, decoded sources.</summary>
    [Output]
    public ITaskItem[] Files { get; private set; } = [];

    /// <summary>The boards that were built, by their sources; those left out were as the last build left them.</summary>
    [Output]
    public ITaskItem[] Built { get; private set; } = [];

    /// <inheritdoc/>
    public override bool Execute()
    {
        var project = new ProjectState([.. Boards.Select(BoardItem.Read)], IncludePaths, StateFolder, DecodeOnly);
        var succeeded = true;
        if (!project.IsCurrent)
        {
            try
            {
                succeeded = Build(project);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
        Artifacts = [.. project.Artifacts.Select(a => Item(a.File.Path, ("Board", a.Board.Path), ("Kind", a.File.Kind)))];
        Files = project.Boards.Count == 0 ? [] : [.. project.Files.Append(project.FileListPath).Append(project.NamesPath).Select(path => Item(path))];
        return succeeded;
    }

    /// <inheritdoc/>
    public void Cancel() => _cancellation.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _cancellation.Dispose();

    // A method of its own, so that a build without work does not load the board compiler.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Build(ProjectState project)
    {
        var builder = new ProjectBuilder(project, Report, _cancellation.Token);
        var succeeded = builder.Run();
        Built = [.. builder.Built.Select(b => Item(b.Path))];
        foreach (var board in builder.Built)
            Log.LogMessage(MessageImportance.Normal, "KmemKit made {0}", board.Path);
        return succeeded;

        void Report(BoardItem board, DiagnosticBag findings)
        {
            foreach (var finding in findings.Where(f => f.Severity == DiagnosticSeverity.Error || IsAboutBlob(board, f)))
                FindingLog.Write(Log, finding);
        }
    }

    private static bool IsAboutBlob(BoardItem board, KmemDiagnostic finding) => board.IsBlob && finding.Span.File is { IsBinary: true };

    private static TaskItem Item(string path, params (string Name, string Value)[] metadata)
    {
        var item = new TaskItem(Escaped(path));
        foreach (var (name, value) in metadata)
            item.SetMetadata(name, Escaped(value));
        return item;
    }

    // ';' and '%' are MSBuild's own in an item; the build reads the escaped form back as it was.
    private static string Escaped(string text) => text.Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3b", StringComparison.Ordinal);
}
