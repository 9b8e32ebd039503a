using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Collects virtual ranges and reports one that the policy's constants turn backwards.</summary>
internal sealed class VirtualRangeList(DiagnosticBag diagnostics)
{
    private readonly ImmutableArray<VirtualRange>.Builder _ranges = ImmutableArray.CreateBuilder<VirtualRange>();

    public void Add(string name, ulong start, AddressLimit end, SizeUnit unit, SourceSpan span, LineForm form = LineForm.Bounds)
    {
        if (end < start)
            diagnostics.Add(DiagnosticTable.Layout.VirtualRangeBackwards, span, name, new VirtAddr(start), end);
        else
            _ranges.Add(new VirtualRange(name, VirtRange.FromBounds(new VirtAddr(start), end), unit) { Form = form });
    }

    /// <summary>Adds the sections of the kernel image that the policy gives, in the order of <paramref name="names"/>.</summary>
    public void AddSections(Policy policy, SizeUnit unit, params string[] names)
    {
        foreach (var name in names)
        {
            foreach (var section in policy.KernelSections)
            {
                if (section.Name == name)
                    Add(name, section.Range.Start.Value, section.Range.End, unit, default);
            }
        }
    }

    /// <summary>The ranges in the order added; two that overlap are reported. Sections of the kernel image lie inside other ranges by nature.</summary>
    public ImmutableArray<VirtualRange> ToImmutable()
    {
        for (var i = 0; i < _ranges.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var (left, right) = (_ranges[j], _ranges[i]);
                if (left.Name[0] != '.' && right.Name[0] != '.' && left.Range.Overlaps(right.Range))
                    diagnostics.Add(DiagnosticTable.Layout.VirtualRangesOverlap, default, left.Name, left.Range, right.Name, right.Range);
            }
        }
        return _ranges.ToImmutable();
    }
}
