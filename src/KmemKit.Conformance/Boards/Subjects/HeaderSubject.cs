using System;
using System.IO;
using System.Runtime.InteropServices;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.Conformance.Translations;

namespace KmemKit.Conformance.Boards.Subjects;

/// <summary>A board's C header, compiled by the host's gcc into a shared library and called.</summary>
internal sealed unsafe class HeaderSubject : ITranslationSubject, IDisposable
{
    private readonly nint _library;
    private readonly delegate* unmanaged<ulong, ulong*, int> _physToVirt;
    private readonly delegate* unmanaged<ulong, ulong*, int> _virtToPhys;

    private HeaderSubject(nint library)
    {
        _library = library;
        _physToVirt = (delegate* unmanaged<ulong, ulong*, int>)NativeLibrary.GetExport(library, "kmem_conformance_phys_to_virt");
        _virtToPhys = (delegate* unmanaged<ulong, ulong*, int>)NativeLibrary.GetExport(library, "kmem_conformance_virt_to_phys");
    }

    public bool HasPhysToVirt => true;

    public bool Refuses => true;

    /// <summary>Compiles a header.</summary>
    /// <param name="header">The artifact.</param>
    /// <param name="why">Why it was not compiled; empty where it was.</param>
    /// <returns>Null where this host has no gcc.</returns>
    /// <exception cref="InvalidOperationException">gcc refuses it.</exception>
    public static HeaderSubject? Compile(Artifact header, out string why)
    {
        why = "";
        if (!HostPrograms.Has("gcc"))
        {
            why = "There is no gcc on the PATH: install the Debian package gcc.";
            return null;
        }
        var folder = Directory.CreateTempSubdirectory("kmemkit-conformance-").FullName;
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "board.h"), [.. header.Bytes]);
            File.WriteAllText(Path.Combine(folder, "board.c"), Source);
            var log = HostPrograms.Run("gcc", folder, "-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", "board.so", "board.c");
            if (log is not null)
                throw new InvalidOperationException($"gcc refuses {header.FileName}: {log}");
            return new HeaderSubject(NativeLibrary.Load(Path.Combine(folder, "board.so")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    public ulong? PhysToVirt(ulong address)
    {
        ulong result;
        return _physToVirt(address, &result) != 0 ? result : null;
    }

    public ulong? VirtToPhys(ulong address)
    {
        ulong result;
        return _virtToPhys(address, &result) != 0 ? result : null;
    }

    public void Dispose() => NativeLibrary.Free(_library);

    // A number that the board's address types cannot hold is no address there, and never reaches the macros.
    private const string Source =
        """
        #include "board.h"
        int kmem_conformance_phys_to_virt(uint64_t address, uint64_t *result);
        int kmem_conformance_phys_to_virt(uint64_t address, uint64_t *result)
        {
            if ((kmem_phys_t)address != address || !KMEM_IS_LINEAR_PHYS((kmem_phys_t)address))
                return 0;
            *result = __phys_to_virt(address);
            return *result == __phys_to_virt_checked(address);
        }

        int kmem_conformance_virt_to_phys(uint64_t address, uint64_t *result);
        int kmem_conformance_virt_to_phys(uint64_t address, uint64_t *result)
        {
            if ((kmem_virt_t)address != address || !KMEM_IS_LINEAR_VIRT((kmem_virt_t)address))
                return 0;
            *result = __virt_to_phys(address);
            return *result == __virt_to_phys_checked(address);
        }
        """;
}
