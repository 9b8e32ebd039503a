using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Protection;

/// <summary>An entry that has a size and no address yet.</summary>
/// <param name="Name">Name of the entry.</param>
/// <param name="Domain">The domain it is in; null for the policy itself.</param>
/// <param name="Size">Bytes, not 0.</param>
/// <param name="Alignment">What its address has to be a multiple of: a power of two.</param>
/// <param name="Pool">Where it may be: ranges by rising address that share nothing.</param>
/// <param name="NodePath">Path of its node.</param>
/// <param name="Span">The <c>size</c> in the source.</param>
public sealed record PlacementRequest(
    string Name, string? Domain, ulong Size, ulong Alignment, ImmutableArray<PhysRange> Pool, string NodePath, SourceSpan Span);

/// <summary>A request and the address it got.</summary>
/// <param name="Request">The request.</param>
/// <param name="Range">Its addresses.</param>
/// <param name="Regions">Regions of the unit that it takes by itself.</param>
public sealed record PlacedRequest(PlacementRequest Request, PhysRange Range, int Regions);

/// <summary>What was placed in a pool.</summary>
/// <param name="Pool">The pool's ranges, by rising address.</param>
/// <param name="Taken">What was there before and is kept clear of, by rising address, clipped to the pool.</param>
/// <param name="Items">What was placed, by rising address.</param>
/// <param name="LowerBound">No placement takes fewer regions.</param>
/// <param name="IsLeast">Whether no placement takes fewer regions, and none with as few ends at a lower address.</param>
public sealed record PlacedPool(
    ImmutableArray<PhysRange> Pool, ImmutableArray<PhysRange> Taken, ImmutableArray<PlacedRequest> Items, int LowerBound, bool IsLeast)
{
    /// <summary>Regions that the items take, each by itself.</summary>
    public int Regions
    {
        get
        {
            var sum = 0;
            foreach (var item in Items)
                sum += item.Regions;
            return sum;
        }
    }
}
