using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Ioremap;

/// <summary>A mapping of physical addresses with a memory type.</summary>
/// <param name="Phys">The physical addresses, whole pages.</param>
/// <param name="Type">The type.</param>
/// <param name="Virt">Where it is mapped.</param>
/// <param name="Name">Whose it is.</param>
public sealed record TypedMapping(PhysRange Phys, MemoryType Type, VirtAddr Virt, string Name)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Phys} at {Virt} as {Type.ToText()}";
}

/// <summary>With which memory type each physical address is mapped: all mappings of an address have the same one (the kernel's memtype list of arch/x86/mm/pat, and the rule of Arm for aliases).</summary>
/// <remarks>
/// Two mappings of one location with other types or cacheability are CONSTRAINED UNPREDICTABLE or lose coherency (ARM DDI 0487, B2.8 "Mismatched memory attributes"; DDI
/// 0406C, A3.5.7). Few mappings exist at a time, so a list does. Thread-safe.
/// </remarks>
public sealed class MemoryTypeMap
{
    private readonly Lock _sync = new();
    private readonly List<TypedMapping> _mappings = [];

    /// <summary>All mappings, in the order in which they were made.</summary>
    public IReadOnlyList<TypedMapping> Mappings
    {
        get
        {
            lock (_sync)
                return [.. _mappings];
        }
    }

    /// <summary>Adds a mapping unless one of another type has a page in common with it.</summary>
    /// <returns>The one in the way; null where it was added.</returns>
    public TypedMapping? TryAdd(TypedMapping mapping)
    {
        lock (_sync)
        {
            foreach (var other in _mappings)
            {
                if (other.Type != mapping.Type && other.Phys.Overlaps(mapping.Phys))
                    return other;
            }
            _mappings.Add(mapping);
            return null;
        }
    }

    /// <summary>Takes a mapping out.</summary>
    /// <returns>False where it is not there.</returns>
    public bool Remove(TypedMapping mapping)
    {
        lock (_sync)
            return _mappings.Remove(mapping);
    }
}
