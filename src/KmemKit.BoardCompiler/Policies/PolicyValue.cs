using System;
using System.Globalization;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Policy;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>The value of a policy key after the check of its type and range; which member counts follows from the key's type.</summary>
internal readonly record struct PolicyValue(SourceSpan Span)
{
    public bool Flag { get; init; }

    public ulong Number { get; init; }

    public LinuxVersion Version { get; init; }

    public VirtRange Range { get; init; }

    public string Text { get; init; } = "";

    /// <summary>The value as the key's type; null after a finding.</summary>
    public static PolicyValue? Read(PolicyKey key, KconfigAssignment assignment, DiagnosticBag diagnostics)
    {
        var text = assignment.Value ?? "";
        var value = new PolicyValue(assignment.Span);
        switch (key.Type)
        {
            case PolicyValueType.Flag:
                if (!assignment.IsQuoted && text is "y" or "n")
                    return value with { Flag = text == "y" };
                return Bad("y or n");
            case PolicyValueType.Address or PolicyValueType.Size or PolicyValueType.Number:
                if (assignment.IsQuoted || !TryReadNumber(text, out var number))
                    return Bad("a number, decimal or 0x and hexadecimal, of up to 64 bits");
                if (!key.Allowed.IsEmpty ? !key.Allowed.Contains(number) : number < key.Minimum || number > key.Maximum)
                {
                    diagnostics.Add(Rules.ValueOutOfRange, assignment.ValueSpan, key.Name, text, RangeText(key));
                    return null;
                }
                return value with { Number = number };
            case PolicyValueType.Version:
                return LinuxVersion.TryParse(text, out var version)
                    ? value with { Version = version }
                    : Bad("a kernel version such as \"3.4\" or \"2.6.36\"");
            case PolicyValueType.Range:
                return TryReadRange(text, out var range) ? value with { Range = range } : Bad("two addresses \"0xstart-0xend\", the end above the start");
            default:
                return value with { Text = text };
        }

        PolicyValue? Bad(string wanted)
        {
            diagnostics.Add(Rules.BadValue, assignment.ValueSpan, key.Name, text, wanted);
            return null;
        }
    }

    /// <summary>Decimal or hexadecimal, as Kconfig's int and hex take it; no sign, no suffix, no more than 64 bits.</summary>
    public static bool TryReadNumber(string text, out ulong number)
    {
        var isHex = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        var digits = isHex ? text.Substring(2) : text;
        return isHex
            ? ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out number)
            : ulong.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static bool TryReadRange(string text, out VirtRange range)
    {
        range = default;
        var dash = text.IndexOf('-');
        if (dash < 0 || !TryReadNumber(text.Substring(0, dash).Trim(), out var start) || !TryReadNumber(text.Substring(dash + 1).Trim(), out var end) || end <= start)
            return false;
        range = VirtRange.FromBounds(new VirtAddr(start), end);
        return true;
    }

    private static string RangeText(PolicyKey key)
    {
        if (!key.Allowed.IsEmpty)
            return "one of " + string.Join(", ", key.Allowed);
        return key.Maximum == ulong.MaxValue ? "at least " + key.Minimum : key.Minimum + " to " + key.Maximum;
    }
}
