using System.Collections.Generic;
using System.IO;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Files;

/// <summary>Gives the front end the files that a source includes. With <see cref="FileReader"/> the only place that touches the disk.</summary>
internal sealed class DiskSourceProvider(FileReader reader, IReadOnlyList<string> includePaths) : ISourceProvider
{
    public IReadOnlyList<string> IncludePaths { get; } = includePaths;

    // An absent file is the front end's to report, which knows the include line; one that is there and cannot be read is reported here as well.
    public SourceFile? OpenText(string path) => Exists(path) ? reader.ReadText(path) : null;

    public SourceFile? OpenBinary(string path) => Exists(path) ? reader.ReadBinary(path) : null;

    // A folder is no file: cpp, too, looks on in the next search path.
    private static bool Exists(string path) => File.Exists(path);
}
