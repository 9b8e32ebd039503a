using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Dma;

namespace KmemKit.Runtime.Sharing.Vcm;

/// <summary>The virtual contiguous memory manager of msm (Documentation/vcm.txt): physical memory, device addresses and bindings of one to the other, each a thing of its own.</summary>
/// <remarks>
/// <para>Allocator: genalloc over a set-aside range (vcm_phys_alloc), and genalloc over a device's addresses (vcm_reserve). Exporter: ioctl, a buffer's number given to another
/// context. Handle: the context (<see cref="VcmContext"/>). Reference count: the buffer's (vcm_buff), of contexts and bindings. CPU mapper: ioremap.
/// IOMMU mapper: the driver of the SMMU; without one, addresses are one to one with memory.</para>
/// </remarks>
public sealed class VcmDevice
{
    private readonly Dictionary<int, VcmBuffer> _buffers = [];
    private int _nextNumber = 1;

    /// <summary>A manager over set-aside memory.</summary>
    /// <param name="host">The board.</param>
    /// <param name="name">For errors.</param>
    /// <param name="memory">Set aside from the kernel's.</param>
    public VcmDevice(SharingHost host, string name, PhysRange memory)
    {
        ArgumentNullException.ThrowIfNull(host);
        (Host, Name) = (host, name);
        Physical = new GenPool(name, memory, host.Cpu.Allocator.Map.Pages.PageShift);
    }

    /// <summary>The board.</summary>
    public SharingHost Host { get; }

    /// <summary>For errors.</summary>
    public string Name { get; }

    /// <summary>Its memory.</summary>
    public GenPool Physical { get; }

    /// <summary>Buffers that live.</summary>
    public int BufferCount => _buffers.Count;

    /// <summary>A process opens the device.</summary>
    public VcmContext Open(string client) => new(this, client);

    internal VcmBuffer NewBuffer(ulong size, ulong alignment)
    {
        var bytes = Host.RoundUp(size, Name);
        // Behind an SMMU any chunks do: first one piece, and where the range is in fragments, page by page.
        var pieces = new List<DmaPiece>();
        if (Physical.TryAllocate(bytes, alignment, out var row))
        {
            pieces.Add(new DmaPiece(row, bytes));
        }
        else if (bytes <= Physical.Available && alignment <= Host.PageSize)
        {
            for (var done = 0UL; done < bytes; done += Host.PageSize)
            {
                Physical.TryAllocate(Host.PageSize, 1, out var page);
                pieces.Add(new DmaPiece(page, Host.PageSize));
            }
        }
        else
        {
            throw new SharingException(SharingError.NoMemory, Name, $"{bytes} bytes aligned to {alignment} are asked for, and {Physical.Available} are free.");
        }
        var buffer = new VcmBuffer(this, _nextNumber++, pieces);
        buffer.Memory.Clear(Host.Memory);
        _buffers.Add(buffer.Number, buffer);
        return buffer;
    }

    internal VcmBuffer Find(int number, string client) => _buffers.TryGetValue(number, out var buffer)
        ? buffer
        : throw new SharingException(SharingError.BadHandle, client, $"buffer {number} of {Name} was never given, or is gone.");

    internal void Release(VcmBuffer buffer)
    {
        _buffers.Remove(buffer.Number);
        foreach (var piece in buffer.Taken)
            Physical.Free(piece.Address, piece.Size);
    }
}

/// <summary>A buffer of a <see cref="VcmDevice"/> (struct vcm_buff): lives as long as contexts know it or bindings use it.</summary>
public sealed class VcmBuffer
{
    private readonly VcmDevice _device;

    internal VcmBuffer(VcmDevice device, int number, List<DmaPiece> taken)
    {
        (_device, Number, Taken) = (device, number, taken);
        Memory = BufferMemory.Of([.. taken]);
    }

    /// <summary>What contexts give to each other.</summary>
    public int Number { get; }

    /// <summary>Its memory.</summary>
    public BufferMemory Memory { get; }

    /// <summary>References.</summary>
    public int References { get; private set; }

    // As the pool gave it: pieces that follow each other are given back one by one.
    internal List<DmaPiece> Taken { get; }

    internal void Get() => References++;

    internal void Put()
    {
        if (--References == 0)
            _device.Release(this);
    }
}

