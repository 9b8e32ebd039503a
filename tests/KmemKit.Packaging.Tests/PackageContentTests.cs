using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Runtime.InteropServices;
using System.Text;
using System.Xml.Linq;
using KmemKit.Packaging.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Packaging.Tests;

/// <summary>What is in the packages.</summary>
[TestFixture]
internal sealed class PackageContentTests
{
    private static string[] Ids => PackedFeed.Ids;

    /// <summary>Files and dependencies of each package are those of its list, which <c>UPDATE_BASELINES=1</c> writes anew.</summary>
    [TestCaseSource(nameof(Ids))]
    public void Package_holds_what_its_list_says(string id)
    {
        var baseline = Path.Combine(Cli.Root, "tests", "KmemKit.Packaging.Tests", "Baselines", id + ".txt");
        var actual = Describe(id);
        if (Environment.GetEnvironmentVariable("UPDATE_BASELINES") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(baseline)!);
            File.WriteAllText(baseline, actual);
        }
        Assert.That(actual, Is.EqualTo(File.ReadAllText(baseline)));
    }

    [TestCaseSource(nameof(Ids))]
    public void Package_says_what_it_is(string id)
    {
        using var package = Open(id);
        var metadata = Metadata(package);
        string Value(string name) => metadata.Elements().SingleOrDefault(e => e.Name.LocalName == name)?.Value ?? "";
        Assert.Multiple(() =>
        {
            Assert.That(Value("license"), Is.EqualTo("MIT"));
            Assert.That(Value("description"), Has.Length.GreaterThan(40).And.Not.Contain("Package Description"));
            Assert.That(Value("tags"), Does.Contain("embedded"));
            Assert.That(package.GetEntry(Value("icon"))!.Length, Is.GreaterThan(500));
            using var readme = new StreamReader(package.GetEntry(Value("readme"))!.Open());
            Assert.That(readme.ReadToEnd(), Does.StartWith("# " + id + "\n"));
        });
    }

    [Test]
    public void Generator_is_alone_in_the_one_slot_that_the_compiler_looks_into()
    {
        using var package = Open("KmemKit.Build");
        Assert.That(package.Entries.Select(e => e.FullName).Where(n => n.StartsWith("analyzers/", StringComparison.Ordinal)),
            Is.EqualTo(new[] { "analyzers/dotnet/cs/KmemKit.Generators.dll" }));
    }

    /// <summary>An assembly that refers to a later one than its host has does not load: the compiler then leaves the generator out with a warning.</summary>
    [TestCase("analyzers/dotnet/cs/", "Roslyn/bincore")]
    [TestCase("tools/net10.0/", "")]
    public void No_assembly_refers_to_one_later_than_its_hosts(string folder, string host)
    {
        var sdk = Sdk();
        var hosts = new[] { Path.Combine(sdk, host), sdk, RuntimeEnvironment.GetRuntimeDirectory() };
        using var package = Open("KmemKit.Build");
        var assemblies = package.Entries.Where(e => e.FullName.StartsWith(folder, StringComparison.Ordinal)).ToArray();
        Assert.That(assemblies, Is.Not.Empty);
        foreach (var entry in assemblies)
        {
            foreach (var (name, version) in References(entry).Where(r => !assemblies.Any(a => Path.GetFileNameWithoutExtension(a.Name) == r.Name)))
            {
                var file = hosts.Select(h => Path.Combine(h, name + ".dll")).FirstOrDefault(File.Exists);
                Assert.That(file, Is.Not.Null, $"{entry.Name} refers to {name}, which its host does not have");
                Assert.That(version, Is.LessThanOrEqualTo(System.Reflection.AssemblyName.GetAssemblyName(file!).Version!), $"{entry.Name} refers to {name}");
            }
        }
    }

    [Test]
    public void Generator_goes_with_the_oldest_compiler_that_the_targets_let_through()
    {
        using var package = Open("KmemKit.Build");
        var generator = package.GetEntry("analyzers/dotnet/cs/KmemKit.Generators.dll")!;
        var roslyn = References(generator).Where(r => r.Name.StartsWith("Microsoft.CodeAnalysis", StringComparison.Ordinal)).Select(r => r.Version).Distinct();
        Assert.That(roslyn, Is.EqualTo(new[] { new Version(4, 14, 0, 0) }));
        using var targets = new StreamReader(package.GetEntry("build/KmemKit.Build.targets")!.Open());
        Assert.That(targets.ReadToEnd(), Does.Contain("'4.14'"));
    }

    [Test]
    public void Each_assembly_of_ours_has_its_symbols_in_it()
    {
        foreach (var id in Ids)
        {
            using var package = Open(id);
            foreach (var entry in package.Entries.Where(e => e.Name.StartsWith("KmemKit.", StringComparison.Ordinal) && e.Name.EndsWith(".dll", StringComparison.Ordinal)))
            {
                using var reader = Read(entry);
                Assert.That(reader.ReadDebugDirectory().Select(d => d.Type), Has.Member(DebugDirectoryEntryType.EmbeddedPortablePdb), $"{id}: {entry.FullName}");
            }
        }
    }

    /// <summary>Compiled assemblies are those of <c>lib</c> with code beside their IL, and say the same version of the same module.</summary>
    [TestCase("KmemKit.Runtime", 3)]
    [TestCase("KmemKit.Conformance", 1)]
    public void Compiled_assemblies_are_the_portable_ones_with_code(string id, int count)
    {
        using var package = Open(id);
        var compiled = package.Entries.Where(e => e.FullName.StartsWith("runtimes/", StringComparison.Ordinal)).ToArray();
        Assert.That(compiled, Has.Length.EqualTo(count));
        foreach (var entry in compiled)
        {
            using var image = Read(entry);
            using var portable = Read(package.GetEntry("lib/net10.0/" + entry.Name)!);
            Assert.Multiple(() =>
            {
                Assert.That(Module(image), Is.EqualTo(Module(portable)), entry.FullName);
                Assert.That(image.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size, Is.Positive, entry.FullName);
                Assert.That(portable.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size, Is.Zero, entry.FullName);
                Assert.That(portable.PEHeaders.CorHeader.Flags.HasFlag(CorFlags.ILOnly), Is.True, entry.FullName);
            });
        }

        static Guid Module(PEReader reader)
        {
            var metadata = reader.GetMetadataReader();
            return metadata.GetGuid(metadata.GetModuleDefinition().Mvid);
        }
    }

    [Test]
    public void Each_library_has_its_documentation_beside_it()
    {
        foreach (var id in Ids)
        {
            using var package = Open(id);
            foreach (var library in package.Entries.Where(e => e.FullName.StartsWith("lib/", StringComparison.Ordinal) && e.Name.EndsWith(".dll", StringComparison.Ordinal)))
                Assert.That(package.GetEntry(Path.ChangeExtension(library.FullName, ".xml")), Is.Not.Null, $"{id}: {library.FullName}");
        }
    }

    private static ZipArchive Open(string id) => ZipFile.OpenRead(PackedFeed.Package(id));

    private static XElement Metadata(ZipArchive package)
    {
        using var nuspec = package.Entries.Single(e => e.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        return XDocument.Load(nuspec).Root!.Elements().Single(e => e.Name.LocalName == "metadata");
    }

    private static string Describe(string id)
    {
        using var package = Open(id);
        var text = new StringBuilder();
        var names = package.Entries.Select(e => Uri.UnescapeDataString(e.FullName))
            .Where(n => n != "[Content_Types].xml" && !n.StartsWith("_rels/", StringComparison.Ordinal) && !n.StartsWith("package/services/", StringComparison.Ordinal));
        foreach (var name in names.Order(StringComparer.Ordinal))
            text.Append(name).Append('\n');
        foreach (var dependency in Metadata(package).Descendants().Where(e => e.Name.LocalName == "dependency"))
        {
            text.Append("dependency " + string.Join(' ', dependency.Attributes().Select(a => $"{a.Name}={a.Value}")).Replace(PackedFeed.Version, "VERSION", StringComparison.Ordinal));
            text.Append('\n');
        }
        return text.ToString();
    }

    private static PEReader Read(ZipArchiveEntry entry)
    {
        var bytes = new MemoryStream();
        using (var stream = entry.Open())
            stream.CopyTo(bytes);
        bytes.Position = 0;
        return new PEReader(bytes);
    }

    private static List<(string Name, Version Version)> References(ZipArchiveEntry entry)
    {
        using var reader = Read(entry);
        var metadata = reader.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(metadata.GetAssemblyReference).Select(r => (metadata.GetString(r.Name), r.Version))];
    }

    // The SDK that builds here.
    private static string Sdk()
    {
        var version = Cli.Dotnet(Cli.Root, new Dictionary<string, string>(), "--version").Output.Trim();
        var line = Cli.Dotnet(Cli.Root, new Dictionary<string, string>(), "--list-sdks").Lines.Single(l => l.StartsWith(version + " [", StringComparison.Ordinal));
        return Path.Combine(line[(version.Length + 2)..].Trim().TrimEnd(']'), version);
    }
}
