using System;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu;

namespace KmemKit.Runtime.Dma.Ports;

/// <summary>A master without an SMMU: its addresses are those of its bus, which shows memory through <see cref="DmaDevice.Windows"/> and nothing else.</summary>
/// <remarks>
/// The port has as many address lines as the hardware has, which a driver's mask should say but may not: an address that does not fit loses its upper bits
/// on the way, as on the wires, and the access lands where the lower ones say.
/// </remarks>
public sealed class BusPort : IDmaPort
{
    private readonly PhysicalMemory _memory;
    private readonly DmaDevice _device;
    private readonly ulong _lines;

    /// <summary>A device's port.</summary>
    /// <param name="memory">RAM and devices.</param>
    /// <param name="device">Whose bus it is on.</param>
    /// <param name="addressBits">Address lines, 1 to 64.</param>
    public BusPort(PhysicalMemory memory, DmaDevice device, int addressBits = 64)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(device);
        (_memory, _device, _lines) = (memory, device, DmaDevice.BitMask(addressBits));
    }

    /// <inheritdoc/>
    public SmmuOutcome Read(BusAddr address, Span<byte> destination, out int done)
    {
        var outcome = Transfer(address, destination, isWrite: false, out done);
        // What was not read is 0.
        destination[done..].Clear();
        return outcome;
    }

    /// <inheritdoc/>
    public SmmuOutcome Write(BusAddr address, ReadOnlySpan<byte> source, out int done) =>
        Transfer(address, MemoryMarshal.CreateSpan(ref MemoryMarshal.GetReference(source), source.Length), isWrite: true, out done);

    // In bursts that cross no 4 KiB, as AXI has them (Arm IHI 0022, A3.4.1): a window's edge is seen at a page.
    private SmmuOutcome Transfer(BusAddr address, Span<byte> bytes, bool isWrite, out int done)
    {
        done = 0;
        if (bytes.Length > 0 && (ulong)bytes.Length - 1 > ulong.MaxValue - address.Value)
            return SmmuOutcome.Abort;
        while (done < bytes.Length)
        {
            var at = new BusAddr((address.Value + (ulong)done) & _lines);
            var part = bytes[done..Math.Min(bytes.Length, done + (int)(0x1000 - (at.Value & 0xFFF)))];
            if (!_device.TryToPhys(at, (ulong)part.Length, out var phys) || BusAccess.Transfer(_memory, phys, part, isWrite) != SmmuOutcome.Translated)
                return SmmuOutcome.Abort;
            done += part.Length;
        }
        return SmmuOutcome.Translated;
    }
}
