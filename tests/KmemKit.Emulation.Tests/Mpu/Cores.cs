using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.Architecture.Mpu.Pmsav7;
using KmemKit.Architecture.Mpu.Pmsav8;
using KmemKit.Emulation.Tests.Machines;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>The cores that QEMU has with a memory protection unit, and where on their machines there is memory, or nothing.</summary>
public static class Cores
{
    private const ulong Top = 0x1_0000_0000;

    /// <summary>Memory maps: hw/arm/mps2.c, hw/arm/mps2-tz.c, hw/riscv/virt.c; <c>info mtree -f</c>. Devices are in neither list.</summary>
    public static ImmutableArray<ProbedCore> All { get; } =
    [
        Psram(QemuMachine.Mps2An385, 0x2100_0000, [Range(0x2400_0000, 0x4000_0000), Range(0x6000_0000, 0xe000_0000), Range(0xe010_0000, Top)]),
        Psram(QemuMachine.Mps2An386, 0x2100_0000, [Range(0x2400_0000, 0x4000_0000), Range(0x6000_0000, 0xe000_0000), Range(0xe010_0000, Top)]),
        Psram(QemuMachine.Mps2An500, 0x6000_0000, [Range(0x2400_0000, 0x4000_0000), Range(0x6100_0000, 0xa000_0000), Range(0xa000_1000, 0xe000_0000), Range(0xe010_0000, Top)]),
        // Secure state, in which these cores start: with the SAU off every address is Secure (ARM DDI 0553 B8.3), and MPU_S decides.
        new ArmMCore
        {
            Machine = QemuMachine.Mps2An505, Format = Pmsav8Format.PmsaV8M, Regions = 16, Window = Range(0x3800_0000, 0x3820_0000), Image = Range(0x3820_0000, 0x3840_0000),
            Memory = [Range(0x1000_0000, 0x1040_0000), Range(0x3000_0000, 0x3000_8000), Range(0x3800_0000, 0x3840_0000), Range(0x8000_0000, 0x8100_0000)],
            Void = [Range(0x6000_0000, 0x8000_0000), Range(0x8100_0000, 0xe000_0000), Range(0xe020_0000, Top)],
        },
        new ArmMCore
        {
            Machine = QemuMachine.Mps3An547, Format = Pmsav8Format.PmsaV8M, Regions = 16, Window = Range(0x3100_0000, 0x3120_0000), Image = Range(0x3128_0000, 0x3140_0000),
            Memory = [Range(0x1000_0000, 0x1008_0000), Range(0x3000_0000, 0x3008_0000), Range(0x3100_0000, 0x3140_0000)], Void = [Range(0x3900_0000, 0x4000_0000), Range(0xe020_0000, Top)],
        },
        new ArmRCore
        {
            Machine = QemuMachine.CortexR5, Format = Pmsav7Format.PmsaV7R, Regions = 16, Window = Range(0x2000_0000, 0x2080_0000), Image = Range(0x1000_0000, 0x1800_0000),
            Memory = [Range(0, 0x4000_0000)], Void = [Range(0x4000_0000, Top)],
        },
        Virt(QemuMachine.VirtRv32, PmpFormat.Rv32), Virt(QemuMachine.VirtRv64, PmpFormat.Rv64),
    ];

    private static ArmMCore Psram(QemuMachine machine, ulong psram, ImmutableArray<PhysRange> nothing) => new()
    {
        Machine = machine, Format = Pmsav7Format.PmsaV7M, Regions = 8, Window = Range(psram, psram + 0x80_0000), Image = Range(psram + 0x80_0000, psram + 0x100_0000),
        Memory = [Range(0, 0x40_0000), Range(0x2000_0000, 0x2040_0000), Range(psram, psram + 0x100_0000)], Void = nothing,
    };

    private static PmpCore Virt(QemuMachine machine, PmpFormat format) => new()
    {
        Machine = machine, Format = format, Regions = 16, Window = Range(0x8200_0000, 0x8280_0000), Image = Range(0x8400_0000, 0x8800_0000), Memory = [Range(0x8000_0000, 0x8800_0000)],
    };

    private static PhysRange Range(ulong start, ulong end) => PhysRange.FromBounds(new PhysAddr(start), end == Top ? AddressLimit.FromUInt64(Top) : end);
}
