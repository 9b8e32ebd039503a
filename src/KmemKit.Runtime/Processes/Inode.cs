using System;
using System.Collections.Generic;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Processes;

/// <summary>A file: what is on its disk, the pages of it that are in memory, and the areas that map it (<c>struct inode</c> with its <c>address_space</c>).</summary>
/// <remarks>Pages belong to <see cref="PageCache"/>. The memory of a shared anonymous mapping is one too, with no disk behind it.</remarks>
public sealed class Inode
{
    private readonly Dictionary<ulong, byte[]> _disk = [];

    internal Inode(string path, ulong number, int major, int minor, bool hasDisk)
    {
        (Path, Number, Major, Minor, HasDisk) = (path, number, major, minor, hasDisk);
    }

    /// <summary>Its path.</summary>
    public string Path { get; }

    /// <summary>i_ino.</summary>
    public ulong Number { get; }

    /// <summary>Major number of its device.</summary>
    public int Major { get; }

    /// <summary>Minor number of its device.</summary>
    public int Minor { get; }

    /// <summary>i_size in bytes; <see cref="PageCache.Truncate"/> changes it.</summary>
    public ulong Length { get; internal set; }

    /// <summary>Pages of it that are in memory.</summary>
    public int CachedPages => Pages.Count;

    /// <summary>Whether pages can be written back; the memory of shared anonymous mappings has nowhere to go.</summary>
    internal bool HasDisk { get; }

    internal Dictionary<ulong, Page> Pages { get; } = [];

    /// <summary>i_mmap: the areas that map it, wherever they are, by which all mappings of a page are found.</summary>
    internal List<Vma> Mappings { get; } = [];

    internal void ReadDisk(ulong index, Span<byte> page)
    {
        if (_disk.TryGetValue(index, out var block))
            block.CopyTo(page);
        else
            page.Clear();
    }

    internal void WriteDisk(ulong index, ReadOnlySpan<byte> page)
    {
        if (!_disk.TryGetValue(index, out var block))
            _disk.Add(index, block = new byte[page.Length]);
        page.CopyTo(block);
    }

    internal void CutDisk(ulong firstIndex, int keep, int pageSize)
    {
        var gone = new List<ulong>();
        foreach (var index in _disk.Keys)
        {
            if (index >= firstIndex + (keep != 0 ? 1UL : 0))
                gone.Add(index);
        }
        foreach (var index in gone)
            _disk.Remove(index);
        if (keep != 0 && _disk.TryGetValue(firstIndex, out var block))
            block.AsSpan(keep, pageSize - keep).Clear();
    }
}
