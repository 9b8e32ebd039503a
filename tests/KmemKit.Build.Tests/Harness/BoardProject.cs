using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using KmemKit.Build.Tasks;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace KmemKit.Build.Tests.Harness;

/// <summary>What a run of the task gave.</summary>
/// <param name="Succeeded">Whether there was no error.</param>
/// <param name="Errors">Each error as <c>file(line): id</c>, the file relative to the project; without a line where the whole file is meant.</param>
/// <param name="Warnings">The warnings, likewise.</param>
/// <param name="Built">Boards that were built, by the names of their sources.</param>
/// <param name="Artifacts">Artifacts, relative to the project.</param>
internal sealed record TaskResult(bool Succeeded, string[] Errors, string[] Warnings, string[] Built, string[] Artifacts, string Messages);

/// <summary>A project in a temporary folder whose boards the task builds, without MSBuild around it.</summary>
internal sealed class BoardProject : IDisposable
{
    private readonly List<(string Path, Dictionary<string, string> Metadata)> _boards = [];

    public string Folder { get; } = Directory.CreateTempSubdirectory("kmemkit build#").FullName;

    public string[] IncludePaths { get; set; } = [];

    public bool DecodeOnly { get; set; }

    public string StateFolder => this["obj/kmem/"];

    public string this[string path] => Path.Combine(Folder, path);

    /// <summary>Adds a <c>KmemBoard</c> item, with the metadata that the targets would give it.</summary>
    public BoardProject Board(string path, params (string Name, string Value)[] metadata)
    {
        var name = metadata.FirstOrDefault(m => m.Name == "Name").Value ?? Path.GetFileNameWithoutExtension(path);
        var state = Path.Combine(StateFolder, name) + "/";
        var all = new Dictionary<string, string> { ["StateFolder"] = state, ["OutputFolder"] = state };
        foreach (var (key, value) in metadata)
            all[key] = value;
        if (all.TryGetValue("Defconfig", out var defconfig))
            all["Defconfig"] = this[defconfig];
        if (all.TryGetValue("OutputDir", out var output))
            all["OutputFolder"] = this[output];
        Remove(path, name);
        _boards.Add((this[path], all));
        return this;
    }

    public BoardProject Remove(string path, string? name = null)
    {
        name ??= Path.GetFileNameWithoutExtension(path);
        _boards.RemoveAll(b => b.Path == this[path] && b.Metadata["StateFolder"] == Path.Combine(StateFolder, name) + "/");
        return this;
    }

    public BoardProject Write(string path, string text) => Write(path, Encoding.UTF8.GetBytes(text));

    public BoardProject Write(string path, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[path])!);
        File.WriteAllBytes(this[path], bytes);
        return this;
    }

    /// <summary>Sets a file's time forward, as an editor's save of the same text does.</summary>
    public BoardProject Touch(string path)
    {
        File.SetLastWriteTimeUtc(this[path], File.GetLastWriteTimeUtc(this[path]).AddSeconds(2));
        return this;
    }

    public TaskResult Run()
    {
        var engine = new RecordingEngine();
        using var task = new BuildKmemBoards
        {
            BuildEngine = engine,
            Boards = [.. _boards.Select(b => (ITaskItem)new TaskItem(b.Path.Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3b", StringComparison.Ordinal), b.Metadata))],
            IncludePaths = [.. IncludePaths.Select(p => this[p])],
            StateFolder = StateFolder,
            DecodeOnly = DecodeOnly,
        };
        var succeeded = task.Execute();
        return new TaskResult(
            succeeded,
            [.. engine.Errors.Select(e => Show(e.File, e.LineNumber, e.Code))],
            [.. engine.Warnings.Select(e => Show(e.File, e.LineNumber, e.Code))],
            [.. task.Built.Select(b => Path.GetFileName(b.ItemSpec))],
            [.. task.Artifacts.Select(a => Path.GetRelativePath(Folder, a.ItemSpec))],
            string.Join('\n', engine.Errors.Select(e => e.Message)));
    }

    /// <summary>All files below the project with their times.</summary>
    public IReadOnlyDictionary<string, DateTime> Times() => Directory.EnumerateFiles(Folder, "*", SearchOption.AllDirectories)
        .ToDictionary(f => Path.GetRelativePath(Folder, f), File.GetLastWriteTimeUtc);

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private string Show(string file, int line, string id) => $"{Path.GetRelativePath(Folder, file)}{(line > 0 ? $"({line})" : "")}: {id}";
}
