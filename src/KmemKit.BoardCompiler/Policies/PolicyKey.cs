using System;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>How the value of a policy key is written.</summary>
public enum PolicyValueType
{
    /// <summary><c>y</c> or <c>n</c>.</summary>
    Flag,

    /// <summary>An address in bytes, <c>0x…</c> or decimal.</summary>
    Address,

    /// <summary>A size in bytes, <c>0x…</c> or decimal.</summary>
    Size,

    /// <summary>A count or an exponent, decimal or <c>0x…</c>.</summary>
    Number,

    /// <summary>A kernel version, <c>"3.4"</c>.</summary>
    Version,

    /// <summary>A range of addresses, <c>"0xstart-0xend"</c>, the end not included.</summary>
    Range,

    /// <summary>Any text, <c>"..."</c>.</summary>
    Text,
}

/// <summary>One key of the policy vocabulary: what <c>kmem</c>'s help prints, did-you-mean looks in, and the reader parses by.</summary>
public sealed class PolicyKey
{
    internal PolicyKey(string name, PolicyValueType type, string meaning, string? choice = null)
    {
        Name = name;
        Type = type;
        Meaning = meaning;
        Choice = choice;
    }

    /// <summary>The key with its <c>CONFIG_</c>.</summary>
    public string Name { get; }

    /// <summary>How its value is written.</summary>
    public PolicyValueType Type { get; }

    /// <summary>What it decides, in a line.</summary>
    public string Meaning { get; }

    /// <summary>The set of keys of which at most one may be <c>y</c>; null where the key stands alone.</summary>
    public string? Choice { get; }

    /// <summary>Smallest value of an address, size or number.</summary>
    public ulong Minimum { get; internal init; }

    /// <summary>Largest value of an address, size or number.</summary>
    public ulong Maximum { get; internal init; } = ulong.MaxValue;

    /// <summary>The only values of a number; empty where the range says it all.</summary>
    public System.Collections.Immutable.ImmutableArray<ulong> Allowed { get; internal init; } =
        System.Collections.Immutable.ImmutableArray<ulong>.Empty;

    // Puts the value into the policy. Null for keys that only mean something together with others (choices and their like), which PolicyReader resolves.
    internal Func<Policy, PolicyValue, Policy>? Apply { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
