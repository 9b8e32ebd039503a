using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Harness.Observation;

/// <summary>Bytes in a row of which each changed.</summary>
/// <param name="Start">The first.</param>
/// <param name="Before">What was there.</param>
/// <param name="After">What is there.</param>
public sealed record MemoryChange(PhysAddr Start, ImmutableArray<byte> Before, ImmutableArray<byte> After)
{
    private const int MostShown = 16;

    /// <summary>Where.</summary>
    public PhysRange Range => new(Start, (ulong)Before.Length);

    /// <summary>Such as <c>0x80001000: 00 00 -&gt; 12 34</c>; of long ones the first bytes.</summary>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Start}: {Shown(Before)} -> {Shown(After)}{(Before.Length > MostShown ? $" ({Before.Length} bytes)" : "")}");

    private static string Shown(ImmutableArray<byte> bytes)
    {
        var text = new StringBuilder(3 * MostShown);
        foreach (var value in bytes.Take(MostShown))
            text.Append(text.Length == 0 ? "" : " ").Append(value.ToString("x2", CultureInfo.InvariantCulture));
        return text.ToString();
    }
}
