namespace KmemKit.BoardCompiler.Sources;

/// <summary>Hands the front end the files that a source includes. The tool reads the disk, the generator its AdditionalFiles, a test a dictionary.</summary>
public interface ISourceProvider
{
    /// <summary>The text file at <paramref name="path"/>, or null where there is none.</summary>
    /// <param name="path">A path already combined with the including file's folder or a search path; <c>/</c> separates, <c>.</c> and <c>..</c> are resolved.</param>
    SourceFile? OpenText(string path);

    /// <summary>The bytes at <paramref name="path"/> for <c>/incbin/</c>, or null where there are none or the host cannot give them.</summary>
    SourceFile? OpenBinary(string path);

    /// <summary>Folders to search for <c>#include &lt;…&gt;</c>, and for <c>"…"</c> after the including file's own folder, in order.</summary>
    System.Collections.Generic.IReadOnlyList<string> IncludePaths { get; }
}
