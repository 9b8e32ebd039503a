using System.Collections.Generic;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

// A blob of a million broken names must not make a million messages: of each rule the first 64 findings are told in full, the rest is counted in
// one last finding. Nothing is dropped unsaid.
internal sealed class FindingLimiter
{
    private const int Limit = 64;

    private readonly DiagnosticBag _diagnostics;
    private Dictionary<DiagnosticDescriptor, (int Count, SourceSpan FirstSkipped)>? _counts;

    internal FindingLimiter(DiagnosticBag diagnostics) => _diagnostics = diagnostics;

    internal bool HasErrors { get; private set; }

    /// <summary>Whether one more finding of the rule is told in full; asked before its message is made.</summary>
    internal bool Wants(DiagnosticDescriptor rule) => _counts is null || !_counts.TryGetValue(rule, out var entry) || entry.Count < Limit;

    internal void Add(DiagnosticDescriptor rule, SourceSpan span, params object?[] arguments) =>
        Add(KmemDiagnostic.Create(rule, span, arguments));

    internal void Add(KmemDiagnostic diagnostic)
    {
        Count(diagnostic.Descriptor, diagnostic.Span);
        _diagnostics.Add(diagnostic);
    }

    /// <summary>Counts a finding that is not told.</summary>
    internal void Skip(DiagnosticDescriptor rule, SourceSpan span = default) => Count(rule, span);

    /// <summary>Adds the counts of what was not told.</summary>
    internal void Finish()
    {
        if (_counts is null)
            return;
        foreach (var rule in DiagnosticTable.Blob.Rules)
        {
            if (_counts.TryGetValue(rule, out var entry) && entry.Count > Limit)
                _diagnostics.Add(new KmemDiagnostic(rule, entry.FirstSkipped, $"{entry.Count - Limit} more findings of this rule are not listed"));
        }
        _counts = null;
    }

    private void Count(DiagnosticDescriptor rule, SourceSpan span)
    {
        HasErrors |= rule.DefaultSeverity == DiagnosticSeverity.Error;
        _counts ??= [];
        _counts.TryGetValue(rule, out var entry);
        _counts[rule] = (entry.Count + 1, entry.Count == Limit ? span : entry.FirstSkipped);
    }
}
