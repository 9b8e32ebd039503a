using System;
using System.Collections.Immutable;
using System.Globalization;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Diagnostics;

/// <summary>A second place that a diagnostic is about, such as the other one of two overlapping regions.</summary>
/// <param name="Message">What is there.</param>
/// <param name="Span">Where it is.</param>
public sealed record RelatedLocation(string Message, SourceSpan Span);

/// <summary>One finding about a board: what, where, and what to do.</summary>
/// <param name="Descriptor">The rule.</param>
/// <param name="Span">The place in the source.</param>
/// <param name="Message">The rule's message with this case's names and ranges in it.</param>
public sealed record KmemDiagnostic(DiagnosticDescriptor Descriptor, SourceSpan Span, string Message)
{
    /// <summary>The other places concerned.</summary>
    public ImmutableArray<RelatedLocation> Related { get; init; } = ImmutableArray<RelatedLocation>.Empty;

    /// <summary>The rule's id.</summary>
    public string Id => Descriptor.Id;

    /// <summary>The rule's severity.</summary>
    public DiagnosticSeverity Severity => Descriptor.DefaultSeverity;

    /// <summary>Fills the rule's message in.</summary>
    public static KmemDiagnostic Create(DiagnosticDescriptor descriptor, SourceSpan span, params object?[] arguments)
    {
        if (descriptor is null)
            throw new ArgumentNullException(nameof(descriptor));
        return new KmemDiagnostic(descriptor, span, string.Format(CultureInfo.InvariantCulture, descriptor.MessageFormat, arguments));
    }

    /// <summary>The same finding with one more place.</summary>
    public KmemDiagnostic WithRelated(string message, SourceSpan span) =>
        this with { Related = Related.Add(new RelatedLocation(message, span)) };

    /// <summary><c>file(line,col): error KMK3001: text</c>, the form that MSBuild and editors make clickable.</summary>
    public override string ToString()
    {
        var severity = Severity switch
        {
            DiagnosticSeverity.Error => "error",
            DiagnosticSeverity.Warning => "warning",
            _ => "info",
        };
        return Span.IsKnown ? $"{Span}: {severity} {Id}: {Message}" : $"kmem: {severity} {Id}: {Message}";
    }
}
