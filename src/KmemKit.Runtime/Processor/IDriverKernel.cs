using KmemKit.Architecture;

namespace KmemKit.Runtime.Processor;

/// <summary>What a driver needs of the kernel it is in, with an MMU or an MPU: the same code runs on both.</summary>
/// <remarks>With an MPU all addresses are physical ones; with an MMU they are those of the kernel's address space.</remarks>
public interface IDriverKernel
{
    /// <summary>The CPU that the driver runs on.</summary>
    ICpuPort Cpu { get; }

    /// <summary>Takes memory of the kernel.</summary>
    /// <param name="bytes">At least 1.</param>
    /// <returns>Its address; null where there is none (-ENOMEM).</returns>
    VirtAddr? Alloc(ulong bytes);

    /// <summary>Gives memory of <see cref="Alloc"/> back.</summary>
    void Free(VirtAddr block);

    /// <summary>Makes the registers of a device reachable for privileged code (ioremap).</summary>
    /// <param name="registers">Physical addresses.</param>
    /// <returns>The address of the first one; null where the kernel's protection does not grant them.</returns>
    VirtAddr? MapDevice(PhysRange registers);

    /// <summary>Gives up what <see cref="MapDevice"/> made reachable (iounmap).</summary>
    void UnmapDevice(VirtAddr registers);
}
