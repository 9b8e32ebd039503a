using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memblock;

namespace KmemKit.Runtime.Tests.Harness;

/// <summary>Short forms for addresses and regions, so that a case fits into a few lines.</summary>
internal static class Sizes
{
    public const ulong K = 1UL << 10;
    public const ulong M = 1UL << 20;
    public const ulong G = 1UL << 30;

    public static PhysAddr At(ulong address) => new(address);

    public static PhysRange Range(ulong start, AddressLimit end) => PhysRange.FromBounds(new PhysAddr(start), end);

    /// <summary>Regions as <c>1M-2M 1G-2G</c>, with <c>@node</c> and <c>+Flags</c> where there are any.</summary>
    public static string Show(IEnumerable<MemblockRegion> regions) => string.Join(' ', regions.Select(r =>
        Show(r.Range) + (r.Node == Memblock.Memblock.NoNode ? "" : $"@{r.Node}") + (r.Flags == MemblockFlags.None ? "" : $"+{r.Flags}")));

    public static string Show(PhysRange range) => $"{Show(range.Start.Value)}-{(range.End.IsTop ? "top" : Show(range.End.Value))}";

    private static string Show(ulong value) => value switch
    {
        0 => "0",
        _ when value % G == 0 => $"{value / G}G",
        _ when value % M == 0 => $"{value / M}M",
        _ when value % K == 0 => $"{value / K}K",
        _ => $"0x{value:x}",
    };
}
