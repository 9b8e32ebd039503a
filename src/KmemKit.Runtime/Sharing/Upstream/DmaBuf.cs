using System;
using System.Collections.Generic;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Sharing.Files;

namespace KmemKit.Runtime.Sharing.Upstream;

/// <summary>A buffer that drivers share (struct dma_buf): it lives as long as its file.</summary>
/// <remarks>
/// Allocator: the exporter's heap. Exporter: dma-buf itself. CPU mapper: vmap, or ioremap of set-aside memory. IOMMU mapper: the DMA API over the driver of the SMMU, an
/// attachment a device. Handle: the dma_buf. Reference count: the file. Source: drivers/dma-buf/dma-buf.c.
/// </remarks>
public sealed class DmaBuf
{
    private readonly SharingHost _host;
    private readonly List<DmaBufAttachment> _attachments = [];
    private readonly MemoryUse _use;
    private CpuMapping? _kernel;
    private int _kernelMaps;
    private DmaDirection? _access;

    internal DmaBuf(SharingHost host, string exporter, BufferMemory memory, MemoryUse use, Action release)
    {
        (_host, Exporter, Memory, _use) = (host, exporter, memory, use);
        Reservation = new ReservationObject($"dma-buf of {exporter}");
        File = new SharedFile($"dma-buf of {exporter}", this, () =>
        {
            if (_attachments.Count != 0 || _kernelMaps != 0)
                throw new SharingException(SharingError.Busy, File!.Name, $"the last reference goes while {_attachments.Count} devices are attached and {_kernelMaps} kernel mappings held.");
            release();
        });
    }

    /// <summary>Who allocated it (exp_name).</summary>
    public string Exporter { get; }

    /// <summary>Its memory.</summary>
    public BufferMemory Memory { get; }

    /// <summary>Its file.</summary>
    public SharedFile File { get; }

    /// <summary>Its fences (resv).</summary>
    public ReservationObject Reservation { get; }

    /// <summary>Devices that are attached.</summary>
    public int Attachments => _attachments.Count;

    /// <summary>The buffer of a descriptor (dma_buf_get): its file has one reference more, until <see cref="SharedFile.Put"/>.</summary>
    /// <exception cref="SharingException">The descriptor is none of a dma-buf.</exception>
    public static DmaBuf Get(FileTable process, int descriptor)
    {
        ArgumentNullException.ThrowIfNull(process);
        var file = process[descriptor];
        if (file.Subject is not DmaBuf buffer)
            throw new SharingException(SharingError.BadFile, process.Process, $"descriptor {descriptor} is {file.Name}, no dma-buf.");
        file.Get();
        return buffer;
    }

    /// <summary>A device says that it will use the buffer (dma_buf_attach).</summary>
    /// <exception cref="SharingException">The file is closed.</exception>
    public DmaBufAttachment Attach(DmaDevice device)
    {
        ArgumentNullException.ThrowIfNull(device);
        Alive();
        var attachment = new DmaBufAttachment(this, device);
        _attachments.Add(attachment);
        return attachment;
    }

    /// <summary>It will not any more (dma_buf_detach).</summary>
    /// <exception cref="SharingException">It is not attached, or still mapped.</exception>
    public void Detach(DmaBufAttachment attachment)
    {
        ArgumentNullException.ThrowIfNull(attachment);
        if (!_attachments.Contains(attachment))
            throw new SharingException(SharingError.NotMapped, File.Name, $"{attachment.Device} is not attached by it.");
        if (attachment.Mapping is not null)
            throw new SharingException(SharingError.Busy, File.Name, $"{attachment.Device} detaches while it has the buffer mapped.");
        _attachments.Remove(attachment);
    }

