using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.Build.Records;
using KmemKit.Files;

namespace KmemKit.Build.Boards;

/// <summary>Builds those boards of a project that need it. What is wrong with one board does not stop the others.</summary>
/// <param name="project">The project.</param>
/// <param name="report">Gets the findings about each board, once.</param>
/// <param name="cancellation">Stops between two boards.</param>
internal sealed class ProjectBuilder(ProjectState project, Action<BoardItem, DiagnosticBag> report, CancellationToken cancellation)
{
    private readonly Dictionary<string, BoardItem> _claims = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<BoardItem> _built = [];
    private bool _failed;

    /// <summary>The boards that were decoded or compiled; the others were as the last build left them, or refused.</summary>
    public IReadOnlyList<BoardItem> Built => _built;

    /// <summary>Builds; false with an error.</summary>
    public bool Run()
    {
        var names = BoardTypeNames.Resolve([.. project.Boards.Select(b => new BoardTypeRequest(b.Path, b.Name, b.Namespace))]);
        for (var i = 0; i < project.Boards.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            var item = project.Boards[i];
            var findings = new DiagnosticBag();
            if (names[i].Problem is { } problem)
                findings.Add(problem);
            else
                Guarded(item, findings);
            _failed |= findings.HasErrors;
            report(item, findings);
        }
        // After an error it is not known what all boards would write.
        if (!_failed)
            Finish();
        return !_failed;
    }

    private void Guarded(BoardItem item, DiagnosticBag findings)
    {
        try
        {
            Build(item, findings);
        }
        // Whatever a board brings to light in the code, its owner gets one error and the other boards get their turn.
        catch (Exception fault) when (fault is not OperationCanceledException)
        {
            findings.Add(DiagnosticTable.BoardCompilerFailed, StartOf(item), fault.GetType().Name, FileReader.FirstLine(fault.Message));
        }
    }

    private void Build(BoardItem item, DiagnosticBag findings)
    {
        if (!Claim(item, item.RecordPath, findings))
            return;
        var builder = new BoardBuilder(item, project.IncludePaths);
        var needsDecoding = item.IsBlob && !ProjectState.IsDecoded(item);
        var current = project.DecodeOnly ? null : project.CurrentRecord(item);
        if (needsDecoding || (current is null && !project.DecodeOnly))
            _built.Add(item);
        if ((needsDecoding && !builder.Decode(findings)) || project.DecodeOnly)
            return;
        if (current is not null)
        {
            foreach (var file in current.Made)
                Claim(item, file.Path, findings);
            return;
        }
        project.Keep(item, builder.Build((path, bag) => Claim(item, path, bag), findings));
    }

    private bool Claim(BoardItem item, string path, DiagnosticBag findings)
    {
        if (_claims.TryAdd(path, item))
            return true;
        findings.Add(DiagnosticTable.OutputTaken, StartOf(item), path, _claims[path].Path);
        return false;
    }

    // What an earlier build made and this one does not, of a board that is gone or a switch that is off, would look like this build's.
    private void Finish()
    {
        if (project.DecodeOnly)
            return;
        var made = project.Files;
        foreach (var stale in project.FilesOfLastBuild().Except(made, StringComparer.Ordinal))
        {
            try
            {
                File.Delete(stale);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It is left for Clean, and nothing of this build depends on it.
            }
        }
        if (project.Boards.Count == 0)
        {
            File.Delete(project.FileListPath);
            return;
        }
        var findings = new DiagnosticBag();
        var list = string.Concat(made.Select(path => path + "\n"));
        var failed = OutputFile.Write(project.FileListPath, Encoding.UTF8.GetBytes(list), findings) == OutputState.Failed;
        _failed |= failed;
        if (failed)
            report(project.Boards[0], findings);
    }

    private static SourceSpan StartOf(BoardItem item) => new(new SourceFile(FileReader.Shown(item.Path), ""), 0, 0);
}
