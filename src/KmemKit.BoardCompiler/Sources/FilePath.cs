using System;
using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Sources;

/// <summary>Arithmetic on paths as text, without asking a disk: <c>/</c> separates folders on every platform.</summary>
public static class FilePath
{
    /// <summary>The path with <c>\</c> turned into <c>/</c> and <c>.</c> and <c>..</c> resolved as far as they can be.</summary>
    public static string Normalize(string path)
    {
        if (path is null)
            throw new ArgumentNullException(nameof(path));
        path = path.Replace('\\', '/');
        var isRooted = path.StartsWith("/", StringComparison.Ordinal);
        var parts = new List<string>();
        foreach (var part in path.Split('/'))
        {
            if (part.Length == 0 || part == ".")
                continue;
            if (part == ".." && parts.Count > 0 && parts[parts.Count - 1] != "..")
                parts.RemoveAt(parts.Count - 1);
            else if (part != ".." || !isRooted)
                parts.Add(part);
        }
        return (isRooted ? "/" : "") + string.Join("/", parts);
    }

    /// <summary>The folder that <paramref name="path"/> is in; empty where it names none.</summary>
    public static string FolderOf(string path)
    {
        if (path is null)
            throw new ArgumentNullException(nameof(path));
        var slash = path.LastIndexOf('/');
        return slash < 0 ? "" : slash == 0 ? "/" : path.Substring(0, slash);
    }

    /// <summary>The file name in <paramref name="path"/>.</summary>
    public static string NameOf(string path)
    {
        if (path is null)
            throw new ArgumentNullException(nameof(path));
        return path.Substring(path.LastIndexOf('/') + 1);
    }

    /// <summary>The file name in <paramref name="path"/> without its last extension.</summary>
    public static string StemOf(string path)
    {
        var name = NameOf(path);
        var dot = name.LastIndexOf('.');
        return dot <= 0 ? name : name.Substring(0, dot);
    }

    /// <summary>The path <paramref name="relative"/> as seen from <paramref name="folder"/>; a rooted one stays.</summary>
    public static string Combine(string folder, string relative)
    {
        if (folder is null)
            throw new ArgumentNullException(nameof(folder));
        if (relative is null)
            throw new ArgumentNullException(nameof(relative));
        return folder.Length == 0 || IsRooted(relative) ? Normalize(relative) : Normalize(folder + "/" + relative);
    }

    /// <summary>How to get from <paramref name="folder"/> to <paramref name="path"/>, both normalized; the file name alone where no way is.</summary>
    public static string RelativeTo(string folder, string path)
    {
        if (folder is null)
            throw new ArgumentNullException(nameof(folder));
        if (path is null)
            throw new ArgumentNullException(nameof(path));
        if (IsRooted(folder) != IsRooted(path))
            return IsRooted(path) ? NameOf(path) : path;
        var from = folder.Split(['/'], StringSplitOptions.RemoveEmptyEntries);
        var to = path.Split(['/'], StringSplitOptions.RemoveEmptyEntries);
        var common = 0;
        while (common < from.Length && common < to.Length - 1 && string.Equals(from[common], to[common], StringComparison.Ordinal))
            common++;
        // Two drives have nothing in common.
        if (common == 0 && from.Length > 0 && from[0].EndsWith(":", StringComparison.Ordinal))
            return NameOf(path);
        var parts = new List<string>();
        for (var i = common; i < from.Length; i++)
            parts.Add("..");
        for (var i = common; i < to.Length; i++)
            parts.Add(to[i]);
        return string.Join("/", parts);
    }

    /// <summary>Whether the path starts at a root: <c>/</c>, or a drive.</summary>
    public static bool IsRooted(string path)
    {
        if (path is null)
            throw new ArgumentNullException(nameof(path));
        return path.StartsWith("/", StringComparison.Ordinal) || (path.Length >= 2 && path[1] == ':');
    }
}
