using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.Build.Records;

namespace KmemKit.Build.Boards;

/// <summary>The boards of a project and what the last build left of them. Asks the disk only; compiles nothing, and loads no board compiler.</summary>
/// <param name="Boards">The boards, in the project's order.</param>
/// <param name="IncludePaths">Folders to search for includes, full.</param>
/// <param name="StateFolder">The build's own folder.</param>
/// <param name="DecodeOnly">Whether blobs are decoded and nothing else: all that an editor's design-time build needs.</param>
internal sealed record ProjectState(IReadOnlyList<BoardItem> Boards, IReadOnlyList<string> IncludePaths, string StateFolder, bool DecodeOnly)
{
    private readonly Dictionary<BoardItem, RunRecord?> _records = new(ReferenceEqualityComparer.Instance);

    /// <summary>Where the list of all files that the last build made is, one a line: what Clean removes.</summary>
    public string FileListPath => Path.Combine(StateFolder, "files.list");

    /// <summary>All files that the boards have, as far as their records are known.</summary>
    public IReadOnlyList<string> Files =>
    [
        .. Boards.Where(b => b.IsBlob).SelectMany(b => new[] { b.Source, b.DecodedRecordPath }),
        .. Boards.Where(b => CurrentRecord(b) is not null).SelectMany(b => CurrentRecord(b)!.Made.Select(f => f.Path).Append(b.RecordPath)),
    ];

    /// <summary>The artifacts, each with its board.</summary>
    public IEnumerable<(BoardItem Board, RecordedFile File)> Artifacts =>
        Boards.Where(b => CurrentRecord(b) is not null).SelectMany(b => CurrentRecord(b)!.Made.Select(f => (b, f)));

    /// <summary>What the boards depend on and what they have, each file as it was when it was read or made.</summary>
    public IEnumerable<RecordedFile> Stamps
    {
        get
        {
            foreach (var board in Boards)
            {
                if (board.IsBlob && RunRecord.Load(board.DecodedRecordPath) is { } decoded)
                {
                    foreach (var file in decoded.Read.Concat(decoded.Made).Append(new RecordedFile(board.DecodedRecordPath, FileStamp.Of(board.DecodedRecordPath))))
                        yield return file;
                }
                if (CurrentRecord(board) is not { } record)
                    continue;
                foreach (var file in record.Read.Concat(record.Made).Append(new RecordedFile(board.RecordPath, FileStamp.Of(board.RecordPath))))
                    yield return file;
            }
            yield return new RecordedFile(FileListPath, FileStamp.Of(FileListPath));
        }
    }

    /// <summary>Whether all blobs are decoded: what an editor's build asks.</summary>
    public bool AreBlobsDecoded => Boards.All(b => !b.IsBlob || IsDecoded(b));

    /// <summary>The record of a board that need not be built again; else null.</summary>
    public RunRecord? CurrentRecord(BoardItem board)
    {
        if (!_records.TryGetValue(board, out var record))
        {
            record = RunRecord.Load(board.RecordPath) is { } last && last.IsCurrent(board.Key(IncludePaths)) ? last : null;
            _records.Add(board, record);
        }
        return record;
    }

    /// <summary>Notes what a board was just built to.</summary>
    public void Keep(BoardItem board, RunRecord? record) => _records[board] = record;

    /// <summary>Whether a blob's source is there and made from it as it is.</summary>
    public static bool IsDecoded(BoardItem board) => RunRecord.Load(board.DecodedRecordPath)?.IsCurrent(board.Path) == true;

    /// <summary>The files that the last build made.</summary>
    public IReadOnlyList<string> FilesOfLastBuild() => ReadOrEmpty(FileListPath).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
