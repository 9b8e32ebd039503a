using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Build.Records;
using KmemKit.Files;

namespace KmemKit.Build.Boards;

/// <summary>Builds one board: decodes its blob, compiles it, writes its artifacts, and leaves the record of it.</summary>
/// <param name="item">The board.</param>
/// <param name="includePaths">Folders to search for includes.</param>
internal sealed class BoardBuilder(BoardItem item, IReadOnlyList<string> includePaths)
{
    /// <summary>Decodes the item's blob to source.</summary>
    /// <returns>Whether there is a source.</returns>
    public bool Decode(DiagnosticBag findings)
    {
        var log = new ReadLog();
        log.Note(item.Path);
        ToolFiles.Note(log);
        if (!File.Exists(item.Path))
        {
            findings.Add(DiagnosticTable.BoardUnreadable, StartOf(item.Path), item.Path);
            return false;
        }
        if (new FileReader(findings).ReadBinary(item.Path) is not { } blob)
            return false;
        var result = FdtReader.Read(blob);
        findings.AddRange(result.Diagnostics);
        if (result.Tree is not { } tree || findings.HasErrors)
            return false;
        var text = DtsPrinter.Print(tree);
        if (OutputFile.Write(item.Source, Encoding.UTF8.GetBytes(text), findings) == OutputState.Failed)
            return false;
        var record = new RunRecord(item.Path, log.Files, [new RecordedFile(item.Source, FileStamp.Of(item.Source))]);
        return Save(record, item.DecodedRecordPath, findings);
    }

    /// <summary>Compiles the board and writes its artifacts.</summary>
    /// <param name="claim">Takes a path for this board; false, with a finding, where another board has it.</param>
    /// <param name="findings">Gets all findings.</param>
    /// <returns>The record; null with an error.</returns>
    public RunRecord? Build(Func<string, DiagnosticBag, bool> claim, DiagnosticBag findings)
    {
        // A record that is wrong is worse than none: until this run is through, there is none.
        if (File.Exists(item.RecordPath))
            File.Delete(item.RecordPath);
        var kinds = ArtifactSwitches.Read(item.Switches, StartOf(item.Path), findings);
        var log = new ReadLog();
        ToolFiles.Note(log);
        if (Compile(log, findings) is not { } compilation || findings.HasErrors)
            return null;
        var artifacts = ArtifactSet.Write(compilation, kinds);
        findings.AddRange(ArtifactSet.LeftOut(compilation, kinds));
        var paths = artifacts.Select(a => Path.Combine(item.OutputFolder, a.FileName)).ToArray();
        // All names first: a board whose files another one has leaves none at all.
        if (!paths.All(path => claim(path, findings)))
            return null;
        var made = new List<RecordedFile>();
        for (var i = 0; i < paths.Length; i++)
        {
            if (OutputFile.Write(paths[i], artifacts[i].Bytes.AsSpan(), findings) == OutputState.Failed)
                return null;
            made.Add(new RecordedFile(paths[i], FileStamp.Of(paths[i]), artifacts[i].Kind.Name));
        }
        var record = new RunRecord(item.Key(includePaths), log.Files, made);
        return Save(record, item.RecordPath, findings) ? record : null;
    }

    private BoardCompilation? Compile(ReadLog log, DiagnosticBag findings)
    {
        var reader = new FileReader(findings);
        log.Note(item.Source);
        var main = File.Exists(item.Source) ? reader.ReadText(item.Source) : null;
        if (main is null && !findings.HasErrors)
            findings.Add(DiagnosticTable.BoardUnreadable, StartOf(item.Path), item.Path);
        SourceFile? defconfig = null;
        if (item.Defconfig.Length > 0)
        {
            log.Note(item.Defconfig);
            defconfig = File.Exists(item.Defconfig) ? reader.ReadText(item.Defconfig) : null;
            if (defconfig is null && !findings.HasErrors)
                findings.Add(DiagnosticTable.DefconfigMissing, StartOf(item.Path), item.Defconfig);
        }
        if (main is null || findings.HasErrors)
            return null;
        // What the generator gives the pipeline, so that both come to one answer.
        var compilation = BoardPipeline.Compile(new BoardInput(main)
        {
            Provider = log.Over(new DiskSourceProvider(reader, [.. includePaths.Select(FileReader.Shown)])),
            Defconfig = defconfig,
            Bootargs = item.Bootargs.Length > 0 ? item.Bootargs : null,
            RequireLayout = true,
        });
        findings.AddRange(compilation.Diagnostics);
        return compilation;
    }

    private static bool Save(RunRecord record, string path, DiagnosticBag findings) =>
        OutputFile.Write(path, Encoding.UTF8.GetBytes(record.ToString()), findings) != OutputState.Failed;

    private static SourceSpan StartOf(string path) => new(new SourceFile(FileReader.Shown(path), ""), 0, 0);
}
