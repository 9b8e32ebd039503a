using System;
using System.Runtime.ConstrainedExecution;
using System.Runtime.InteropServices;

namespace KmemKit.Runtime.Memory;

/// <summary>A stretch of host addresses: pages of RAM in an order of their own, or nothing at all, so that any touch of it faults.</summary>
/// <remarks>
/// <code>
///   | guard | page | page | page | guard |        the pages are those of RAM: a store through either address is seen through the other
/// </code>
/// Guards and, after <see cref="Revoke"/>, all of it stay reserved until <see cref="Dispose"/>: nothing else of the host comes to lie there, and a stale pointer faults.
/// </remarks>
public sealed unsafe partial class HostView : CriticalFinalizerObject, IDisposable
{
    private readonly nuint _whole;
    private byte* _reserved;

    internal HostView(ReadOnlySpan<Part> parts, nuint guardBytes, nuint bytes = 0)
    {
        foreach (var part in parts)
            bytes = checked(bytes + part.Bytes);
        (Bytes, _whole) = (bytes, checked(bytes + (2 * guardBytes)));
        _reserved = Map(null, _whole, ProtNone, MapPrivate | MapAnonymous | MapNoReserve, -1, 0);
        Base = _reserved + guardBytes;
        var at = Base;
        foreach (var part in parts)
        {
            _ = Map(at, part.Bytes, ProtRead | ProtWrite, MapShared | MapFixed | MapNoReserve, part.File, part.Offset);
            at += part.Bytes;
        }
    }


    /// <summary>Gives the addresses back.</summary>
    ~HostView() => Release();

    /// <summary>The first byte.</summary>
    public byte* Base { get; }

    /// <summary>Bytes without the guards.</summary>
    public ulong Bytes { get; }

    /// <summary>The first byte of the guard in front.</summary>
    public byte* Reserved => _reserved;

    /// <summary>Bytes with the guards.</summary>
    public ulong ReservedBytes => _whole;

    /// <summary>Addresses that fault: what stands for device registers, which only a bus access reaches.</summary>
    /// <param name="bytes">How many; rounded up to host pages.</param>
    /// <param name="guardBytes">More of them in front and behind, so that what lies beyond is nothing else's; whole host pages.</param>
    /// <exception cref="PhysicalMemoryException">The host has no address space left.</exception>
    public static HostView CreateFaulting(ulong bytes, ulong guardBytes = 0)
    {
        var page = (nuint)Environment.SystemPageSize;
        return new HostView([], (nuint)guardBytes, checked(((nuint)bytes + page - 1) & ~(page - 1)));
    }

    /// <summary>Takes the pages away: from now on each touch faults.</summary>
    public void Revoke()
    {
        if (_reserved is not null)
            _ = Map(Base, (nuint)Bytes, ProtNone, MapPrivate | MapAnonymous | MapFixed | MapNoReserve, -1, 0);
    }

    /// <summary>Gives the addresses back to the host.</summary>
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (_reserved is not null)
            _ = Munmap(_reserved, _whole);
        _reserved = null;
    }

    private static byte* Map(byte* at, nuint size, int protection, int flags, int file, nint offset)
    {
        if (!OperatingSystem.IsLinux())
            throw new PhysicalMemoryException("Views of RAM need a Linux host.");
        var mapped = Mmap(at, size, protection, flags, file, offset);
        return (nuint)mapped != nuint.MaxValue
            ? mapped
            : throw new PhysicalMemoryException($"The host maps no 0x{size:x} bytes (error {Marshal.GetLastPInvokeError()}). It may have too many mappings (vm.max_map_count).");
    }

    /// <summary>A part of a file of RAM.</summary>
    internal readonly record struct Part(int File, nint Offset, nuint Bytes);

    // <sys/mman.h> of Linux.
    private const int ProtNone = 0;
    private const int ProtRead = 1;
    private const int ProtWrite = 2;
    private const int MapShared = 0x01;
    private const int MapPrivate = 0x02;
    private const int MapFixed = 0x10;
    private const int MapAnonymous = 0x20;
    private const int MapNoReserve = 0x4000;

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* Mmap(byte* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Munmap(byte* address, nuint length);
}
