using System.Collections;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Diagnostics;

/// <summary>Collects the findings of one stage in the order in which they are made.</summary>
public sealed class DiagnosticBag : IReadOnlyCollection<KmemDiagnostic>
{
    private readonly List<KmemDiagnostic> _items = [];

    /// <inheritdoc/>
    public int Count => _items.Count;

    /// <summary>Whether one of them is an error.</summary>
    public bool HasErrors { get; private set; }

    /// <summary>Adds a finding.</summary>
    public void Add(KmemDiagnostic diagnostic)
    {
        _items.Add(diagnostic);
        HasErrors |= diagnostic.Severity == DiagnosticSeverity.Error;
    }

    /// <summary>Adds a finding made from its rule.</summary>
    public void Add(DiagnosticDescriptor descriptor, SourceSpan span, params object?[] arguments) =>
        Add(KmemDiagnostic.Create(descriptor, span, arguments));

    /// <summary>Adds the findings of another stage.</summary>
    public void AddRange(IEnumerable<KmemDiagnostic> diagnostics)
    {
        foreach (var diagnostic in diagnostics)
            Add(diagnostic);
    }

    /// <summary>The findings so far.</summary>
    public ImmutableArray<KmemDiagnostic> ToImmutable() => _items.ToImmutableArray();

    /// <inheritdoc/>
    public IEnumerator<KmemDiagnostic> GetEnumerator() => _items.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
