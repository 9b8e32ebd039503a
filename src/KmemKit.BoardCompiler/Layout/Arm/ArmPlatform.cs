using System;
using KmemKit.BoardCompiler.Boards;

namespace KmemKit.BoardCompiler.Layout.Arm;

/// <summary>
/// VMALLOC_END of the platforms of Linux before 3.3, when each had its own mach/vmalloc.h. Values: mach-*/include/mach/vmalloc.h of 2.6.32 and 3.0,
/// seen in boot logs except where the comment says otherwise.
/// </summary>
internal static class ArmPlatform
{
    private static readonly (string Prefix, ulong VmallocEnd)[] VmallocEnds =
    [
        ("ti,omap1", 0xd800_0000), // source only
        ("ti,omap", 0xf800_0000),
        ("ti,am33", 0xf800_0000),
        ("ti,ti81", 0xf800_0000),
        ("nvidia,tegra", 0xf800_0000), // vendor kernels; mainline 3.0 says 0xfe000000
        ("samsung,exynos", 0xf600_0000),
        ("samsung,s5p", 0xf600_0000),
        ("fsl,imx", 0xf400_0000), // plat-mxc; Freescale's 3.0.35 says 0xf2000000
        ("marvell,kirkwood", 0xfe80_0000),
        ("hisilicon,hi35", 0xfe00_0000),
        ("rockchip,rk30", 0xfe80_0000),
        ("mediatek,mt85", 0xf800_0000),
        ("nuvoton,w55fa93", 0xe000_0000),
    ];

    /// <summary>The platform's VMALLOC_END by the board's <c>compatible</c>; null where none is known.</summary>
    public static ulong? VmallocEnd(Board board, ulong pageOffset)
    {
        foreach (var compatible in board.Compatible)
        {
            // msm 3.0 defines it relative to PAGE_OFFSET.
            if (compatible.StartsWith("qcom,msm", StringComparison.Ordinal) || compatible.StartsWith("qcom,apq", StringComparison.Ordinal))
                return pageOffset + 0x3a00_0000;
            foreach (var (prefix, end) in VmallocEnds)
            {
                if (compatible.StartsWith(prefix, StringComparison.Ordinal))
                    return end;
            }
        }
        return null;
    }
}
