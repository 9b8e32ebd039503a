namespace KmemKit.Build.Records;

/// <summary>A file that a run read, looked for in vain, or made.</summary>
/// <param name="Path">Its full path.</param>
/// <param name="Stamp">What it was when the run read or left it.</param>
/// <param name="Kind">Of an artifact, which; else empty.</param>
internal sealed record RecordedFile(string Path, FileStamp Stamp, string Kind = "");
