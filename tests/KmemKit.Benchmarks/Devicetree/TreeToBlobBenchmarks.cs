using System.Linq;
using BenchmarkDotNet.Attributes;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;

namespace KmemKit.Benchmarks.Devicetree;

/// <summary>Every tree of the set written as a blob: the last step of source to blob.</summary>
[Config(typeof(DevicetreeConfig))]
[MemoryDiagnoser]
public class TreeToBlobBenchmarks
{
    private DeviceTree[] _trees = [];

    /// <summary>Reads the trees.</summary>
    [GlobalSetup]
    public void Setup() => _trees = BlobSet.Load().Select(blob => FdtReader.Read(blob).Tree!).ToArray();

    /// <summary>All trees to blobs.</summary>
    [Benchmark]
    public long Kit()
    {
        var bytes = 0L;
        foreach (var tree in _trees)
            bytes += FdtWriter.Write(tree).Length;
        return bytes;
    }
}
