using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>The words that every writer of a plan uses.</summary>
internal static class MpuText
{
    public static string Hex(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    public static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);

    public static string Of(MpuSpace space) => space switch
    {
        MpuSpace.Data => "data",
        MpuSpace.Instruction => "instruction",
        _ => "unified",
    };

    public static string Of(PmpMode mode) => mode switch
    {
        PmpMode.Tor => "tor",
        PmpMode.Na4 => "na4",
        PmpMode.Napot => "napot",
        _ => "off",
    };

    /// <summary>As <c>memory-type</c> of the protection node writes it; <c>none</c> where nothing is said.</summary>
    public static string Of(MpuMemoryType type) => type switch
    {
        MpuMemoryType.StronglyOrdered => "strongly-ordered",
        MpuMemoryType.Device => "device",
        MpuMemoryType.NormalNonCacheable => "normal-nc",
        MpuMemoryType.NormalWriteThrough => "normal-wt",
        MpuMemoryType.NormalWriteBack => "normal-wb",
        MpuMemoryType.NormalWriteBackWriteAllocate => "normal-wbwa",
        _ => "none",
    };

    /// <summary>A region's own registers, and of a PMP the byte that is its own in a shared one.</summary>
    public static IEnumerable<MpuRegister> RegistersOf(MpuRegion region, MpuFormat format, MpuRegisterFile registers)
    {
        foreach (var register in registers.Regions.First(r => r.Space == region.Space && r.Number == region.Number).Values)
            yield return register;
        if (format is PmpFormat pmp)
        {
            var value = registers[pmp.ConfigurationOf(region.Number)] >> pmp.ConfigurationShift(region.Number) & 0xff;
            yield return new MpuRegister("pmp" + Number(region.Number) + "cfg", value);
        }
    }
}
