using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.BoardCompiler.Tests.Linear;

/// <summary>Maps with the numbers of the literature.</summary>
internal static class Maps
{
    /// <summary>1 GiB at 0x80000000, 608 MiB of it lowmem.</summary>
    public static LinearMap OneBank { get; } = new(
        [new LinearSegment(new PhysAddr(0x80000000), new VirtAddr(0xc0000000), 0x26000000)],
        [new PhysRange(new PhysAddr(0x80000000), 0x26000000)]);

    /// <summary>
    /// msm8974 with CONFIG_DONT_MAP_HOLE_AFTER_MEMBANK0: RAM 91 MiB at 0, 24 MiB at 93 MiB, the rest from 288 MiB; the hole 0x7500000-0x12000000 is
    /// not mapped and RAM behind it goes on at 0xc7600000, one MiB after the hole's start (2 MiB alignment of the sections).
    /// </summary>
    public static LinearMap HoleSkipped { get; } = new(
        [
            new LinearSegment(new PhysAddr(0), new VirtAddr(0xc0000000), 0x7500000),
            new LinearSegment(new PhysAddr(0x12000000), new VirtAddr(0xc7600000), 0x1ea00000),
        ],
        [
            new PhysRange(new PhysAddr(0), 0x5b00000),
            new PhysRange(new PhysAddr(0x5d00000), 0x1800000),
            new PhysRange(new PhysAddr(0x12000000), 0x1ea00000),
        ]);
}
