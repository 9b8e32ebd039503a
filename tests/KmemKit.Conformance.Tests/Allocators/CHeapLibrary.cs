using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Allocators;

/// <summary><c>heap.c</c>, compiled by gcc into a shared library with one of its faults and loaded for good.</summary>
internal sealed unsafe class CHeapLibrary
{
    private static readonly ConcurrentDictionary<CHeapFault, Lazy<CHeapLibrary>> s_libraries = new();

    private readonly delegate* unmanaged<nuint, nint> _create;
    private readonly delegate* unmanaged<nint, void> _destroy;
    private readonly delegate* unmanaged<nint, nuint> _arena, _freeBytes;
    private readonly delegate* unmanaged<nint, nuint, nuint> _alloc, _zalloc;
    private readonly delegate* unmanaged<nint, nuint, int> _free;

    private CHeapLibrary(nint library)
    {
        nint Export(string name) => NativeLibrary.GetExport(library, name);
        _create = (delegate* unmanaged<nuint, nint>)Export("heap_create");
        _destroy = (delegate* unmanaged<nint, void>)Export("heap_destroy");
        _arena = (delegate* unmanaged<nint, nuint>)Export("heap_arena");
        _freeBytes = (delegate* unmanaged<nint, nuint>)Export("heap_free_bytes");
        _alloc = (delegate* unmanaged<nint, nuint, nuint>)Export("heap_alloc");
        _zalloc = (delegate* unmanaged<nint, nuint, nuint>)Export("heap_zalloc");
        _free = (delegate* unmanaged<nint, nuint, int>)Export("heap_free");
    }

    public static CHeapLibrary Of(CHeapFault fault) => s_libraries.GetOrAdd(fault, static f => new Lazy<CHeapLibrary>(() => Compile(f))).Value;

    public nint Create(nuint size) => _create(size);

    public void Destroy(nint heap) => _destroy(heap);

    public nuint Arena(nint heap) => _arena(heap);

    public nuint FreeBytes(nint heap) => _freeBytes(heap);

    public nuint Alloc(nint heap, nuint bytes) => _alloc(heap, bytes);

    public nuint Zalloc(nint heap, nuint bytes) => _zalloc(heap, bytes);

    public bool Free(nint heap, nuint block) => _free(heap, block) != 0;

    private static CHeapLibrary Compile(CHeapFault fault)
    {
        var folder = Directory.CreateTempSubdirectory("kmemkit-heap-").FullName;
        try
        {
            var source = Path.Combine(Repository.Root, "tests", "KmemKit.Conformance.Tests", "Allocators", "C", "heap.c");
            var start = new ProcessStartInfo("gcc", ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", $"-DFAULT={(int)fault}", "-o", "heap.so", source])
            {
                WorkingDirectory = folder, RedirectStandardError = true,
            };
            using var gcc = Process.Start(start)!;
            var errors = gcc.StandardError.ReadToEnd();
            gcc.WaitForExit();
            Assert.That(gcc.ExitCode, Is.Zero, errors);
            return new CHeapLibrary(NativeLibrary.Load(Path.Combine(folder, "heap.so")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