    /// <summary>The processor may look at the buffer (dma_buf_begin_cpu_access): caches are in step with what devices wrote.</summary>
    /// <param name="direction">FromDevice to read, ToDevice to write.</param>
    /// <param name="pending">What has to be signalled before: where the kernel would wait.</param>
    /// <returns>False where something is pending; nothing was done.</returns>
    /// <exception cref="SharingException">Access was begun before and not ended.</exception>
    public bool TryBeginCpuAccess(DmaDirection direction, out IReadOnlyList<DmaFence> pending)
    {
        Alive();
        if (_access is not null)
            throw new SharingException(SharingError.Busy, File.Name, "the processor's access was begun before and not ended.");
        pending = Reservation.Pending(direction == DmaDirection.FromDevice ? FenceUsage.Read : FenceUsage.Write);
        if (pending.Count != 0)
            return false;
        _access = direction;
        foreach (var attachment in _attachments)
            attachment.Mapping?.Sync(_host.Mapper, forCpu: true);
        return true;
    }

    /// <summary>It does so no more (dma_buf_end_cpu_access): devices see what it wrote.</summary>
    /// <exception cref="SharingException">Access was not begun, or in another direction.</exception>
    public void EndCpuAccess(DmaDirection direction)
    {
        if (_access != direction)
            throw new SharingException(SharingError.NotMapped, File.Name, $"the processor's access {direction} ends, and {(_access is { } begun ? begun.ToString() : "none")} was begun.");
        _access = null;
        foreach (var attachment in _attachments)
            attachment.Mapping?.Sync(_host.Mapper, forCpu: false);
    }

    /// <summary>Maps it for the kernel (dma_buf_vmap): once, however often asked for.</summary>
    public CpuMapping Vmap(string owner)
    {
        Alive();
        _kernel ??= _host.CpuMapper.Map(_host.Cpu, Memory, _use, owner);
        _kernelMaps++;
        return _kernel;
    }

    /// <summary>One mapping less (dma_buf_vunmap).</summary>
    public void Vunmap()
    {
        if (_kernelMaps == 0)
            throw new SharingException(SharingError.NotMapped, File.Name, "it is not mapped for the kernel.");
        if (--_kernelMaps != 0)
            return;
        _host.CpuMapper.Unmap(_host.Cpu, _kernel!);
        _kernel = null;
    }

    internal DeviceMapping MapFor(DmaBufAttachment attachment, DmaDirection direction)
    {
        Alive();
        if (!_attachments.Contains(attachment))
            throw new SharingException(SharingError.NotMapped, File.Name, $"{attachment.Device} was detached.");
        if (attachment.Mapping is { } known)
            throw new SharingException(SharingError.Busy, File.Name, $"{attachment.Device} has it mapped as {known.Direction} already.");
        return DeviceMapping.Map(_host.Mapper, _host.Cpu, attachment.Device, Memory, direction, File.Name);
    }

    internal void UnmapFor(DmaBufAttachment attachment, DmaDirection direction)
    {
        if (attachment.Mapping is not { } mapping || mapping.Direction != direction)
        {
            throw new SharingException(
                SharingError.NotMapped, File.Name, $"{attachment.Device} has it {(attachment.Mapping is { } other ? $"mapped as {other.Direction}, not {direction}" : "not mapped")}.");
        }
        mapping.Unmap(_host.Mapper, _host.Cpu, Memory);
    }

    private void Alive()
    {
        if (File.References == 0)
            throw new SharingException(SharingError.BadFile, File.Name, "the file was closed by everybody, and the memory is gone.");
    }
}

/// <summary>A device that uses a buffer (struct dma_buf_attachment).</summary>
public sealed class DmaBufAttachment
{
    private readonly DmaBuf _buffer;

    internal DmaBufAttachment(DmaBuf buffer, DmaDevice device) => (_buffer, Device) = (buffer, device);

    /// <summary>The device.</summary>
    public DmaDevice Device { get; }

    /// <summary>Where it sees the buffer; null while it does not.</summary>
    public DeviceMapping? Mapping { get; private set; }

    /// <summary>Gives the device the memory (dma_buf_map_attachment).</summary>
    /// <exception cref="SharingException">It has it, or cannot reach it.</exception>
    public DeviceMapping Map(DmaDirection direction) => Mapping = _buffer.MapFor(this, direction);

    /// <summary>Takes it away (dma_buf_unmap_attachment).</summary>
    /// <exception cref="SharingException">It has it not, or in another direction.</exception>
    public void Unmap(DmaDirection direction)
    {
        _buffer.UnmapFor(this, direction);
        Mapping = null;
    }
}
