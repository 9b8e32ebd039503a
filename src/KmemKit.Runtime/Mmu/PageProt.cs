using System;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Mmu;

/// <summary>Attributes encoded once for every size of leaf (<c>pgprot_t</c>), so that mapping is an OR of the address.</summary>
/// <remarks>Made by <see cref="PageTables{TFormat}.Prot"/>; it belongs to that format with those parameters.</remarks>
public sealed class PageProt
{
    internal const int MaxShapes = 16;

    // By number of the format's shape; 0 where there is no encoding: no leaf is all zeroes.
    private Templates _templates;

    internal PageProt(in PageAttributes attributes, string format, in TableAttributes table, ulong limits, ulong largestLeaf)
    {
        Attributes = attributes;
        Format = format;
        Table = table;
        Limits = limits;
        LargestLeaf = largestLeaf;
    }

    /// <summary>What it says.</summary>
    public PageAttributes Attributes { get; }

    /// <summary>No leaf that is made has more bytes than this.</summary>
    public ulong LargestLeaf { get; }

    internal string Format { get; }

    /// <summary>What the tables above a page have to say.</summary>
    internal TableAttributes Table { get; }

    /// <summary>And what they hand down when they do.</summary>
    internal ulong Limits { get; }

    /// <summary>The smallest page's template.</summary>
    internal ulong Page => _templates[0];

    internal ulong this[int shape]
    {
        get => _templates[shape];
        set => _templates[shape] = value;
    }

    [InlineArray(MaxShapes)]
    private struct Templates
    {
        private ulong _first;
    }
}
