using System;
using System.Numerics;

namespace KmemKit.Runtime.Tlb;

/// <summary>How large a processor's main TLB is and how it is organised.</summary>
/// <remarks>
/// One unified, set-associative array is modelled, the one that a core's micro TLBs are filled from (the L2 or main TLB). Which way of a full set is replaced goes
/// round; the manuals leave the rule open (round robin or pseudo-random on Arm, pseudo-LRU on x86).
/// </remarks>
public sealed record TlbProfile
{
    /// <summary>A TLB.</summary>
    /// <param name="name">The processor.</param>
    /// <param name="entries">Translations it holds: <paramref name="ways"/> times a power of two, 65536 at most.</param>
    /// <param name="ways">Places that one address can be in: 1 for direct-mapped, <paramref name="entries"/> for fully associative.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is 0 or too large, or the number of sets is not a power of two.</exception>
    public TlbProfile(string name, int entries, int ways)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(ways, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(entries, ways);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(entries, 65536);
        if (entries % ways != 0 || !BitOperations.IsPow2(entries / ways))
            throw new ArgumentOutOfRangeException(nameof(entries), entries, $"{entries} entries in {ways} ways make no power of two of sets.");
        Name = name;
        Entries = entries;
        Ways = ways;
    }

    /// <summary>The processor.</summary>
    public string Name { get; }

    /// <summary>Translations it holds.</summary>
    public int Entries { get; }

    /// <summary>Places that one address can be in.</summary>
    public int Ways { get; }

    /// <summary>Sets; a power of two.</summary>
    public int Sets => Entries / Ways;

    /// <summary>Cortex-A7: 256 entries, 2-way (DDI 0464F, 5.2.3).</summary>
    public static TlbProfile CortexA7 { get; } = new("cortex-a7", 256, 2);

    /// <summary>Cortex-A9: 128 entries, 2-way, the larger of its two configurations (DDI 0388I, 6.3).</summary>
    public static TlbProfile CortexA9 { get; } = new("cortex-a9", 128, 2);

    /// <summary>Cortex-A15: 512 entries, 4-way (DDI 0438I, 5.2.3).</summary>
    public static TlbProfile CortexA15 { get; } = new("cortex-a15", 512, 4);

    /// <summary>Cortex-A53: 512 entries, 4-way (DDI 0500J, 5.2.2).</summary>
    public static TlbProfile CortexA53 { get; } = new("cortex-a53", 512, 4);

    /// <summary>Cortex-A72: 1024 entries, 4-way (100095, 5.2.3).</summary>
    public static TlbProfile CortexA72 { get; } = new("cortex-a72", 1024, 4);

    /// <summary>Pentium Pro to III: 64 entries for data, 4-way (Intel SDM volume 2, CPUID leaf 2, descriptor 03h).</summary>
    public static TlbProfile PentiumPro { get; } = new("pentium-pro", 64, 4);

    /// <summary>Haswell: 1024 entries, 8-way (Intel optimization manual, table 2-12).</summary>
    public static TlbProfile Haswell { get; } = new("haswell", 1024, 8);

    /// <summary>Skylake: 1536 entries, 12-way (Intel optimization manual, table 2-5).</summary>
    public static TlbProfile Skylake { get; } = new("skylake", 1536, 12);

    /// <summary>SiFive U54: 128 entries, direct-mapped (FU540-C000 manual, 4.4).</summary>
    public static TlbProfile SiFiveU54 { get; } = new("sifive-u54", 128, 1);

    /// <summary>SiFive U74: 512 entries, direct-mapped (FU740-C000 manual, 4.5).</summary>
    public static TlbProfile SiFiveU74 { get; } = new("sifive-u74", 512, 1);
}
