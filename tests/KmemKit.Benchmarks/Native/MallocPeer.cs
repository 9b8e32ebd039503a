using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace KmemKit.Benchmarks.Native;

/// <summary>malloc and free of an outside library, called as fast as C# can: no transition of the garbage collector.</summary>
internal sealed unsafe class MallocPeer
{
    private readonly delegate* unmanaged[SuppressGCTransition]<nuint, void*> _malloc;
    private readonly delegate* unmanaged[SuppressGCTransition]<void*, void> _free;

    private MallocPeer(string name, nint library, string malloc, string free)
    {
        Name = name;
        _malloc = (delegate* unmanaged[SuppressGCTransition]<nuint, void*>)NativeLibrary.GetExport(library, malloc);
        _free = (delegate* unmanaged[SuppressGCTransition]<void*, void>)NativeLibrary.GetExport(library, free);
    }

    /// <summary>What the tables call it.</summary>
    public string Name { get; }

    /// <summary>The C library's own: the peer that every ratio is taken to.</summary>
    public static MallocPeer Glibc { get; } = new("glibc", NativeLibrary.Load("libc.so.6"), "malloc", "free");

    /// <summary>mimalloc, of the Debian package libmimalloc2.0 or libmimalloc3.</summary>
    /// <exception cref="InvalidOperationException">It is not there.</exception>
    public static MallocPeer Mimalloc() =>
        Find("mimalloc", ["libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so.2.0"], "mi_malloc", "mi_free", out var peer)
            ? peer
            : throw new InvalidOperationException("There is no mimalloc to compare with: install the Debian package libmimalloc2.0 (or libmimalloc3).");

    /// <summary>jemalloc, of the Debian package libjemalloc2.</summary>
    /// <exception cref="InvalidOperationException">It is not there.</exception>
    public static MallocPeer Jemalloc() =>
        Find("jemalloc", ["libjemalloc.so.2"], "malloc", "free", out var peer)
            ? peer
            : throw new InvalidOperationException("There is no jemalloc to compare with: install the Debian package libjemalloc2.");

    public void* Malloc(nuint size) => _malloc(size);

    public void Free(void* memory) => _free(memory);

    /// <summary>Pairs of one size.</summary>
    public void Pairs(int pairs, nuint size)
    {
        var malloc = _malloc;
        var free = _free;
        for (var i = 0; i < pairs; i++)
            free(malloc(size));
    }

    private static bool Find(string name, string[] libraries, string malloc, string free, [NotNullWhen(true)] out MallocPeer? peer)
    {
        foreach (var library in libraries)
        {
            if (NativeLibrary.TryLoad(library, out var handle))
            {
                peer = new MallocPeer(name, handle, malloc, free);
                return true;
            }
        }
        peer = null;
        return false;
    }
}
