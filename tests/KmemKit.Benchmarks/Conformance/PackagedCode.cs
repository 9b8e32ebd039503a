using System;
using System.IO;
using System.Linq;
using KmemKit.Tests.Shared;

namespace KmemKit.Benchmarks.Conformance;

/// <summary>This program with the compiled assemblies that packing has left in <c>obj</c>, in a folder of its own: what a user of the packages runs.</summary>
internal sealed class PackagedCode : IDisposable
{
    /// <summary>How to have them.</summary>
    public const string Remedy = "dotnet pack src/KmemKit.Runtime -c Release, and the same of src/KmemKit.Conformance, then build this again with --no-dependencies.";

    private readonly string _folder;

    private PackagedCode(string folder) => _folder = folder;

    /// <summary>The program.</summary>
    public string Program => Path.Combine(_folder, Path.GetFileName(typeof(PackagedCode).Assembly.Location));

    /// <summary>Null where there are none, or not of the assemblies that this program has.</summary>
    public static PackagedCode? Find()
    {
        var own = AppContext.BaseDirectory;
        var compiled = new[] { "KmemKit.Runtime", "KmemKit.Conformance" }.Select(p => Path.Combine(Repository.Root, "src", p, "obj/Release/net10.0/readytorun/linux-x64"))
            .Where(Directory.Exists).SelectMany(d => Directory.GetFiles(d, "*.dll")).ToArray();
        if (compiled.Length != 4 || compiled.Any(c => ModuleOf(c) != ModuleOf(Path.Combine(own, Path.GetFileName(c)))))
            return null;
        // Below this program, from where it finds the repository.
        var folder = Directory.CreateDirectory(Path.Combine(own, "packaged-" + Path.GetRandomFileName())).FullName;
        foreach (var file in Directory.GetFiles(own))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        foreach (var file in compiled)
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)), overwrite: true);
        return new PackagedCode(folder);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static Guid ModuleOf(string file)
    {
        using var image = new System.Reflection.PortableExecutable.PEReader(File.OpenRead(file));
        var metadata = System.Reflection.Metadata.PEReaderExtensions.GetMetadataReader(image);
        return metadata.GetGuid(metadata.GetModuleDefinition().Mvid);
    }
}
