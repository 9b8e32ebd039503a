using System.IO;
using System.Linq;
using BenchmarkDotNet.Attributes;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Benchmarks.Devicetree;

/// <summary>
/// The source of every blob of the set compiled to a blob again, against dtc. The work of dtc is <see cref="Dtc"/> - <see cref="DtcStart"/>: the
/// second starts it as often on an empty root. The target is a third of that work.
/// </summary>
[Config(typeof(DevicetreeConfig))]
[MemoryDiagnoser]
public class SourceToBlobBenchmarks
{
    private SourceFile[] _sources = [];
    private DeviceTree[] _trees = [];
    private DtcProcess? _dtc;
    private string _all = "";
    private string _starts = "";

    /// <summary>Prints the sources and writes dtc's scripts.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _dtc = new DtcProcess();
        _trees = BlobSet.Load().Select(blob => FdtReader.Read(blob).Tree!).ToArray();
        _sources = _trees.Select((tree, i) => new SourceFile(Path.Combine(_dtc.Folder, i + ".dts"), DtsPrinter.Print(tree))).ToArray();
        foreach (var source in _sources)
            File.WriteAllText(source.Path, source.Text);
        var empty = Path.Combine(_dtc.Folder, "empty.dts");
        File.WriteAllText(empty, "/dts-v1/; / { };\n");
        _all = _dtc.Script("-I dts -O dtb", _sources.Select(source => source.Path));
        _starts = _dtc.Script("-I dts -O dtb", _sources.Select(_ => empty));
    }

    /// <summary>Removes dtc's folder.</summary>
    [GlobalCleanup]
    public void Cleanup() => _dtc?.Remove();

    /// <summary>All sources to blobs.</summary>
    [Benchmark]
    public long Kit()
    {
        var bytes = 0L;
        foreach (var source in _sources)
            bytes += FdtWriter.Write(DtsCompiler.Compile(source).Tree!).Length;
        return bytes;
    }

    /// <summary>All trees to blobs, as part of <see cref="Kit"/>.</summary>
    [Benchmark]
    public long KitWrites()
    {
        var bytes = 0L;
        foreach (var tree in _trees)
            bytes += FdtWriter.Write(tree).Length;
        return bytes;
    }

    /// <summary>dtc over all sources.</summary>
    [Benchmark(Baseline = true)]
    public void Dtc() => _dtc!.Run(_all);

    /// <summary>dtc as often over nothing.</summary>
    [Benchmark]
    public void DtcStart() => _dtc!.Run(_starts);
}
