using System.Globalization;
using System.Text;

namespace KmemKit.Conformance.Rules;

/// <summary>One place at which a rule does not hold.</summary>
/// <param name="Subject">What is tested: the board, the allocator.</param>
/// <param name="Rule">Id of the rule.</param>
/// <param name="Address">The address; null where the fault has none.</param>
/// <param name="Place"><c>file:line</c> of the source that says what is expected; empty where none does.</param>
/// <param name="Expected">What the rule wants.</param>
/// <param name="Found">What is there.</param>
public sealed record Finding(string Subject, string Rule, ulong? Address, string Place, string Expected, string Found)
{
    /// <summary>One line: subject, rule, address in hex, source line, expected, found.</summary>
    public override string ToString()
    {
        var text = new StringBuilder($"{Subject}: {Rule}");
        if (Address is { } address)
            text.Append(CultureInfo.InvariantCulture, $" at 0x{address:x8}");
        if (Place.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $" ({Place})");
        return text.Append(CultureInfo.InvariantCulture, $": expected {Expected}, found {Found}").ToString();
    }
}
