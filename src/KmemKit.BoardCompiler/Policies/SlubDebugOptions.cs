using System;
using System.Collections.Generic;
using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>Options for the caches that a list names.</summary>
/// <param name="Flags">The options.</param>
/// <param name="Patterns">Names; what stands in front of a <c>*</c> is compared, and what follows it is not.</param>
public sealed record SlubDebugBlock(SlubDebugFlags Flags, ImmutableArray<string> Patterns)
{
    /// <summary>Whether a cache is on the list.</summary>
    public bool Matches(string cache)
    {
        foreach (var pattern in Patterns)
        {
            var star = pattern.IndexOf('*');
            if (star < 0 ? string.Equals(pattern, cache, StringComparison.Ordinal) : string.CompareOrdinal(pattern, 0, cache, 0, star) == 0)
                return true;
        }
        return false;
    }
}

/// <summary>What is wrong with a <c>slub_debug=</c>.</summary>
public enum SlubDebugIssueKind
{
    /// <summary>A letter that means nothing; the kernel prints it and skips it.</summary>
    UnknownLetter,

    /// <summary>Text behind a <c>*</c>, which the kernel does not compare.</summary>
    TextBehindStar,

    /// <summary>A list with a name of no characters: the kernel compares it, and it matches nothing.</summary>
    EmptyName,
}

/// <summary>A finding in a <c>slub_debug=</c>.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The letter or the name; empty for <see cref="SlubDebugIssueKind.EmptyName"/>.</param>
/// <param name="Start">Where it starts in the value, in characters.</param>
public readonly record struct SlubDebugIssue(SlubDebugIssueKind Kind, string Text, int Start);

/// <summary>A value of <c>slub_debug=</c>, taken apart: <c>&lt;letters&gt;[,&lt;name&gt;...][;&lt;letters&gt;...]</c>.</summary>
/// <remarks>
/// <para>Letters are F Z P U T A O and -, in either case. A block without names is for all caches; the last such block counts. A block that is only names
/// means <c>FZPU</c> for them. Of the blocks with names the first that lists a cache decides alone about it. As in the kernel, blocks with names leave
/// all other caches to CONFIG_SLUB_DEBUG_ON.</para>
/// <para>Source: mm/slub.c, setup_slub_debug, parse_slub_debug_flags and kmem_cache_flags; several blocks since 5.8.</para>
/// </remarks>
public sealed record SlubDebugOptions
{
    private SlubDebugOptions()
    {
    }

    /// <summary>The value as written; empty for the bare word.</summary>
    public string Text { get; private init; } = "";

    /// <summary>What holds for caches that no block names; null where that is not said.</summary>
    public SlubDebugFlags? ForAll { get; private init; }

    /// <summary><c>O</c>: options that make objects larger stay off for a cache whose slabs they would make larger.</summary>
    public bool NoHigherOrders { get; private init; }

    /// <summary>Blocks with names, in order.</summary>
    public ImmutableArray<SlubDebugBlock> Blocks { get; private init; } = ImmutableArray<SlubDebugBlock>.Empty;

    /// <summary>Takes a value apart.</summary>
    /// <param name="value">Behind the <c>=</c>; empty for the bare word, which means <c>FZPU</c> for all caches.</param>
    /// <param name="issues">What is wrong with it, by rising place; the rest counts, as in the kernel.</param>
    public static SlubDebugOptions Parse(string value, out ImmutableArray<SlubDebugIssue> issues)
    {
        var found = ImmutableArray.CreateBuilder<SlubDebugIssue>();
        var blocks = ImmutableArray.CreateBuilder<SlubDebugBlock>();
        SlubDebugFlags? all = value.Length == 0 ? SlubDebugFlags.Default : null;
        var noHigherOrders = false;
        for (var at = 0; at < value.Length;)
        {
            var end = value.IndexOf(';', at);
            end = end < 0 ? value.Length : end;
            if (end > at)
            {
                var comma = value.IndexOf(',', at, end - at);
                var letters = comma < 0 ? end : comma;
                var flags = letters == at ? SlubDebugFlags.Default : ReadLetters(value, at, letters, ref noHigherOrders, found);
                if (comma < 0)
                    all = flags;
                else
                    blocks.Add(new SlubDebugBlock(flags, ReadNames(value, comma + 1, end, found)));
            }
            at = end + 1;
        }
        issues = found.ToImmutable();
        return new SlubDebugOptions { Text = value, ForAll = all, NoHigherOrders = noHigherOrders, Blocks = blocks.ToImmutable() };
    }

    /// <summary>The options of a cache.</summary>
    /// <param name="cache">Its name.</param>
    /// <param name="builtIn">What holds without <c>slub_debug=</c>: <see cref="SlubDebugFlags.Default"/> with CONFIG_SLUB_DEBUG_ON, else nothing.</param>
    public SlubDebugFlags FlagsFor(string cache, SlubDebugFlags builtIn)
    {
        foreach (var block in Blocks)
        {
            if (block.Matches(cache))
                return block.Flags;
        }
        return ForAll ?? builtIn;
    }

    private static SlubDebugFlags ReadLetters(
        string value, int start, int end, ref bool noHigherOrders, ImmutableArray<SlubDebugIssue>.Builder issues)
    {
        var flags = SlubDebugFlags.None;
        for (var at = start; at < end; at++)
        {
            switch (value[at])
            {
                case '-':
                    flags = SlubDebugFlags.None;
                    break;
                case 'F' or 'f':
                    flags |= SlubDebugFlags.ConsistencyChecks;
                    break;
                case 'Z' or 'z':
                    flags |= SlubDebugFlags.RedZone;
                    break;
                case 'P' or 'p':
                    flags |= SlubDebugFlags.Poison;
                    break;
                case 'U' or 'u':
                    flags |= SlubDebugFlags.StoreUser;
                    break;
                case 'T' or 't':
                    flags |= SlubDebugFlags.Trace;
                    break;
                case 'A' or 'a':
                    flags |= SlubDebugFlags.FailSlab;
                    break;
                case 'O' or 'o':
                    noHigherOrders = true;
                    break;
                default:
                    issues.Add(new SlubDebugIssue(SlubDebugIssueKind.UnknownLetter, value.Substring(at, 1), at));
                    break;
            }
        }
        return flags;
    }

    private static ImmutableArray<string> ReadNames(string value, int start, int end, ImmutableArray<SlubDebugIssue>.Builder issues)
    {
        var names = new List<string>();
        for (var at = start; at <= end;)
        {
            var comma = at < end ? value.IndexOf(',', at, end - at) : -1;
            var stop = comma < 0 ? end : comma;
            var name = value.Substring(at, stop - at);
            var star = name.IndexOf('*');
            if (name.Length == 0)
                issues.Add(new SlubDebugIssue(SlubDebugIssueKind.EmptyName, "", at));
            else
                names.Add(name);
            if (star >= 0 && star < name.Length - 1)
                issues.Add(new SlubDebugIssue(SlubDebugIssueKind.TextBehindStar, name, at));
            at = stop + 1;
        }
        return names.ToImmutableArray();
    }
}
