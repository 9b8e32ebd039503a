using KmemKit.Architecture;

namespace KmemKit.Runtime.Uclinux;

/// <summary>A physical allocator of a system without MMU: what it hands out is contiguous and stays where it is.</summary>
/// <remarks>Not thread-safe, like its model, which runs with interrupts off on one CPU.</remarks>
public interface IUclinuxAllocator
{
    /// <summary>The name in reports.</summary>
    string Name { get; }

    /// <summary>The frames it works on.</summary>
    FramePool Pool { get; }

    /// <summary>Takes a block of at least <paramref name="bytes"/> bytes.</summary>
    /// <returns>Its first address; null where no block fits (ENOMEM).</returns>
    /// <exception cref="System.ArgumentOutOfRangeException"><paramref name="bytes"/> is 0.</exception>
    PhysAddr? Alloc(ulong bytes);

    /// <summary>Gives a block back.</summary>
    /// <exception cref="UclinuxFreeException">It is no block that is out: nothing is changed.</exception>
    void Free(PhysAddr block);

    /// <summary>Bytes that a block really has.</summary>
    /// <exception cref="UclinuxFreeException">It is no block that is out.</exception>
    ulong SizeOf(PhysAddr block);

    /// <summary>Bytes that a request takes: what rounding makes of it; 2^64-1 where that is more than 64 bits hold.</summary>
    ulong RoundedSize(ulong bytes);
}
