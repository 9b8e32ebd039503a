using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Sharing.Files;

namespace KmemKit.Runtime.Sharing.Pmem;

/// <summary>A pmem device (msm's drivers/misc/pmem.c, <c>/dev/pmem</c>): a carve-out of physical memory whose pieces are files.</summary>
/// <remarks>
/// <para>Allocator: the carve-out's (<see cref="PmemAllocatorType"/>). Exporter: mmap of a file. CPU mapper: ioremap. IOMMU mapper: none, devices get physical addresses. Handle and
/// reference count: the file.</para>
/// <para>The first mmap of a file, or PMEM_ALLOCATE, gives it memory, once. A file connected to another (PMEM_CONNECT) shows the parts that the owner mapped into it, and nothing
/// once the owner closed its file. A driver of the kernel that uses a file holds a reference (get_pmem_file), and the memory stays until it is put. Unlike the
/// original, memory is cleared before it is given.</para>
/// </remarks>
public sealed class PmemDevice
{
    private readonly SharingHost _host;
    private readonly IPmemAllocator _allocator;
    private readonly Dictionary<SharedFile, int> _drivers = [];
    private int _files;

    /// <summary>A device over a carve-out.</summary>
    /// <param name="host">The board.</param>
    /// <param name="name">Such as <c>pmem_adsp</c>.</param>
    /// <param name="carveout">Set aside from the kernel's memory; edges are multiples of a page.</param>
    /// <param name="type">How pieces are given.</param>
    /// <param name="cached">Whether mappings are cached, where who opens the file does not say otherwise.</param>
    public PmemDevice(SharingHost host, string name, PhysRange carveout, PmemAllocatorType type = PmemAllocatorType.Bitmap, bool cached = false)
    {
        ArgumentNullException.ThrowIfNull(host);
        var pageBits = host.Cpu.Allocator.Map.Pages.PageShift;
        (_host, Name, Carveout) = (host, name, carveout);
        Use = cached ? MemoryUse.Cached : MemoryUse.WriteCombining;
        var pool = new GenPool(name, carveout, pageBits);
        _allocator = type switch
        {
            PmemAllocatorType.Bitmap => new BitmapPmemAllocator(pool),
            PmemAllocatorType.BuddyBestFit => new BuddyPmemAllocator(carveout, pageBits),
            _ => new WholePmemAllocator(carveout),
        };
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>Its memory.</summary>
    public PhysRange Carveout { get; }

    /// <summary>How its mappings use the caches.</summary>
    public MemoryUse Use { get; }

    /// <summary>Bytes that no file has.</summary>
    public ulong Available => _allocator.Available;

    /// <summary>Files that are open.</summary>
    public int OpenFiles => _files;

    /// <summary>Opens the device: a file without memory.</summary>
    public SharedFile Open()
    {
        var data = new PmemFile(this);
        _files++;
        return new SharedFile($"/dev/{Name}", data, () => Release(data));
    }

    /// <summary>Gives a file memory (PMEM_ALLOCATE).</summary>
    /// <exception cref="SharingException">It has some, or is connected; the size is none; or the carve-out is exhausted.</exception>
    public void Allocate(SharedFile file, ulong size)
    {
        var data = DataOf(file);
        if (data.Piece is not null || data.Master is not null)
            throw new SharingException(SharingError.Busy, file.Name, "the file has memory already.");
        var bytes = _host.RoundUp(size, file.Name);
        if (!_allocator.TryAllocate(bytes, out var piece))
        {
            throw new SharingException(
                SharingError.NoMemory, Name, $"{bytes} bytes are asked for, and of the carve-out {Carveout} {_allocator.Available} are free, not in one piece of that size.");
        }
        data.Piece = piece;
        data.Asked = bytes;
        BufferMemory.Of([new(piece.Start, piece.Size.Value)]).Clear(_host.Memory);
    }

    /// <summary>Maps all of a file into a process: memory is allocated where it has none (mmap).</summary>
    /// <returns>What the process sees; parts of a connected file that are not shown are missing.</returns>
    public IReadOnlyList<PhysRange> Mmap(SharedFile file, ulong size)
    {
        var data = DataOf(file);
        if (data.Piece is null && data.Master is null)
            Allocate(file, size);
        var whole = (data.Master ?? data).Asked;
        if (size == 0 || size > whole)
            throw new SharingException(SharingError.BadSize, file.Name, $"a mapping of {size} bytes is asked for, and the file has {whole}.");
        data.Mappings++;
        return Visible(file);
    }

    /// <summary>Takes a process's mapping away (munmap).</summary>
    /// <exception cref="SharingException">None is there.</exception>
    public void Munmap(SharedFile file)
    {
        var data = DataOf(file);
        if (data.Mappings == 0)
            throw new SharingException(SharingError.NotMapped, file.Name, "no process has it mapped.");
        data.Mappings--;
    }

    /// <summary>Has a file show another one's memory (PMEM_CONNECT).</summary>
    /// <exception cref="SharingException">It has memory of its own or is connected, or the other has none.</exception>
    public void Connect(SharedFile file, SharedFile master)
    {
        var (data, owner) = (DataOf(file), DataOf(master));
        if (data.Piece is not null || data.Master is not null)
            throw new SharingException(SharingError.Busy, file.Name, "the file has memory already.");
        if (owner.Piece is null)
            throw new SharingException(SharingError.NotMapped, master.Name, "the file to connect to has no memory of its own.");
        data.Master = owner;
    }

    /// <summary>Shows a part of the owner's memory to the files connected to it (PMEM_MAP).</summary>
    public void Show(SharedFile master, ulong offset, ulong size)
    {
        var data = OwnerOf(master);
        if (size == 0 || (offset | size) % _host.PageSize != 0 || offset > data.Asked || size > data.Asked - offset)
            throw new SharingException(SharingError.BadSize, master.Name, $"{size} bytes from {offset} on are no whole pages of its {data.Asked}.");
        data.Shown[offset] = Math.Max(size, data.Shown.GetValueOrDefault(offset));
    }

    /// <summary>Hides a part again (PMEM_UNMAP): as it was shown.</summary>
    public void Hide(SharedFile master, ulong offset, ulong size)
    {
        var data = OwnerOf(master);
        if (data.Shown.GetValueOrDefault(offset) != size)
            throw new SharingException(SharingError.NotMapped, master.Name, $"{size} bytes from {offset} on are not shown.");
        data.Shown.Remove(offset);
    }

    /// <summary>What a file's holder sees.</summary>
    public IReadOnlyList<PhysRange> Visible(SharedFile file)
    {
        var data = DataOf(file);
        if (data.Master is not { } master)
            return data.Piece is { } own ? [new PhysRange(own.Start, data.Asked)] : [];
        var seen = new List<PhysRange>();
        if (!master.IsRevoked)
        {
            foreach (var (offset, size) in master.Shown)
                seen.Add(new PhysRange(master.Piece!.Value.Start + offset, size));
        }
        return seen;
    }

    /// <summary>The file's physical memory (PMEM_GET_PHYS): all of it, as the hardware gets it.</summary>
    /// <exception cref="SharingException">It has none, or shows another's in part only.</exception>
    public PhysRange GetPhys(SharedFile file)
    {
        var visible = Visible(file);
        if (DataOf(file).Master is { } master && (visible.Count != 1 || visible[0].Size != master.Asked))
            throw new SharingException(SharingError.NotVisible, file.Name, $"of the owner's {master.Asked} bytes {visible.Count} parts are shown.");
        return visible.Count == 1 ? visible[0] : throw new SharingException(SharingError.NotMapped, file.Name, "the file has no memory.");
    }

    /// <summary>A driver of the kernel takes a file by its descriptor (get_pmem_file): it and its memory stay until it is put.</summary>
    public SharedFile GetPmemFile(FileTable process, int descriptor)
    {
        ArgumentNullException.ThrowIfNull(process);
        var file = process[descriptor];
        GetPhys(file);
        _drivers[file.Get()] = _drivers.GetValueOrDefault(file) + 1;
        return file;
    }

    /// <summary>The driver is done with it (put_pmem_file).</summary>
    /// <exception cref="SharingException">No driver has it.</exception>
    public void PutPmemFile(SharedFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (_drivers.GetValueOrDefault(file) == 0)
            throw new SharingException(SharingError.BadHandle, file.Name, "no driver has the file.");
        if (--_drivers[file] == 0)
            _drivers.Remove(file);
        file.Put();
    }

    /// <summary>Maps a file's memory for the kernel (ioremap): cached or not, as the device says.</summary>
    public CpuMapping MapKernel(SharedFile file, string owner, MemoryUse? use = null) =>
        _host.CpuMapper.Map(_host.Cpu, BufferMemory.Of([new(GetPhys(file).Start, GetPhys(file).Size.Value)]), use ?? Use, owner);

    /// <summary>Takes it away.</summary>
    public void UnmapKernel(CpuMapping mapping) => _host.CpuMapper.Unmap(_host.Cpu, mapping);

    private void Release(PmemFile data)
    {
        data.IsRevoked = true;
        _files--;
        if (data.Piece is { } piece)
            _allocator.Free(piece);
    }

    private PmemFile OwnerOf(SharedFile file) => DataOf(file) is { Piece: not null } data
        ? data
        : throw new SharingException(SharingError.NotMapped, file.Name, "the file has no memory of its own.");

    private PmemFile DataOf(SharedFile file)
    {
        ArgumentNullException.ThrowIfNull(file);
        if (file.References == 0)
            throw new SharingException(SharingError.BadFile, file.Name, "the file was closed by everybody.");
        return file.Subject is PmemFile data && data.Device == this ? data : throw new SharingException(SharingError.BadFile, file.Name, $"it is no file of {Name}.");
    }
}
