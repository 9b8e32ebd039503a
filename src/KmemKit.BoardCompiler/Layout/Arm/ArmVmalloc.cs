using System;
using System.Collections.Generic;
using System.Globalization;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.Arm;

/// <summary>vmalloc_min of 32-bit Arm: what <c>vmalloc=N</c>, or its absence, promises to vmalloc.</summary>
/// <remarks>
/// Source: arch/arm/mm/mmu.c, early_vmalloc. The promise is not the size of the area: VMALLOC_START is computed from high_memory later, and up to
/// 5.13 the guard of 8 MiB comes out of N, so that <c>vmalloc=400M</c> prints 392 MB.
/// </remarks>
internal static class ArmVmalloc
{
    private const ulong Minimum = 16UL << 20;
    private const ulong LowmemMinimum = 32UL << 20;
    private const ulong OldDefault = 128UL << 20;
    private const ulong Default = 240UL << 20;

    public static ulong VmallocMin(
        Policy policy, ArmRules rules, ulong vmallocEnd, ulong pageOffset, DiagnosticBag diagnostics, List<string> messages)
    {
        var offset = rules.Vmalloc == VmallocRule.OffsetAlways ? ArmRules.VmallocOffset : 0;
        if (policy.Bootargs.Vmalloc is not { } request)
        {
            var reserve = policy.VmallocReserve?.Value ?? (rules.Vmalloc == VmallocRule.Reserve ? OldDefault : Default);
            var guard = rules.Vmalloc == VmallocRule.Reserve ? 0 : ArmRules.VmallocOffset;
            var most = vmallocEnd - pageOffset;
            return vmallocEnd - Math.Min(Math.Min(reserve, most) + guard, most);
        }
        var size = request.Value;
        var maximum = vmallocEnd - (pageOffset + LowmemMinimum + offset);
        var asked = "0x" + size.ToString("x", CultureInfo.InvariantCulture);
        if (size < Minimum)
        {
            size = Minimum;
            var verb = rules.Vmalloc == VmallocRule.OffsetAlways ? "is too small" : "too small";
            var text = $"vmalloc area {verb}, limiting to {size >> 20}{rules.MegabyteWord}";
            messages.Add(text);
            diagnostics.Add(DiagnosticTable.Layout.VmallocTooSmall, request.Span, text, asked);
        }
        if (size > maximum)
        {
            size = maximum;
            var text = $"vmalloc area is too big, limiting to {size >> 20}{rules.MegabyteWord}";
            messages.Add(text);
            diagnostics.Add(DiagnosticTable.Layout.VmallocTooBig, request.Span, text, asked);
        }
        return vmallocEnd - size - offset;
    }
}
