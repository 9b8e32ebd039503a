using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Toolchains;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Smmu;

/// <summary>QEMU's virt machine with an SMMUv3 in front of its PCI Express bus, and four "edu" devices on it.</summary>
/// <remarks>
/// edu takes 100 ms of virtual time for a transfer: with an instruction counted as 2^10 ns that is some 10^5 instructions of waiting, a millisecond of ours. Its dma_mask is opened to
/// 64 bits. Slots 1 to 3 of bus 0, and behind a root port whose secondary bus the firmware makes 0x41.
/// </remarks>
public static class SmmuMachine
{
    private const string Edu = "edu,dma_mask=0xffffffffffffffff,";

    /// <summary>StreamID of each device: its requester id, by the board's iommu-map.</summary>
    public static ImmutableArray<uint> Streams { get; } = [0x8, 0x10, 0x18, 0x4100];

    /// <summary>The machine.</summary>
    public static QemuMachine Machine { get; } = new("virt-smmuv3", "qemu-system-aarch64", "qemu-system-arm", Toolchain.AArch64, 0x4008_0000,
    [
        "-M", "virt,iommu=smmuv3", "-cpu", "cortex-a53", "-m", "1024", "-icount", "shift=10,sleep=off", "-device", Edu + "addr=1.0", "-device", Edu + "addr=2.0", "-device", Edu + "addr=3.0",
        "-device", "pcie-root-port,id=rp,bus=pcie.0,addr=4.0,chassis=1,slot=1", "-device", Edu + "bus=rp",
    ]);

    /// <summary>Runs rounds on it.</summary>
    /// <param name="script">Rounds.</param>
    /// <param name="images">What is in memory.</param>
    public static (uint[] Id, DmaOutcome[][] Outcomes, Dictionary<ulong, ulong> Written) Run(SmmuScript script, IEnumerable<MemoryImage> images)
    {
        Machine.Require();
        var firmware = Firmware.Build(Machine.Toolchain, Machine.LinkAddress, ["Smmu/smmu.c"], [string.Create(CultureInfo.InvariantCulture, $"SCRIPT_ADDRESS=0x{SmmuScript.Address:x}UL")]);
        var end = Emulator.Run(Machine, firmware, [new MemoryImage(SmmuScript.Address, script.ToBytes()), .. images], TimeSpan.FromSeconds(120));
        Assert.That(end.ExitCode, Is.Zero, end.Console);
        return script.Read(end.Results);
    }
}
