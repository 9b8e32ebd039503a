using System.Collections.Generic;
using System.Globalization;

namespace KmemKit.Runtime.Sharing.Files;

/// <summary>A process's file descriptors (struct files_struct).</summary>
public sealed class FileTable
{
    private readonly List<SharedFile?> _files = [];

    /// <summary>A process's table.</summary>
    /// <param name="process">Its name, for errors.</param>
    public FileTable(string process) => Process = process;

    /// <summary>The process.</summary>
    public string Process { get; }

    /// <summary>Files that are open.</summary>
    public int Count => _files.FindAll(static file => file is not null).Count;

    /// <summary>Puts a file in, whose reference becomes the table's (fd_install): the lowest number that is free.</summary>
    public int Install(SharedFile file)
    {
        var free = _files.IndexOf(null);
        if (free >= 0)
        {
            _files[free] = file;
            return free;
        }
        _files.Add(file);
        return _files.Count - 1;
    }

    /// <summary>A file of it; the reference stays the table's (fdget).</summary>
    /// <exception cref="SharingException">-EBADF.</exception>
    public SharedFile this[int descriptor] => (uint)descriptor < (uint)_files.Count && _files[descriptor] is { } file ? file : throw Bad(descriptor);

    /// <summary>Gives another process a descriptor of the same file (SCM_RIGHTS, binder).</summary>
    public int SendTo(FileTable other, int descriptor) => other.Install(this[descriptor].Get());

    /// <summary>Closes a descriptor (close).</summary>
    /// <exception cref="SharingException">-EBADF; or what the file stands for cannot go, and it stays open.</exception>
    public void Close(int descriptor)
    {
        this[descriptor].Put();
        _files[descriptor] = null;
    }

    /// <summary>The process ends: all go.</summary>
    public void CloseAll()
    {
        for (var i = 0; i < _files.Count; i++)
        {
            if (_files[i] is not null)
                Close(i);
        }
    }

    private SharingException Bad(int descriptor) =>
        new(SharingError.BadFile, Process, $"descriptor {descriptor.ToString(CultureInfo.InvariantCulture)} is not open.");
}
