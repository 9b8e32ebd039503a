using System.IO;
using System.Linq;
using BenchmarkDotNet.Attributes;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Benchmarks.Devicetree;

/// <summary>
/// Every blob of the set read and printed as source, against dtc. The work of dtc is <see cref="Dtc"/> - <see cref="DtcStart"/>: the second
/// starts it as often on a blob of an empty root. The target is a third of that work.
/// </summary>
[Config(typeof(DevicetreeConfig))]
[MemoryDiagnoser]
public class BlobToSourceBenchmarks
{
    private SourceFile[] _blobs = [];
    private DtcProcess? _dtc;
    private string _all = "";
    private string _starts = "";

    /// <summary>Loads the blobs and writes dtc's scripts.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _blobs = BlobSet.Load();
        _dtc = new DtcProcess();
        var empty = Path.Combine(_dtc.Folder, "empty.dtb");
        File.WriteAllText(Path.Combine(_dtc.Folder, "empty.dts"), "/dts-v1/; / { };\n");
        _dtc.Run(_dtc.Script("-I dts -O dtb", [Path.Combine(_dtc.Folder, "empty.dts")]));
        File.Move(Path.Combine(_dtc.Folder, "out"), empty);
        _all = _dtc.Script("-I dtb -O dts", BlobSet.Paths);
        _starts = _dtc.Script("-I dtb -O dts", BlobSet.Paths.Select(_ => empty));
    }

    /// <summary>Removes dtc's folder.</summary>
    [GlobalCleanup]
    public void Cleanup() => _dtc?.Remove();

    /// <summary>All blobs to source.</summary>
    [Benchmark]
    public long Kit()
    {
        var characters = 0L;
        foreach (var blob in _blobs)
            characters += DtsPrinter.Print(FdtReader.Read(blob).Tree!).Length;
        return characters;
    }

    /// <summary>All blobs read, as part of <see cref="Kit"/>.</summary>
    [Benchmark]
    public int KitReads()
    {
        var nodes = 0;
        foreach (var blob in _blobs)
            nodes += FdtReader.Read(blob).Tree!.Root.Children.Count;
        return nodes;
    }

    /// <summary>dtc over all blobs.</summary>
    [Benchmark(Baseline = true)]
    public void Dtc() => _dtc!.Run(_all);

    /// <summary>dtc as often over nothing.</summary>
    [Benchmark]
    public void DtcStart() => _dtc!.Run(_starts);
}
