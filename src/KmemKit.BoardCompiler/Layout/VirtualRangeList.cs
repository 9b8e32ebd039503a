using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Collects virtual ranges and reports one that the policy's constants turn backwards.</summary>
internal sealed class VirtualRangeList(DiagnosticBag diagnostics)
{
    private readonly ImmutableArray<VirtualRange>.Builder _ranges = ImmutableArray.CreateBuilder<VirtualRange>();

    public void Add(string name, ulong start, AddressLimit end, SizeUnit unit, SourceSpan span)
    {
        if (end < start)
            diagnostics.Add(DiagnosticTable.VirtualRangeBackwards, span, name, new VirtAddr(start), end);
        else
            _ranges.Add(new VirtualRange(name, VirtRange.FromBounds(new VirtAddr(start), end), unit));
    }

    public ImmutableArray<VirtualRange> ToImmutable() => _ranges.ToImmutable();
}
