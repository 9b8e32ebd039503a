using System.IO;

namespace KmemKit.Build.Records;

/// <summary>The assemblies that do the work: another release of them makes everything anew.</summary>
internal static class ToolFiles
{
    private static readonly string[] Names = ["KmemKit.Build.dll", "KmemKit.BoardCompiler.dll", "KmemKit.Architecture.dll"];

    /// <summary>Notes them as read.</summary>
    public static void Note(ReadLog log)
    {
        var folder = Path.GetDirectoryName(typeof(ToolFiles).Assembly.Location)!;
        foreach (var name in Names)
            log.Note(Path.Combine(folder, name));
    }
}
