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
/// whole size counts against the commit limit there, though no memory is used before it is touched. A shared one is a file of the host's memory that has
/// no name (memfd_create, Linux): parts of it can be mapped a second time, at addresses of another order (<see cref="HostView"/>).
/// </remarks>
internal sealed unsafe partial class HostMapping : CriticalFinalizerObject, IDisposable
{
    private readonly nuint _size;
    private byte* _base;

    /// <param name="size">Bytes.</param>
    /// <param name="isShared">Whether parts can be mapped again.</param>
    public HostMapping(ulong size, bool isShared = false)
    {
        if (isShared && !OperatingSystem.IsLinux())
            throw new PhysicalMemoryException("RAM that can be mapped twice needs memfd_create, which Linux alone has.");
        // A 32-bit host cannot hold it: said as what it is, not as a wrapped size.
        if (size > nuint.MaxValue)
            throw Refused(size, 0);
        _size = (nuint)size;
        _base = isShared ? MapFile(_size) : OperatingSystem.IsWindows() ? MapWindows(_size) : MapUnix(_size);
        if (_base is null)
            throw Refused(size, Marshal.GetLastPInvokeError());
    }

    ~HostMapping() => Release();

    public byte* Base => _base;

    /// <summary>The file behind a shared mapping, whose offset 0 is at <see cref="Base"/>; -1 where it is private.</summary>
    public int File { get; private set; } = -1;

    /// <summary>
    /// Makes bytes of a mapping zero. Of a long stretch the whole host pages are given back instead of written, where the host then gives zeros again
    /// (MADV_DONTNEED on private anonymous memory is defined so by Linux alone): that costs nothing for pages nobody touched.
    /// </summary>
    /// <param name="start">The first.</param>
    /// <param name="length">How many.</param>
    /// <param name="isShared">Whether the mapping is shared: its pages stay in the file unless a hole is punched (MADV_REMOVE).</param>
    public static void Zero(byte* start, ulong length, bool isShared = false)
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
        if (Madvise((byte*)first, last - first, isShared ? MadvRemove : MadvDontNeed) != 0)
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
        if (File >= 0)
            _ = Close(File);
        File = -1;
    }

    private byte* MapFile(nuint size)
    {
        const int readWrite = 1 | 2;
        const int shared = 0x01 | 0x4000;
        const uint closeOnExec = 1;
        File = MemfdCreate("kmem", closeOnExec);
        if (File < 0)
            return null;
        var mapped = Ftruncate(File, (long)size) == 0 ? Mmap(null, size, readWrite, shared, File, 0) : (byte*)nuint.MaxValue;
        if ((nuint)mapped != nuint.MaxValue)
            return mapped;
        var error = Marshal.GetLastPInvokeError();
        _ = Close(File);
        File = -1;
        Marshal.SetLastPInvokeError(error);
        return null;
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
    private const int MadvRemove = 9;

    [LibraryImport("libc", EntryPoint = "memfd_create", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MemfdCreate(string name, uint flags);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    private static partial int Ftruncate(int file, long size);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);

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
