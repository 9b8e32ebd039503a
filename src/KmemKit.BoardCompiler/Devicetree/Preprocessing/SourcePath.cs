using System;
using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>Paths as texts, <c>/</c> between the folders: the front end does not know a file system.</summary>
internal static class SourcePath
{
    public static bool IsRooted(string path) =>
        path.StartsWith("/", StringComparison.Ordinal) || (path.Length > 2 && path[1] == ':' && path[2] is '/' or '\\');

    /// <summary>The part up to and with the last <c>/</c>; empty for a bare name.</summary>
    public static string FolderOf(string path) => path.Substring(0, path.LastIndexOf('/') + 1);

    public static string Combine(string folder, string name) =>
        Normalize(folder.Length == 0 || folder.EndsWith("/", StringComparison.Ordinal) ? folder + name : folder + "/" + name);

    /// <summary>Takes out <c>.</c> and <c>..</c>; a <c>..</c> that leads above the start stays.</summary>
    public static string Normalize(string path)
    {
        if (path.IndexOf("./", StringComparison.Ordinal) < 0 && path.IndexOf("//", StringComparison.Ordinal) < 0)
            return path;
        var rooted = path.StartsWith("/", StringComparison.Ordinal);
        var parts = new List<string>();
        foreach (var part in path.Split('/'))
        {
            if (part.Length == 0 || part == ".")
                continue;
            if (part == ".." && parts.Count > 0 && parts[parts.Count - 1] != "..")
                parts.RemoveAt(parts.Count - 1);
            else if (part != ".." || !rooted)
                parts.Add(part);
        }
        return (rooted ? "/" : "") + string.Join("/", parts);
    }
}
