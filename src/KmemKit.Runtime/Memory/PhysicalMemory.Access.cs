using System;
using System.Globalization;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memory;

public sealed unsafe partial class PhysicalMemory
{
    /// <summary>Reads 1 byte.</summary>
    /// <exception cref="BusFaultException">Neither RAM nor a device answers there.</exception>
    public byte ReadByte(PhysAddr address) => Load<byte>(address);

    /// <summary>Reads 2 bytes, from any alignment.</summary>
    /// <exception cref="BusFaultException">Neither RAM nor one device has them all.</exception>
    public ushort ReadUInt16(PhysAddr address) => Load<ushort>(address);

    /// <summary>Reads 4 bytes, from any alignment.</summary>
    /// <exception cref="BusFaultException">Neither RAM nor one device has them all.</exception>
    public uint ReadUInt32(PhysAddr address) => Load<uint>(address);

    /// <summary>Reads 8 bytes, from any alignment.</summary>
    /// <exception cref="BusFaultException">Neither RAM nor one device has them all.</exception>
    public ulong ReadUInt64(PhysAddr address) => Load<ulong>(address);

    /// <summary>Writes 1 byte.</summary>
    /// <exception cref="BusFaultException">Neither RAM nor a device answers there.</exception>
    public void WriteByte(PhysAddr address, byte value) => Store(address, value);

    /// <summary>Writes 2 bytes, to any alignment.</summary>
    /// <exception cref="BusFaultException">Neither RAM nor one device has them all; nothing is written.</exception>
    public void WriteUInt16(PhysAddr address, ushort value) => Store(address, value);

    /// <summary>Writes 4 bytes, to any alignment.</summary>
    /// <exception cref="BusFaultException">Neither RAM nor one device has them all; nothing is written.</exception>
    public void WriteUInt32(PhysAddr address, uint value) => Store(address, value);

    /// <summary>Writes 8 bytes, to any alignment.</summary>
    /// <exception cref="BusFaultException">Neither RAM nor one device has them all; nothing is written.</exception>
    public void WriteUInt64(PhysAddr address, ulong value) => Store(address, value);

    /// <summary>Copies RAM out.</summary>
    /// <exception cref="BusFaultException">Not all of it is RAM in a row; nothing is copied.</exception>
    public void Read(PhysAddr address, Span<byte> destination)
    {
        new ReadOnlySpan<byte>(Contiguous(address, (uint)destination.Length, isWrite: false), destination.Length).CopyTo(destination);
        GC.KeepAlive(this);
    }

    /// <summary>Copies into RAM.</summary>
    /// <exception cref="BusFaultException">Not all of it is RAM in a row; nothing is copied.</exception>
    public void Write(PhysAddr address, ReadOnlySpan<byte> source)
    {
        source.CopyTo(new Span<byte>(Contiguous(address, (uint)source.Length, isWrite: true), source.Length));
        GC.KeepAlive(this);
    }

    /// <summary>Sets <paramref name="length"/> bytes of RAM to <paramref name="value"/>.</summary>
    /// <exception cref="BusFaultException">Not all of it is RAM in a row; nothing is written.</exception>
    public void Fill(PhysAddr address, ulong length, byte value)
    {
        var start = Contiguous(address, length, isWrite: true);
        // A span has at most 2^31-1 bytes.
        const uint step = 1u << 30;
        for (var done = 0UL; done < length; done += step)
            new Span<byte>(start + done, (int)Math.Min(step, length - done)).Fill(value);
        GC.KeepAlive(this);
    }

