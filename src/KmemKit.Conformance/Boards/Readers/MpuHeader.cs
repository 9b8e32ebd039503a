using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text.RegularExpressions;

namespace KmemKit.Conformance.Boards.Readers;

/// <summary>A register of the unit as a header has it.</summary>
/// <param name="Region">Number of the region, with its space where the unit has several; empty for a register that regions share.</param>
/// <param name="Name">The register's name, in upper case.</param>
/// <param name="Value">Its value.</param>
internal readonly record struct HeaderRegister(string Region, string Name, ulong Value);

/// <summary>The register tables of a C header for a protection unit: those that no switch changes, and by domain those that a switch writes.</summary>
internal sealed partial class MpuHeader
{
    private MpuHeader(CDefines defines, ImmutableArray<HeaderRegister> whole, ImmutableArray<ImmutableArray<HeaderRegister>> states) => (Defines, Fixed, States) = (defines, whole, states);

    /// <summary>Its macros.</summary>
    public CDefines Defines { get; }

    /// <summary>Registers that no switch changes.</summary>
    public ImmutableArray<HeaderRegister> Fixed { get; }

    /// <summary>By domain, the first being none, registers that a switch writes.</summary>
    public ImmutableArray<ImmutableArray<HeaderRegister>> States { get; }

    /// <summary>Reads a header.</summary>
    /// <exception cref="FormatException">A row of a table is none.</exception>
    public static MpuHeader Read(string text)
    {
        string[] fields = [.. Field().Matches(text).Select(m => m.Groups[1].Value)];
        var (whole, states) = (ImmutableArray.CreateBuilder<HeaderRegister>(), ImmutableArray.CreateBuilder<ImmutableArray<HeaderRegister>>());
        ImmutableArray<HeaderRegister>.Builder? into = null;
        var region = "";
        foreach (var (number, line) in ReadText.Lines(text))
        {
            if (Table().Match(line) is { Success: true } table)
            {
                into = table.Groups[1].Value == "fixed" ? whole : null;
                region = "";
            }
            else if (State().IsMatch(line))
            {
                if (into is not null && into != whole)
                    throw new FormatException($"Line {number}: a state in a state.");
                into = ImmutableArray.CreateBuilder<HeaderRegister>();
                region = "";
            }
            else if (StateEnd().IsMatch(line) && into is not null && into != whole)
            {
                states.Add(into.ToImmutable());
                into = null;
            }
            else if (line == "};")
            {
                into = null;
            }
            else if (into is not null && line.Trim() is not "{")
            {
                Row(into, line, number, fields, ref region);
            }
        }
        return new MpuHeader(CDefines.Read(text), whole.ToImmutable(), states.ToImmutable());
    }

    /// <summary>What the whole unit holds while a domain runs.</summary>
    public IEnumerable<HeaderRegister> RegistersOf(int domain) => Fixed.Concat(domain < States.Length ? States[domain] : []);

    // { number, value, value }, or one value with the register's name behind it, of the region that was named last.
    private static void Row(ImmutableArray<HeaderRegister>.Builder into, string line, int number, string[] fields, ref string region)
    {
        if (Slot().Match(line) is { Success: true } slot)
        {
            var values = slot.Groups[1].Value.Split(',').Select(v => ReadText.Number(v.Trim().TrimEnd('u', 'l'))).ToList();
            if (values.Count != fields.Length)
                throw new FormatException($"Line {number}: {values.Count} values for {fields.Length} fields.");
            for (var i = 1; i < fields.Length; i++)
                into.Add(new HeaderRegister($"{values[0]}", fields[i].ToUpperInvariant(), values[i]));
            return;
        }
        if (Word().Match(line) is not { Success: true } word)
            throw new FormatException($"Line {number}: \"{line.Trim()}\" is no row.");
        if (word.Groups["region"].Success)
            region = word.Groups["region"].Value;
        var name = word.Groups["name"].Value.ToUpperInvariant();
        into.Add(new HeaderRegister(IsShared(name) ? "" : region, name, ReadText.Number(word.Groups["value"].Value)));
    }

    // ARM946E-S: enables, cacheability, rights of all regions. RISC-V: pmpcfg.
    private static bool IsShared(string name) => name.StartsWith("C2_", StringComparison.Ordinal) || name.StartsWith("C3", StringComparison.Ordinal) || name.StartsWith("C5_", StringComparison.Ordinal)
        || name.StartsWith("PMPCFG", StringComparison.Ordinal) || name.StartsWith("MAIR", StringComparison.Ordinal);

    [GeneratedRegex(@"^    uint(?:32|64)_t (\w+);\r?$", RegexOptions.Multiline)]
    private static partial Regex Field();

    [GeneratedRegex(@"^static const [^=]*_(fixed|states)\[.*=$")]
    private static partial Regex Table();

    [GeneratedRegex(@"^    \{ /\* .* \*/$")]
    private static partial Regex State();

    [GeneratedRegex(@"^    \},?$")]
    private static partial Regex StateEnd();

    [GeneratedRegex(@"^\s*\{ ([^}]*) \},? /\*")]
    private static partial Regex Slot();

    [GeneratedRegex(@"^\s*(?<value>0x[0-9a-f]+)u(?:ll)?,? /\* (?:(?<region>\d+(?: \w+)?), .*; )?(?<name>\w+) \*/$")]
    private static partial Regex Word();
}
