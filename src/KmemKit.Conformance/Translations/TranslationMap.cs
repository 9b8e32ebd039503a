using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Numerics;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Translations;

/// <summary>A piece of RAM and where it is mapped: one offset from end to end.</summary>
/// <param name="Phys">Physical addresses; not empty.</param>
/// <param name="Virt">Where the first one is mapped.</param>
/// <param name="Place"><c>file:line</c> that says so; empty where none does.</param>
public sealed record MappedRam(PhysRange Phys, VirtAddr Virt, string Place = "")
{
    /// <summary>The last physical address.</summary>
    public ulong LastPhys => Phys.End.Last;

    /// <summary>The last virtual address.</summary>
    public ulong LastVirt => Virt.Value + (LastPhys - Phys.Start.Value);
}

/// <summary>What a translation has to say: the RAM that is mapped, and nothing else.</summary>
public sealed record TranslationMap
{
    /// <summary>A map of these pieces.</summary>
    /// <exception cref="ArgumentException">A piece is empty, or shares an address with another one.</exception>
    public TranslationMap(IEnumerable<MappedRam> ram, int addressBits, ulong pageSize)
    {
        Ram = [.. ram.OrderBy(r => r.Phys)];
        (AddressBits, PageSize) = (addressBits, pageSize);
        for (var i = 0; i < Ram.Length; i++)
        {
            if (Ram[i].Phys.IsEmpty)
                throw new ArgumentException($"RAM at {Ram[i].Phys.Start} is empty.", nameof(ram));
            if (i > 0 && Ram[i - 1].Phys.End > Ram[i].Phys.Start.Value)
                throw new ArgumentException($"{Ram[i].Phys} shares an address with {Ram[i - 1].Phys}.", nameof(ram));
        }
    }

    /// <summary>RAM, by rising physical address; disjoint.</summary>
    public ImmutableArray<MappedRam> Ram { get; }

    /// <summary>Bits of an address: 32 or 64. Addresses above are not asked for.</summary>
    public int AddressBits { get; }

    /// <summary>Bytes of a page.</summary>
    public ulong PageSize { get; }

    /// <summary>The highest address that is asked for.</summary>
    public ulong LastAddress => AddressBits >= 64 ? ulong.MaxValue : (1UL << AddressBits) - 1;

    /// <summary>Where a physical address is mapped: by a search through all pieces, without tables and offsets of the subject's.</summary>
    public ulong? PhysToVirt(ulong address)
    {
        foreach (var ram in Ram)
        {
            if (address >= ram.Phys.Start.Value && address <= ram.LastPhys)
                return ram.Virt.Value + (address - ram.Phys.Start.Value);
        }
        return null;
    }

    /// <summary>What is mapped at a virtual address.</summary>
    public ulong? VirtToPhys(ulong address)
    {
        foreach (var ram in Ram)
        {
            if (address >= ram.Virt.Value && address <= ram.LastVirt)
                return ram.Phys.Start.Value + (address - ram.Virt.Value);
        }
        return null;
    }

    /// <summary>Where that is said: of the piece that has the address, else of the nearest one below.</summary>
    public string PlaceOf(ulong address, bool isVirtual) =>
        Ram.LastOrDefault(r => (isVirtual ? r.Virt.Value : r.Phys.Start.Value) <= address)?.Place ?? "";

    /// <summary>Each power of two, and its neighbours.</summary>
    internal IEnumerable<ulong> Powers()
    {
        yield return 0;
        yield return LastAddress;
        for (var bit = BitOperations.Log2(PageSize); bit < AddressBits; bit++)
        {
            yield return (1UL << bit) - 1;
            yield return 1UL << bit;
            yield return (1UL << bit) + 1;
        }
    }
}
