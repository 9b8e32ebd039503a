using System;
using System.Globalization;
using System.Runtime.ConstrainedExecution;
using System.Runtime.InteropServices;

namespace KmemKit.Runtime.Memory;

/// <summary>
/// Host address space behind one stretch of simulated RAM. It is all zero, and the host spends a page on it when that page is first touched.
/// </summary>
/// <remarks>
/// Unix: an anonymous private mapping that takes no swap reservation, so its size may be many times the host's memory. Windows has no such mapping: the
/// whole size counts against the commit limit there, though no memory is used before it is touched.
/// </remarks>
internal sealed unsafe partial class HostMapping : CriticalFinalizerObject, IDisposable
{
    private readonly nuint _size;
    private byte* _base;

    public HostMapping(ulong size)
    {
        // A 32-bit host cannot hold it: said as what it is, not as a wrapped size.
        if (size > nuint.MaxValue)
            throw Refused(size, 0);
        _size = (nuint)size;
        _base = OperatingSystem.IsWindows() ? MapWindows(_size) : MapUnix(_size);
        if (_base is null)
            throw Refused(size, Marshal.GetLastPInvokeError());
    }

    ~HostMapping() => Release();

    public byte* Base => _base;

    /// <summary>
    /// Makes bytes of a mapping zero. Of a long stretch the whole host pages are given back instead of written, where the host then gives zeros again
    /// (MADV_DONTNEED on private anonymous memory is defined so by Linux alone): that costs nothing for pages nobody touched.
    /// </summary>
    public static void Zero(byte* start, ulong length)
    {
        const ulong worthACall = 1UL << 18;
        if (length < worthACall || !OperatingSystem.IsLinux())
        {
            WriteZeros(start, length);
            return;
        }
        var page = (nuint)Environment.SystemPageSize;
        var end = (nuint)start + (nuint)length;
        var first = ((nuint)start + page - 1) & ~(page - 1);
        var last = end & ~(page - 1);
        if (Madvise((byte*)first, last - first, MadvDontNeed) != 0)
        {
            WriteZeros(start, length);
            return;
        }
        WriteZeros(start, first - (nuint)start);
        WriteZeros((byte*)last, end - last);
    }

    private static void WriteZeros(byte* start, ulong length) => NativeMemory.Clear(start, (nuint)length);

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (_base is null)
            return;
        if (OperatingSystem.IsWindows())
            _ = VirtualFree(_base, 0, MemRelease);
        else
            _ = Munmap(_base, _size);
        _base = null;
    }

    private static PhysicalMemoryException Refused(ulong size, int error) => new(
        "The host gives no address space of 0x" + size.ToString("x", CultureInfo.InvariantCulture) + " bytes for simulated RAM (error "
        + error.ToString(CultureInfo.InvariantCulture) + "). Simulate a smaller board, or allow overcommit (vm.overcommit_memory, ulimit -v).");

    private static byte* MapUnix(nuint size)
    {
        // <sys/mman.h>: PROT_READ|PROT_WRITE; MAP_PRIVATE|MAP_ANONYMOUS|MAP_NORESERVE, whose numbers differ between Linux and the BSDs.
        const int readWrite = 1 | 2;
        const int linuxFlags = 0x02 | 0x20 | 0x4000;
        const int bsdFlags = 0x02 | 0x1000 | 0x40;
        var flags = OperatingSystem.IsLinux() || OperatingSystem.IsAndroid() ? linuxFlags : bsdFlags;
        var mapped = Mmap(null, size, readWrite, flags, -1, 0);
        // MAP_FAILED is the highest address.
        return (nuint)mapped == nuint.MaxValue ? null : mapped;
    }

    private static byte* MapWindows(nuint size)
    {
        const uint reserveAndCommit = 0x2000 | 0x1000;
        const uint readWrite = 4;
        return VirtualAlloc(null, size, reserveAndCommit, readWrite);
    }

    private const uint MemRelease = 0x8000;
    private const int MadvDontNeed = 4;

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Madvise(byte* address, nuint length, int advice);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    private static partial byte* Mmap(byte* address, nuint length, int protection, int flags, int file, nint offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    private static partial int Munmap(byte* address, nuint length);

    [LibraryImport("kernel32", SetLastError = true)]
    private static partial byte* VirtualAlloc(byte* address, nuint size, uint type, uint protection);

    [LibraryImport("kernel32")]
    private static partial int VirtualFree(byte* address, nuint size, uint type);
}
