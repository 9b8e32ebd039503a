using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Policy;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>Rules on a policy that depend on the architecture, which may come from the tree.</summary>
internal static class PolicyChecks
{
    private const ulong FourGiB = 1UL << 32;
    private const ulong TwoMiB = 2UL << 20;

    public static void Check(Policy policy, TargetArchitecture architecture, DiagnosticBag diagnostics)
    {
        if (architecture is TargetArchitecture.Arm or TargetArchitecture.X86 or TargetArchitecture.RiscV32)
        {
            Below4GiB("CONFIG_PAGE_OFFSET", policy.PageOffset?.Value.Value, policy.PageOffset?.Span, diagnostics);
            Below4GiB("CONFIG_VMALLOC_END", policy.VmallocEnd?.Value.Value, policy.VmallocEnd?.Span, diagnostics);
            Below4GiB("CONFIG_FIXADDR_START", policy.FixaddrStart?.Value.Value, policy.FixaddrStart?.Span, diagnostics);
            Below4GiB("CONFIG_FIXADDR_TOP", policy.FixaddrTop?.Value.Value, policy.FixaddrTop?.Span, diagnostics);
            Below4GiB("CONFIG_PKMAP_BASE", policy.PkmapBase?.Value.Value, policy.PkmapBase?.Span, diagnostics);
        }
        if (architecture == TargetArchitecture.Arm)
        {
            // The kernel maps itself with pairs of 1 MiB sections (arch/arm/kernel/head.S; PMD_SIZE of both page table formats). Without an MMU nothing is mapped.
            if (policy.Mmu is not { Value: false } && policy.PageOffset is { } page && !page.Value.IsAligned(TwoMiB))
                diagnostics.Add(Rules.ArchitectureRefuses, page.Span, "CONFIG_PAGE_OFFSET", page.Value, "a multiple of 2 MiB (0x200000) on 32-bit Arm");
        }
        if (architecture == TargetArchitecture.Arm64)
            CheckArm64(policy, diagnostics);
    }

    // Which sizes go together: arch/arm64/Kconfig, "Virtual address space size".
    private static void CheckArm64(Policy policy, DiagnosticBag diagnostics)
    {
        if (policy.VaBits is not { } bits)
            return;
        var pages = policy.PageGeometry?.Value ?? PageGeometry.FourKiB;
        var fits = bits.Value switch
        {
            36 or 47 => pages == PageGeometry.SixteenKiB,
            39 => pages == PageGeometry.FourKiB,
            42 => pages == PageGeometry.SixtyFourKiB,
            _ => true,
        };
        if (fits)
            return;
        var pageSpan = policy.PageGeometry?.Span ?? default;
        diagnostics.Add(KmemDiagnostic
            .Create(Rules.VaBitsWithPageSize, bits.Span, bits.Value, pages, pageSpan.IsKnown ? pageSpan.ToString() : "the default")
            .WithRelated("the page size is chosen here", pageSpan));
    }

    private static void Below4GiB(string key, ulong? value, SourceSpan? span, DiagnosticBag diagnostics)
    {
        if (value is { } address && address >= FourGiB)
            diagnostics.Add(Rules.ArchitectureRefuses, span ?? default, key, new VirtAddr(address), "below 4 GiB on a 32-bit architecture");
    }
}
