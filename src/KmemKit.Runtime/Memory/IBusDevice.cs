namespace KmemKit.Runtime.Memory;

/// <summary>A simulated device behind a stretch of physical addresses that was claimed with <see cref="PhysicalMemory.RequestMemRegion"/>.</summary>
/// <remarks>It is called on the thread that makes the access, and from several threads at once if they do.</remarks>
public interface IBusDevice
{
    /// <summary>The CPU reads.</summary>
    /// <param name="offset">Bytes from the start of the claimed region.</param>
    /// <param name="size">1 to 8 bytes, all of them in the region.</param>
    /// <returns>The value in the low <paramref name="size"/> bytes; what is above is ignored.</returns>
    ulong Read(ulong offset, int size);

    /// <summary>The CPU writes.</summary>
    /// <param name="offset">Bytes from the start of the claimed region.</param>
    /// <param name="size">1 to 8 bytes, all of them in the region.</param>
    /// <param name="value">The value in the low <paramref name="size"/> bytes; above it is 0.</param>
    void Write(ulong offset, int size, ulong value);
}
