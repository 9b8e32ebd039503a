using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.Build.Boards;
using KmemKit.Build.Records;
using KmemKit.Files;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace KmemKit.Build.Tasks;

/// <summary>
/// Checks the boards of a project, decodes blobs to source, and writes the artifacts of boards that changed. It runs in every build and decides by its
/// stamp and records which boards those are; where there are none, it costs some looks at folder entries.
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

    /// <summary>The boards that were built, by their sources; those left out were as the last build left them.</summary>
    [Output]
    public ITaskItem[] Built { get; private set; } = [];

    /// <inheritdoc/>
    public override bool Execute()
    {
        if (DecodeOnly)
            return Decode();
        var question = BuildStamp.Question(Boards, IncludePaths);
        if (BuildStamp.ReadIfCurrent(BuildStamp.PathIn(StateFolder), question) is not { } artifacts)
            return Build(question);
        Artifacts = ItemsOf(artifacts);
        return true;
    }

    /// <inheritdoc/>
    public void Cancel() => _cancellation.Cancel();

    /// <inheritdoc/>
    public void Dispose() => _cancellation.Dispose();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Decode()
    {
        var project = State();
        return project.AreBlobsDecoded || Run(project);
    }

    // A method of its own, so that a build without work does not load the board compiler.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Build(string question)
    {
        var project = State();
        var stamp = BuildStamp.PathIn(StateFolder);
        // A stamp that is wrong is worse than none: until this build is through, there is none.
        if (File.Exists(stamp))
            File.Delete(stamp);
        if (!Run(project))
        {
            Artifacts = ItemsOf(ArtifactsOf(project));
            return false;
        }
        var artifacts = ArtifactsOf(project);
        Artifacts = ItemsOf(artifacts);
        if (project.Boards.Count == 0)
            return true;
        var findings = new DiagnosticBag();
        OutputFile.Write(stamp, Encoding.UTF8.GetBytes(BuildStamp.Write(question, project.Stamps, artifacts)), findings);
        foreach (var finding in findings)
            FindingLog.Write(Log, finding);
        return !findings.HasErrors;
    }

    private ProjectState State() => new([.. Boards.Select(BoardItem.Read)], IncludePaths, StateFolder, DecodeOnly);

    private bool Run(ProjectState project)
    {
        var builder = new ProjectBuilder(project, Report, _cancellation.Token);
        bool succeeded;
        try
        {
            succeeded = builder.Run();
        }
        catch (OperationCanceledException)
        {
            return false;
        }
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

    private static List<string> ArtifactsOf(ProjectState project)
    {
        var values = new List<string>();
        foreach (var (board, file) in project.Artifacts)
            values.AddRange([file.Kind, board.Path, file.Path]);
        return values;
    }

    // Kind, board and path in turn.
    private static ITaskItem[] ItemsOf(List<string> artifacts)
    {
        var items = new ITaskItem[artifacts.Count / 3];
        for (var i = 0; i < items.Length; i++)
        {
            var item = Item(artifacts[3 * i + 2]);
            item.SetMetadata("Board", Escaped(artifacts[3 * i + 1]));
            item.SetMetadata("Kind", Escaped(artifacts[3 * i]));
            items[i] = item;
        }
        return items;
    }

    private static bool IsAboutBlob(BoardItem board, KmemDiagnostic finding) => board.IsBlob && finding.Span.File is { IsBinary: true };

    private static TaskItem Item(string path) => new(Escaped(path));

    // ';' and '%' are MSBuild's own in an item; the build reads the escaped form back as it was.
    private static string Escaped(string text) => text.Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3b", StringComparison.Ordinal);
}
