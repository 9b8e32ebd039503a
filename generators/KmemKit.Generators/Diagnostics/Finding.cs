using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;
using LinePosition = Microsoft.CodeAnalysis.Text.LinePosition;

namespace KmemKit.Generators.Diagnostics;

/// <summary>A stretch of a text, as values: what the compiler needs to show a place in a file that it does not compile.</summary>
/// <param name="Path">The file's path as the compiler has it; empty for no file.</param>
/// <param name="Start">First character.</param>
/// <param name="Length">Characters.</param>
/// <param name="StartLine">Line of the first character, from 0.</param>
/// <param name="StartColumn">Column of the first character, from 0.</param>
/// <param name="EndLine">Line just behind the last character, from 0.</param>
/// <param name="EndColumn">Column just behind the last character, from 0.</param>
internal readonly record struct Place(string Path, int Start, int Length, int StartLine, int StartColumn, int EndLine, int EndColumn)
{
    public static Place Nowhere => new("", 0, 0, 0, 0, 0, 0);

    /// <param name="span">The stretch.</param>
    /// <param name="pathOf">The path the compiler has for a normalized one.</param>
    public static Place Of(SourceSpan span, Func<string, string> pathOf)
    {
        if (span.File is null)
            return Nowhere;
        var start = span.StartPosition;
        var end = span.EndPosition;
        return new Place(pathOf(span.File.Path), span.Start, span.Length, start.Line, start.Column, end.Line, end.Column);
    }

    public Location ToLocation() => Path.Length == 0
        ? Location.None
        : Location.Create(
            Path, new TextSpan(Start, Length), new LinePositionSpan(new LinePosition(StartLine, StartColumn), new LinePosition(EndLine, EndColumn)));
}

/// <summary>A second place that a finding is about.</summary>
/// <param name="Message">What is there.</param>
/// <param name="Place">Where it is.</param>
internal readonly record struct RelatedPlace(string Message, Place Place);

/// <summary>A diagnostic of the board compiler as values only, so that the pipeline can compare two of them and holds no text by them.</summary>
/// <param name="Id">Id of the rule.</param>
/// <param name="Message">The message.</param>
/// <param name="Place">Where.</param>
/// <param name="Related">Other places.</param>
internal sealed record Finding(string Id, string Message, Place Place, EquatableArray<RelatedPlace> Related)
{
    public static Finding Of(KmemDiagnostic diagnostic, Func<string, string> pathOf, Place fallback)
    {
        var place = Place.Of(diagnostic.Span, pathOf);
        return new Finding(
            diagnostic.Id, diagnostic.Message, place.Path.Length == 0 ? fallback : place,
            diagnostic.Related.Select(r => new RelatedPlace(r.Message, Place.Of(r.Span, pathOf))).ToEquatableArray());
    }

    /// <summary>A finding about a file as a whole.</summary>
    public static Finding AtStartOf(string path, KmemDiagnostic diagnostic) =>
        new(diagnostic.Id, diagnostic.Message, StartOf(path), default);

    public static Place StartOf(string path) => new(path, 0, 0, 0, 0, 0, 0);

    /// <summary>What the compiler reports. Places that it cannot show beside the first are named in the message: command lines print one place only.</summary>
    public Diagnostic ToDiagnostic()
    {
        var message = Message;
        var related = new List<Location>();
        foreach (var other in Related)
        {
            related.Add(other.Place.ToLocation());
            message += other.Place.Path.Length == 0
                ? $"; {other.Message}"
                : FormattableString.Invariant($"; {other.Message}: {other.Place.Path}({other.Place.StartLine + 1},{other.Place.StartColumn + 1})");
        }
        return Diagnostic.Create(RoslynRules.Of(Id), Place.ToLocation(), related, message);
    }
}