/// <summary>A process's, or driver's, view of the device (vcm_context): the buffers it knows.</summary>
public sealed class VcmContext : IDisposable
{
    private readonly VcmDevice _device;
    private readonly Dictionary<int, VcmBuffer> _known = [];
    private readonly Dictionary<(int Buffer, VcmSpace Space), (VcmReservation Reservation, BusAddr Address)> _bindings = [];

    internal VcmContext(VcmDevice device, string client) => (_device, Client) = (device, client);

    /// <summary>Whose it is.</summary>
    public string Client { get; }

    /// <summary>Buffers it knows.</summary>
    public int Count => _known.Count;

    /// <summary>Allocates a buffer (VCM_IOCTL_ALLOC).</summary>
    /// <param name="size">Bytes, rounded up to pages.</param>
    /// <param name="alignment">A power of two.</param>
    /// <returns>Its number.</returns>
    public int Allocate(ulong size, ulong alignment = 1)
    {
        var buffer = _device.NewBuffer(size, alignment);
        buffer.Get();
        _known.Add(buffer.Number, buffer);
        return buffer.Number;
    }

    /// <summary>Gets to know a buffer by the number that another context gave (VCM_IOCTL_IMPORT).</summary>
    public void Import(int number)
    {
        var buffer = _device.Find(number, Client);
        if (!_known.TryAdd(number, buffer))
            throw new SharingException(SharingError.Busy, Client, $"buffer {number} is known already.");
        buffer.Get();
    }

    /// <summary>A buffer it knows.</summary>
    /// <exception cref="SharingException">It does not know it.</exception>
    public VcmBuffer this[int number] => _known.TryGetValue(number, out var buffer)
        ? buffer
        : throw new SharingException(SharingError.BadHandle, Client, $"buffer {number} is not known here, or was freed.");

    /// <summary>Gives a buffer up (VCM_IOCTL_FREE); others who know it keep it.</summary>
    /// <exception cref="SharingException">It is not known, or bound.</exception>
    public void Free(int number)
    {
        var buffer = this[number];
        foreach (var (bound, space) in _bindings.Keys)
        {
            if (bound == number)
                throw new SharingException(SharingError.Busy, Client, $"buffer {number} is bound in {space.Name}: take that away first.");
        }
        _known.Remove(number);
        buffer.Put();
    }

    /// <summary>Gives a device a buffer: reserves addresses of its space and backs them (vcm_reserve, vcm_back, vcm_activate).</summary>
    /// <returns>Where the device sees it.</returns>
    public BusAddr Bind(int number, VcmSpace space, DmaDirection direction)
    {
        ArgumentNullException.ThrowIfNull(space);
        var buffer = this[number];
        if (_bindings.ContainsKey((number, space)))
            throw new SharingException(SharingError.Busy, Client, $"buffer {number} is bound in {space.Name} already.");
        var reservation = space.Reserve(buffer, Client);
        BusAddr address;
        try
        {
            address = space.Back(reservation, buffer, direction, Client);
        }
        catch
        {
            space.Unreserve(reservation);
            throw;
        }
        _bindings.Add((number, space), (reservation, address));
        buffer.Get();
        return address;
    }

    /// <summary>Takes it away from the device (vcm_unback, vcm_unreserve).</summary>
    /// <exception cref="SharingException">It is not bound there.</exception>
    public void Unbind(int number, VcmSpace space)
    {
        ArgumentNullException.ThrowIfNull(space);
        var buffer = this[number];
        if (!_bindings.Remove((number, space), out var binding))
            throw new SharingException(SharingError.NotMapped, Client, $"buffer {number} is not bound in {space.Name}.");
        space.Unback(binding.Reservation, buffer);
        space.Unreserve(binding.Reservation);
        buffer.Put();
    }

    /// <summary>Maps a buffer for the kernel.</summary>
    public CpuMapping MapKernel(int number, MemoryUse use) => _device.Host.CpuMapper.Map(_device.Host.Cpu, this[number].Memory, use, Client);

    /// <summary>Takes it away.</summary>
    public void UnmapKernel(CpuMapping mapping) => _device.Host.CpuMapper.Unmap(_device.Host.Cpu, mapping);

    /// <summary>Closes the context: bindings and buffers go.</summary>
    public void Dispose()
    {
        foreach (var (number, space) in new List<(int, VcmSpace)>(_bindings.Keys))
            Unbind(number, space);
        foreach (var number in new List<int>(_known.Keys))
            Free(number);
    }
}
