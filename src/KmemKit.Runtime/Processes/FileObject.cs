using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Processes;

/// <summary>What mmap can map: an opened file or device (<c>struct file</c>).</summary>
public abstract class FileObject
{
    private protected FileObject(string path, ulong inode, int major, int minor, MemProt mode)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        (Path, InodeNumber, Major, Minor, Mode) = (path, inode, major, minor, mode);
    }

    /// <summary>Its path, as <c>/proc/&lt;pid&gt;/maps</c> shows it.</summary>
    public string Path { get; }

    /// <summary>i_ino.</summary>
    public ulong InodeNumber { get; }

    /// <summary>Major number of the device that it is on.</summary>
    public int Major { get; }

    /// <summary>Minor number of that device.</summary>
    public int Minor { get; }

    /// <summary>What it was opened for: Read, Write.</summary>
    public MemProt Mode { get; }
}

/// <summary>A file with a page cache.</summary>
public sealed class RegularFile : FileObject
{
    internal RegularFile(Inode inode, MemProt mode)
        : base(inode.Path, inode.Number, inode.Major, inode.Minor, mode) => Inode = inode;

    /// <summary>The file itself, which all who opened it share.</summary>
    public Inode Inode { get; }

    /// <summary>Opens a file.</summary>
    /// <param name="inode">The file.</param>
    /// <param name="mode">Read, or Read and Write.</param>
    public static RegularFile Open(Inode inode, MemProt mode = MemProt.Read)
    {
        ArgumentNullException.ThrowIfNull(inode);
        return new RegularFile(inode, mode);
    }
}

/// <summary>A device whose driver maps its memory (<c>file_operations.mmap</c>).</summary>
public abstract class DeviceFile : FileObject
{
    /// <summary>A device node.</summary>
    /// <param name="path">Such as <c>/dev/fb0</c>.</param>
    /// <param name="inode">i_ino.</param>
    /// <param name="major">Of the file system that the node is in.</param>
    /// <param name="minor">Of the file system that the node is in.</param>
    /// <param name="mode">What it was opened for.</param>
    protected DeviceFile(string path, ulong inode, int major, int minor, MemProt mode)
        : base(path, inode, major, minor, mode)
    {
    }

    /// <summary>
    /// The driver's mmap operation. Its four steps: where the area starts and how long it is; that it does not reach past the device's memory
    /// (<see cref="VmaMapping.Bytes"/> and <see cref="VmaMapping.Offset"/>); that it is not swapped (VM_RESERVED) nor dumped (VM_IO); and the tables (<see cref="VmaMapping.RemapPfnRange"/>).
    /// </summary>
    /// <param name="mapping">The new area.</param>
    /// <returns>An error takes the area back.</returns>
    public abstract Errno Mmap(VmaMapping mapping);
}