    /// <summary>Sets <paramref name="length"/> bytes of RAM to 0; on a Linux host, long stretches nobody touched stay untouched and cost nothing.</summary>
    /// <exception cref="BusFaultException">Not all of it is RAM in a row; nothing is written.</exception>
    public void Clear(PhysAddr address, ulong length)
    {
        HostMapping.Zero(Contiguous(address, length, isWrite: true), length, IsShared);
        GC.KeepAlive(this);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private T Load<T>(PhysAddr address)
        where T : unmanaged
    {
        var offset = unchecked(address.Value - _mainStart);
        if (offset >= _mainGuard)
            return LoadElsewhere<T>(address);
        var value = Unsafe.ReadUnaligned<T>(_mainHost + offset);
        GC.KeepAlive(this);
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Store<T>(PhysAddr address, T value)
        where T : unmanaged
    {
        var offset = unchecked(address.Value - _mainStart);
        if (offset >= _mainGuard)
        {
            StoreElsewhere(address, value);
            return;
        }
        Unsafe.WriteUnaligned(_mainHost + offset, value);
        GC.KeepAlive(this);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T LoadElsewhere<T>(PhysAddr address)
        where T : unmanaged
    {
        var pointer = Find(address, (uint)sizeof(T));
        if (pointer is not null)
        {
            var value = Unsafe.ReadUnaligned<T>(pointer);
            GC.KeepAlive(this);
            return value;
        }
        var device = DeviceAt(address, sizeof(T), isWrite: false, out var offset);
        // Truncation is the point: the device's answer is defined in its low bytes only.
        var answer = device.Read(offset, sizeof(T));
        return Unsafe.As<ulong, T>(ref answer);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void StoreElsewhere<T>(PhysAddr address, T value)
        where T : unmanaged
    {
        var pointer = Find(address, (uint)sizeof(T));
        if (pointer is not null)
        {
            Unsafe.WriteUnaligned(pointer, value);
            GC.KeepAlive(this);
            return;
        }
        var device = DeviceAt(address, sizeof(T), isWrite: true, out var offset);
        var wide = 0UL;
        Unsafe.As<ulong, T>(ref wide) = value;
        device.Write(offset, sizeof(T), wide);
    }

    /// <summary>Reads 1 to 8 bytes of a device.</summary>
    /// <exception cref="BusFaultException">No device has them all.</exception>
    internal ulong ReadDevice(PhysAddr address, int size)
    {
        var device = DeviceAt(address, size, isWrite: false, out var offset);
        return device.Read(offset, size);
    }

    /// <summary>Writes 1 to 8 bytes of a device.</summary>
    /// <exception cref="BusFaultException">No device has them all.</exception>
    internal void WriteDevice(PhysAddr address, int size, ulong value)
    {
        var device = DeviceAt(address, size, isWrite: true, out var offset);
        device.Write(offset, size, value);
    }

    private IBusDevice DeviceAt(PhysAddr address, int size, bool isWrite, out ulong offset)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        var resource = Iomem.FindDevice(address);
        if (resource is null || resource.Range.End.SizeFrom(address.Value) < (ulong)size)
            throw Fault(address, (uint)size, isWrite);
        offset = address.Value - resource.Range.Start.Value;
        return resource.Device!;
    }

    private byte* Contiguous(PhysAddr address, ulong length, bool isWrite)
    {
        if (length == 0)
            return null;
        var pointer = PointerElsewhere(address, length);
        return pointer is not null ? pointer : throw Fault(address, length, isWrite);
    }

    private BusFaultException Fault(PhysAddr address, ulong length, bool isWrite)
    {
        var access = $"{(isWrite ? "Write" : "Read")} of {length.ToString(CultureInfo.InvariantCulture)} bytes at {address}: ";
        if (length - 1 > ulong.MaxValue - address.Value)
            return new BusFaultException(BusFaultKind.BeyondTop, address, length, access + "it reaches beyond the 64-bit address space.");
        foreach (var range in Ram)
        {
            if (range.Contains(address))
                return new BusFaultException(BusFaultKind.Straddle, address, length, access + $"RAM ends at {range.End}.");
        }
        if (Iomem.FindDevice(address) is { } resource)
        {
            return new BusFaultException(
                BusFaultKind.Straddle, address, length, access + $"the region of {resource.Name} ends at {resource.Range.End}, or is no RAM.");
        }
        return new BusFaultException(BusFaultKind.Hole, address, length, access + "nothing answers there. " + Surroundings(address));
    }

    private string Surroundings(PhysAddr address)
    {
        foreach (var hole in _holes)
        {
            if (hole.Range.Contains(address))
                return $"It is in the hole {hole.Range} ({hole.Kind}).";
        }
        PhysRange? below = null, above = null;
        foreach (var range in Ram)
        {
            if (range.Start > address)
            {
                above = range;
                break;
            }
            below = range;
        }
        return (below, above) switch
        {
            ({ } low, { } high) => $"It is between RAM {low} and {high}.",
            ({ } low, null) => $"It is above RAM {low}.",
            (null, { } high) => $"It is below RAM {high}.",
            _ => "The board has no RAM.",
        };
    }
}
