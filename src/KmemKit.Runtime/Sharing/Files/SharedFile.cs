using System;

namespace KmemKit.Runtime.Sharing.Files;

/// <summary>An open file (struct file): it lives as long as somebody has a reference, and what it stands for with it.</summary>
public sealed class SharedFile
{
    private readonly Action _release;

    internal SharedFile(string name, object subject, Action release)
    {
        Name = name;
        Subject = subject;
        _release = release;
        References = 1;
    }

    /// <summary>As errors show it.</summary>
    public string Name { get; }

    /// <summary>What it stands for.</summary>
    public object Subject { get; }

    /// <summary>References: descriptors of processes, and drivers of the kernel.</summary>
    public int References { get; private set; }

    /// <summary>Takes a reference (get_file).</summary>
    /// <exception cref="SharingException">The file is gone.</exception>
    public SharedFile Get()
    {
        if (References == 0)
            throw new SharingException(SharingError.BadFile, Name, "the file was closed by everybody.");
        References++;
        return this;
    }

    /// <summary>Gives a reference back (fput); with the last one the file goes.</summary>
    /// <exception cref="SharingException">There is no reference to give back.</exception>
    public void Put()
    {
        if (References == 0)
            throw new SharingException(SharingError.BadFile, Name, "the file was closed by everybody already.");
        if (References > 1)
        {
            References--;
            return;
        }
        // What it stands for may refuse to go; then the reference stays.
        _release();
        References = 0;
    }
}
