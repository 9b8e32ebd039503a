using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;

namespace KmemKit.Conformance.Streams;

/// <summary>Memory that a master is given.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Iova">First device address.</param>
/// <param name="Phys">Physical addresses; not empty.</param>
/// <param name="Access">Read, Write or both.</param>
/// <param name="Place"><c>file:line</c> that says so; empty where none does.</param>
public sealed record StreamGrant(string Name, BusAddr Iova, PhysRange Phys, AccessRights Access, string Place = "")
{
    /// <summary>Bytes less one: the distance from the first address to the last.</summary>
    public ulong Span => Phys.End.Last - Phys.Start.Value;

    /// <summary>The last device address.</summary>
    public ulong LastIova => Iova.Value + Span;

    /// <summary>Whether a device address is in it.</summary>
    public bool Has(ulong address) => address >= Iova.Value && address <= LastIova;
}

/// <summary>A bus master, its streams, and what it is given.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Streams">Its StreamIDs.</param>
/// <param name="Grants">What it is given; nothing else is.</param>
/// <param name="Place"><c>file:line</c> that says so; empty where none does.</param>
public sealed record StreamMaster(string Name, ImmutableArray<MasterStream> Streams, ImmutableArray<StreamGrant> Grants, string Place = "")
{
    /// <summary>Whether it reaches everything, untranslated, as its owner wants it; then there are no grants.</summary>
    public bool PassesThrough { get; init; }

    /// <summary>Whether it reaches something.</summary>
    public bool HasSomething => PassesThrough || !Grants.IsEmpty;
}

/// <summary>What an SMMU has to say: the memory of each master, and nothing for anybody else.</summary>
public sealed record StreamMap
{
    /// <summary>A map of these masters.</summary>
    /// <param name="masters">The masters. A stream of several of them is the first one's.</param>
    /// <param name="streamIdBits">Bits of a StreamID, 0 to 32.</param>
    /// <param name="pageSize">Bytes of the smallest page; grants are whole pages.</param>
    /// <param name="ram">Memory that devices could reach, if nothing kept them from it.</param>
    /// <exception cref="ArgumentException">A grant is empty, ends beyond 2^64, or shares a device address with another of its master.</exception>
    public StreamMap(IEnumerable<StreamMaster> masters, int streamIdBits, ulong pageSize, IEnumerable<PhysRange> ram)
    {
        (Masters, StreamIdBits, PageSize, Ram) = ([.. masters], streamIdBits, pageSize, [.. ram.Where(r => !r.IsEmpty)]);
        foreach (var master in Masters)
        {
            for (var i = 0; i < master.Grants.Length; i++)
            {
                var grant = master.Grants[i];
                if (grant.Phys.IsEmpty || grant.Span > ulong.MaxValue - grant.Iova.Value)
                    throw new ArgumentException($"{grant.Name} of {master.Name} is empty, or ends beyond 2^64.", nameof(masters));
                if (master.Grants.Take(i).FirstOrDefault(g => g.Iova.Value <= grant.LastIova && grant.Iova.Value <= g.LastIova) is { } other)
                    throw new ArgumentException($"{grant.Name} of {master.Name} shares device addresses with {other.Name}.", nameof(masters));
            }
        }
    }

    /// <summary>Masters.</summary>
    public ImmutableArray<StreamMaster> Masters { get; }

    /// <summary>Bits of a StreamID.</summary>
    public int StreamIdBits { get; }

    /// <summary>Bytes of a page.</summary>
    public ulong PageSize { get; }

    /// <summary>Memory that devices could reach, if nothing kept them from it.</summary>
    public ImmutableArray<PhysRange> Ram { get; }

    /// <summary>The highest StreamID.</summary>
    public uint LastStream => StreamIdBits >= 32 ? uint.MaxValue : (1U << StreamIdBits) - 1;

    /// <summary>Whose a stream is; null for nobody's.</summary>
    public StreamMaster? MasterOf(uint stream) => Masters.FirstOrDefault(m => m.Streams.Any(s => s.Contains(stream)));

    /// <summary>What a stream has to reach at an address, by a search through the grants of its master; null for nothing.</summary>
    public StreamReach? At(uint stream, ulong address)
    {
        if (MasterOf(stream) is not { } master)
            return null;
        if (master.PassesThrough)
            return new StreamReach(address, AccessRights.ReadWrite);
        return master.Grants.FirstOrDefault(g => g.Has(address)) is { } grant ? new StreamReach(grant.Phys.Start.Value + (address - grant.Iova.Value), grant.Access) : null;
    }
}
