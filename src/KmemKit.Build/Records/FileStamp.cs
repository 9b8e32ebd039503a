using System.IO;

namespace KmemKit.Build.Records;

/// <summary>What a file was at some time, as cheap as a look at its folder entry.</summary>
/// <param name="Length">Bytes; -1 where there is no file.</param>
/// <param name="WrittenAt">Time of its last change, in ticks of UTC; 0 where there is no file.</param>
internal readonly record struct FileStamp(long Length, long WrittenAt)
{
    /// <summary>No file.</summary>
    public static FileStamp Absent => new(-1, 0);

    /// <summary>Of the file at a path as it is now.</summary>
    public static FileStamp Of(string path)
    {
        var file = new FileInfo(path);
        return file.Exists ? new FileStamp(file.Length, file.LastWriteTimeUtc.Ticks) : Absent;
    }
}
