using System;
using System.ComponentModel;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace KmemKit.Conformance.Rules;

/// <summary>What a fact says, put into words only where it does not hold: a rule looks at a hundred thousand facts, and an interpolated string for each would take longer than all of them.</summary>
/// <remarks>
/// The compiler makes one of an interpolated string that is given to <see cref="Proof.Expect"/>: its holes are then evaluated for a fact that does not hold, and for no other.
/// Any other string converts to one.
/// </remarks>
[InterpolatedStringHandler]
public ref struct FactText
{
    private readonly string? _said;
    private DefaultInterpolatedStringHandler _text;

    /// <summary>For an interpolated string; the compiler calls it.</summary>
    /// <param name="literalLength">Characters outside of its holes.</param>
    /// <param name="formattedCount">Its holes.</param>
    /// <param name="holds">Whether the fact holds: then nothing is put into words.</param>
    /// <param name="isAsked">Whether the holes are to be evaluated.</param>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public FactText(int literalLength, int formattedCount, bool holds, out bool isAsked)
    {
        isAsked = !holds;
        _said = holds ? "" : null;
        _text = holds ? default : new DefaultInterpolatedStringHandler(literalLength, formattedCount, CultureInfo.InvariantCulture);
    }

    private FactText(string said) => _said = said;

    /// <summary>Words that are there already.</summary>
    public static implicit operator FactText(string said) => new(said);

    /// <summary>Text between holes.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    /// <summary>A hole.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    /// <summary>A hole with a format.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void AppendFormatted<T>(T value, string? format) => _text.AppendFormatted(value, format);

    /// <summary>A hole with characters.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public void AppendFormatted(ReadOnlySpan<char> value) => _text.AppendFormatted(value);

    /// <summary>The words; empty where the fact holds.</summary>
    internal string Take() => _said ?? _text.ToStringAndClear();
}
