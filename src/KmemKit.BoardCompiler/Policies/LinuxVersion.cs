using System;
using System.Globalization;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>The kernel whose layout rules apply: <c>3.4</c>, <c>2.6.36</c>, <c>6.9</c>. Missing parts count as 0.</summary>
/// <param name="Major">First number.</param>
/// <param name="Minor">Second number.</param>
/// <param name="Patch">Third number, or 0.</param>
public readonly record struct LinuxVersion(int Major, int Minor, int Patch = 0) : IComparable<LinuxVersion>
{
    /// <summary>Reads <c>major.minor</c> or <c>major.minor.patch</c>; what follows the numbers, as in <c>3.4.0-perf</c>, is ignored.</summary>
    public static bool TryParse(string? text, out LinuxVersion version)
    {
        version = default;
        if (text is null)
            return false;
        var end = 0;
        while (end < text.Length && (text[end] is '.' or (>= '0' and <= '9')))
            end++;
        var parts = text.Substring(0, end).TrimEnd('.').Split('.');
        if (parts.Length is < 2 or > 4)
            return false;
        var numbers = new int[3];
        for (var i = 0; i < Math.Min(parts.Length, 3); i++)
        {
            if (!int.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out numbers[i]))
                return false;
        }
        version = new LinuxVersion(numbers[0], numbers[1], numbers[2]);
        return true;
    }

    /// <inheritdoc/>
    public int CompareTo(LinuxVersion other) =>
        (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    /// <summary>Order of release.</summary>
    public static bool operator <(LinuxVersion left, LinuxVersion right) => left.CompareTo(right) < 0;

    /// <summary>Order of release.</summary>
    public static bool operator <=(LinuxVersion left, LinuxVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Order of release.</summary>
    public static bool operator >(LinuxVersion left, LinuxVersion right) => left.CompareTo(right) > 0;

    /// <summary>Order of release.</summary>
    public static bool operator >=(LinuxVersion left, LinuxVersion right) => left.CompareTo(right) >= 0;

    /// <summary><c>3.4</c>; with the third number where it is not 0: <c>2.6.36</c>.</summary>
    public override string ToString() =>
        Patch == 0 ? FormattableString.Invariant($"{Major}.{Minor}") : FormattableString.Invariant($"{Major}.{Minor}.{Patch}");
}
