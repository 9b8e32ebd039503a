using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;

namespace KmemKit.Runtime.Dma;

/// <summary>A bus master as the DMA API knows it (struct device): how far its addresses reach, and through what.</summary>
public sealed class DmaDevice
{
    /// <summary>A device that sees memory at its own addresses.</summary>
    /// <param name="name">As reports show it.</param>
    public DmaDevice(string name) => Name = name;

    /// <summary>The device of a node: <c>dma-ranges</c> of its buses, <c>dma-coherent</c> of it or a bus above.</summary>
    /// <exception cref="ArgumentException">The board has no such node.</exception>
    public static DmaDevice Of(Board board, string nodePath)
    {
        ArgumentNullException.ThrowIfNull(board);
        var node = board.Tree.Root.DescendantsAndSelf().FirstOrDefault(n => n.Path == nodePath)
            ?? throw new ArgumentException($"{board.Name} has no node {nodePath}.", nameof(nodePath));
        var isCoherent = board.Tree.Root.DescendantsAndSelf().Any(n =>
            n.Property("dma-coherent") is not null && (n.Path == node.Path || n.Path == "/" || node.Path.StartsWith(n.Path + "/", StringComparison.Ordinal)));
        return new DmaDevice(nodePath) { Windows = DmaWindow.Of(board, nodePath), IsCoherent = isCoherent };
    }

    /// <summary>As reports show it.</summary>
    public string Name { get; }

    /// <summary>dma_mask: the highest bus address it can put out for streaming mappings. 32 bits until a driver says more, as in the kernel.</summary>
    public ulong DmaMask { get; set; } = uint.MaxValue;

    /// <summary>coherent_dma_mask: the same for coherent memory.</summary>
    public ulong CoherentDmaMask { get; set; } = uint.MaxValue;

    /// <summary>Memory as its bus shows it.</summary>
    public ImmutableArray<DmaWindow> Windows { get; init; } = DmaWindow.Identity;

    /// <summary>Whether the processor's caches see its accesses (<c>dma-coherent</c>).</summary>
    public bool IsCoherent { get; init; } = true;

    /// <summary>The address space that an SMMU gives it; null for a device whose addresses are those of its bus.</summary>
    public DmaDomain? Domain { get; set; }

    /// <summary>What keeping caches in step cost so far.</summary>
    public CacheMaintenance Caches { get; } = new();

    /// <summary>Sets both masks (dma_set_mask_and_coherent).</summary>
    /// <param name="bits">1 to 64.</param>
    public void SetMaskAndCoherent(int bits) => DmaMask = CoherentDmaMask = BitMask(bits);

    /// <summary>DMA_BIT_MASK(n).</summary>
    /// <param name="bits">1 to 64.</param>
    public static ulong BitMask(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 64);
        return ulong.MaxValue >> (64 - bits);
    }

    /// <summary>Where the device sees physical memory without an SMMU (phys_to_dma); false where it does not, or not all of it.</summary>
    public bool TryToBus(PhysAddr address, ulong size, ulong mask, out BusAddr bus)
    {
        foreach (var window in Windows)
        {
            if (!window.Memory.Contains(address) || window.Memory.End.SizeFrom(address.Value) < size)
                continue;
            bus = window.ToBus(address);
            // The window may reach beyond 2^64 of the bus only by wrapping, which no mask allows.
            return size - 1 <= mask && bus.Value <= mask - (size - 1);
        }
        bus = default;
        return false;
    }

    /// <summary>What physical memory a bus address is without an SMMU (dma_to_phys).</summary>
    public bool TryToPhys(BusAddr bus, ulong size, out PhysAddr address)
    {
        foreach (var window in Windows)
        {
            if (!window.Contains(bus))
                continue;
            address = window.ToPhys(bus);
            return window.Memory.End.SizeFrom(address.Value) >= size;
        }
        address = default;
        return false;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
