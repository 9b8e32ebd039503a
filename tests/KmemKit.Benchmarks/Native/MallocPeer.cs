using System;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;

namespace KmemKit.Benchmarks.Native;

/// <summary>malloc and free of a library of the system, called as fast as C# can: without the transition to the collector's preemptive mode.</summary>
internal sealed unsafe class MallocPeer
{
    private MallocPeer(string name, nint malloc, nint free)
    {
        Name = name;
        Malloc = (delegate* unmanaged[SuppressGCTransition]<nuint, void*>)malloc;
        Free = (delegate* unmanaged[SuppressGCTransition]<void*, void>)free;
    }

    public string Name { get; }

    public delegate* unmanaged[SuppressGCTransition]<nuint, void*> Malloc { get; }

    public delegate* unmanaged[SuppressGCTransition]<void*, void> Free { get; }

    /// <summary>The C library's own: the peer that every ratio is taken to.</summary>
    public static MallocPeer Glibc { get; } = Load("glibc", "malloc", "free", null, "libc.so.6")!;

    public static MallocPeer? Mimalloc() =>
        Load("mimalloc", "mi_malloc", "mi_free", "libmimalloc2.0 (libmimalloc3 of later releases)", "libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so.2.0");

    public static MallocPeer? Jemalloc() => Load("jemalloc", "malloc", "free", "libjemalloc2", "libjemalloc.so.2");

    /// <summary>Pairs of one size.</summary>
    public void Pairs(int pairs, nuint size)
    {
        var malloc = Malloc;
        var free = Free;
        for (var i = 0; i < pairs; i++)
            free(malloc(size));
    }

    /// <summary>jemalloc asks for more thread-local memory than glibc keeps for libraries that are loaded late, unless it is told at the start.</summary>
    public static bool NeedsStaticTls => Environment.GetEnvironmentVariable(Tunables) is null && OperatingSystem.IsLinux();

    /// <summary>Starts this program again, told.</summary>
    public static void RunAgain()
    {
        var arguments = Environment.GetCommandLineArgs();
        var start = new ProcessStartInfo(Environment.ProcessPath!);
        // The first argument is the assembly, which only the dotnet host wants to hear.
        for (var i = Path.GetFileNameWithoutExtension(start.FileName) == "dotnet" ? 0 : 1; i < arguments.Length; i++)
            start.ArgumentList.Add(arguments[i]);
        start.Environment[Tunables] = "glibc.rtld.optional_static_tls=16384";
        using var again = Process.Start(start)!;
        again.WaitForExit();
    }

    private const string Tunables = "GLIBC_TUNABLES";

    private static MallocPeer? Load(string name, string malloc, string free, string? package, params ReadOnlySpan<string> libraries)
    {
        foreach (var library in libraries)
        {
            if (NativeLibrary.TryLoad(library, out var handle))
                return new MallocPeer(name, NativeLibrary.GetExport(handle, malloc), NativeLibrary.GetExport(handle, free));
        }
        Console.WriteLine($"{name} is missing: install the Debian package {package}.");
        return null;
    }
}
