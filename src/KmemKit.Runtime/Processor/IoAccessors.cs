using KmemKit.Architecture;

namespace KmemKit.Runtime.Processor;

/// <summary>Registers of a device by their width, at an address that ioremap or a driver's kernel gave (<c>readb</c>...<c>writeq</c>): one access each, little-endian.</summary>
/// <remarks>Source: include/asm-generic/io.h. On a simulated CPU every access is in order, so the relaxed forms are the same.</remarks>
public static class IoAccessors
{
    /// <summary>Reads 8 bits.</summary>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    public static byte Readb(this ICpuPort cpu, VirtAddr register) => unchecked((byte)Load(cpu, register, 1));

    /// <summary>Reads 16 bits.</summary>
    /// <inheritdoc cref="Readb"/>
    public static ushort Readw(this ICpuPort cpu, VirtAddr register) => unchecked((ushort)Load(cpu, register, 2));

    /// <summary>Reads 32 bits.</summary>
    /// <inheritdoc cref="Readb"/>
    public static uint Readl(this ICpuPort cpu, VirtAddr register) => unchecked((uint)Load(cpu, register, 4));

    /// <summary>Reads 64 bits.</summary>
    /// <inheritdoc cref="Readb"/>
    public static ulong Readq(this ICpuPort cpu, VirtAddr register) => Load(cpu, register, 8);

    /// <summary>Writes 8 bits.</summary>
    /// <inheritdoc cref="Readb"/>
    public static void Writeb(this ICpuPort cpu, byte value, VirtAddr register) => Store(cpu, register, 1, value);

    /// <summary>Writes 16 bits.</summary>
    /// <inheritdoc cref="Readb"/>
    public static void Writew(this ICpuPort cpu, ushort value, VirtAddr register) => Store(cpu, register, 2, value);

    /// <summary>Writes 32 bits.</summary>
    /// <inheritdoc cref="Readb"/>
    public static void Writel(this ICpuPort cpu, uint value, VirtAddr register) => Store(cpu, register, 4, value);

    /// <summary>Writes 64 bits.</summary>
    /// <inheritdoc cref="Readb"/>
    public static void Writeq(this ICpuPort cpu, ulong value, VirtAddr register) => Store(cpu, register, 8, value);

    private static ulong Load(ICpuPort cpu, VirtAddr register, int size)
    {
        System.ArgumentNullException.ThrowIfNull(cpu);
        return cpu.Load(register, size, Privilege.Privileged);
    }

    private static void Store(ICpuPort cpu, VirtAddr register, int size, ulong value)
    {
        System.ArgumentNullException.ThrowIfNull(cpu);
        cpu.Store(register, size, value, Privilege.Privileged);
    }
}
