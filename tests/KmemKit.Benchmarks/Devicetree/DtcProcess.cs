using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Text;

namespace KmemKit.Benchmarks.Devicetree;

/// <summary>Runs dtc over many files by one shell. What a start costs is measured by as many runs over a tree of nothing.</summary>
internal sealed class DtcProcess
{
    private readonly string _folder = Directory.CreateTempSubdirectory("kmemkit-bench-").FullName;

    internal string Folder => _folder;

    internal string Script(string arguments, IEnumerable<string> inputs)
    {
        var script = new StringBuilder();
        foreach (var input in inputs)
            script.Append("dtc -q -q ").Append(arguments).Append(" -o out '").Append(input).Append("'\n");
        var path = Path.Combine(_folder, Guid.NewGuid().ToString("n") + ".sh");
        File.WriteAllText(path, script.ToString());
        return path;
    }

    internal void Run(string script)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh") { ArgumentList = { script }, WorkingDirectory = _folder })
            ?? throw new InvalidOperationException("there is no /bin/sh");
        process.WaitForExit();
    }

    internal void Remove() => Directory.Delete(_folder, true);
}
