using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using BenchmarkDotNet.Attributes;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Benchmarks.Devicetree;

/// <summary>
/// Tree walk and phandle look-up against libfdt, which scans the blob for both. Times are per node and per look-up; libfdt's are with the call from
/// .NET, some nanoseconds in hundreds.
/// </summary>
[MemoryDiagnoser]
[InProcess]
public unsafe class IndexBenchmarks
{
    private const int Nodes = 100_000;
    private const int Lookups = 256;

    private SourceFile[] _blobs = [];
    private FdtIndex[] _indexes = [];
    private FdtIndex? _largest;
    private byte[] _largestBytes = [];
    private uint[] _phandles = [];

    /// <summary>Loads the blobs; the largest is where phandles are looked up.</summary>
    [GlobalSetup]
    public void Setup()
    {
        _blobs = BlobSet.Load();
        _indexes = _blobs.Select(blob => FdtIndex.Create(blob, new DiagnosticBag())!).ToArray();
        _largest = _indexes.MaxBy(index => index.NodeCount)!;
        _largestBytes = File.ReadAllBytes(_largest.Blob.File.Path);
        var all = Enumerable.Range(0, _largest.NodeCount).Select(_largest.Phandle).Where(phandle => phandle != 0).ToArray();
        var random = new Random(1);
        _phandles = Enumerable.Range(0, Lookups).Select(_ => all[random.Next(all.Length)]).ToArray();
        if (_phandles.Any(phandle => FindByLibfdt(phandle) != _largest.NodeOffset(_largest.FindPhandle(phandle)) - _largest.Blob.StructOffset))
            throw new InvalidOperationException("libfdt finds other nodes");
    }

    /// <summary>Index and walk: blob after blob, each node's name read.</summary>
    [Benchmark(OperationsPerInvoke = Nodes)]
    public int IndexAndWalk()
    {
        var (sum, left) = (0, Nodes);
        for (var blob = 0; left > 0; blob = (blob + 1) % _blobs.Length)
        {
            var index = FdtIndex.Create(_blobs[blob], new DiagnosticBag())!;
            sum += Walk(index, ref left);
        }
        return sum;
    }

    /// <summary>Walk over indexes that are there.</summary>
    [Benchmark(OperationsPerInvoke = Nodes)]
    public int WalkIndexed()
    {
        var (sum, left) = (0, Nodes);
        for (var blob = 0; left > 0; blob = (blob + 1) % _indexes.Length)
            sum += Walk(_indexes[blob], ref left);
        return sum;
    }

    /// <summary>The same by fdt_next_node and fdt_get_name.</summary>
    [Benchmark(OperationsPerInvoke = Nodes, Baseline = true)]
    public int WalkLibfdt()
    {
        var (sum, left) = (0, Nodes);
        for (var blob = 0; left > 0; blob = (blob + 1) % _blobs.Length)
        {
            fixed (byte* fdt = _blobs[blob].Bytes.Span)
            {
                var depth = 0;
                for (var node = LibFdt.NextNode(fdt, -1, &depth); node >= 0 && depth >= 0 && left-- > 0; node = LibFdt.NextNode(fdt, node, &depth))
                {
                    int length;
                    LibFdt.GetName(fdt, node, &length);
                    sum += length;
                }
            }
        }
        return sum;
    }

    /// <summary>Phandle to node in the index.</summary>
    [Benchmark(OperationsPerInvoke = Lookups)]
    public int PhandleIndexed()
    {
        var sum = 0;
        var index = _largest!;
        foreach (var phandle in _phandles)
            sum += index.FindPhandle(phandle);
        return sum;
    }

    /// <summary>The same by fdt_node_offset_by_phandle.</summary>
    [Benchmark(OperationsPerInvoke = Lookups)]
    public int PhandleLibfdt()
    {
        var sum = 0;
        foreach (var phandle in _phandles)
            sum += FindByLibfdt(phandle);
        return sum;
    }

    private static int Walk(FdtIndex index, ref int left)
    {
        var sum = 0;
        for (var node = 0; node < index.NodeCount && left > 0; node++, left--)
            sum += index.Name(node).Length;
        return sum;
    }

    private int FindByLibfdt(uint phandle)
    {
        fixed (byte* fdt = _largestBytes)
            return LibFdt.NodeByPhandle(fdt, phandle);
    }

    private static class LibFdt
    {
        [DllImport("libfdt.so.1", EntryPoint = "fdt_next_node")]
        internal static extern int NextNode(byte* fdt, int offset, int* depth);

        [DllImport("libfdt.so.1", EntryPoint = "fdt_get_name")]
        internal static extern byte* GetName(byte* fdt, int node, int* length);

        [DllImport("libfdt.so.1", EntryPoint = "fdt_node_offset_by_phandle")]
        internal static extern int NodeByPhandle(byte* fdt, uint phandle);
    }
}
