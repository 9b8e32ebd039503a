namespace KmemKit.Architecture.Mmu;

/// <summary>Where a walk reads descriptors.</summary>
public interface IDescriptorMemory
{
    /// <summary>Reads a little-endian descriptor.</summary>
    /// <param name="address">Physical address, a multiple of the size.</param>
    /// <param name="size">4 or 8.</param>
    /// <param name="descriptor">What is there.</param>
    /// <returns>False where no memory answers.</returns>
    bool TryRead(ulong address, int size, out ulong descriptor);
}

/// <summary>Where a walk ended.</summary>
/// <param name="Fault">Cause <see cref="FaultCause.None"/> when it ended at a leaf.</param>
/// <param name="Output">Output address of the very byte.</param>
/// <param name="Descriptor">The last descriptor read.</param>
/// <param name="DescriptorAddress">Where it is.</param>
/// <param name="Limits">What the tables above handed down.</param>
public readonly record struct Translation(TranslationFault Fault, ulong Output, ulong Descriptor, ulong DescriptorAddress, ulong Limits)
{
    /// <summary>Whether there is an output address.</summary>
    public bool IsMapped => Fault.Cause == FaultCause.None;

    /// <summary>Level of the last descriptor, by the architecture's numbering.</summary>
    public int Level => Fault.Level;
}

/// <summary>The table walk as the manuals describe it, without caches: the reference that plans, run-time tables and emulators are compared with.</summary>
public static class Walker
{
    /// <summary>Walks to the leaf, without regard to rights.</summary>
    /// <param name="format">Format of the tree.</param>
    /// <param name="memory">Holds the tables.</param>
    /// <param name="root">Physical address of the root table.</param>
    /// <param name="address">Input address; a 32-bit one has its upper half clear.</param>
    public static Translation Walk<TFormat, TMemory>(in TFormat format, ref TMemory memory, ulong root, ulong address)
        where TFormat : ITranslationFormat
        where TMemory : IDescriptorMemory
    {
        if (!format.Translates(address))
            return new Translation(format.OutOfRange, 0, 0, 0, 0);
        var table = root;
        ulong limits = 0;
        for (var level = format.RootLevel; ; level = format.NextLevel(level))
        {
            var at = table + (ulong)(uint)format.Index(address, level) * (uint)format.DescriptorSize;
            if (!memory.TryRead(at, format.DescriptorSize, out var descriptor))
                return new Translation(new TranslationFault(FaultCause.ExternalAbortOnWalk, level), 0, 0, at, limits);
            switch (format.KindOf(descriptor, level))
            {
                case DescriptorKind.Table:
                    limits |= format.Limits(descriptor, level);
                    table = format.TableAddress(descriptor, level);
                    continue;
                case DescriptorKind.Leaf:
                    var offset = address & ((1UL << format.LeafShift(descriptor, level)) - 1);
                    return new Translation(new TranslationFault(FaultCause.None, level), format.LeafAddress(descriptor, level) | offset, descriptor, at, limits);
                default:
                    // Limits are bits of table descriptors, so they decode as one.
                    var domain = format.DecodeTable(limits, level).Domain;
                    return new Translation(new TranslationFault(format.CauseOf(descriptor, level), level, domain), 0, descriptor, at, limits);
            }
        }
    }

    /// <summary>Walks, and decides about one access.</summary>
    /// <param name="format">Format of the tree.</param>
    /// <param name="memory">Holds the tables.</param>
    /// <param name="root">Physical address of the root table.</param>
    /// <param name="address">Input address.</param>
    /// <param name="access">What is tried.</param>
    /// <param name="privilege">Who tries.</param>
    /// <param name="controls">Controls that are read at each access.</param>
    public static Translation Access<TFormat, TMemory>(
        in TFormat format, ref TMemory memory, ulong root, ulong address, AccessRights access, Privilege privilege, TranslationControls controls)
        where TFormat : ITranslationFormat
        where TMemory : IDescriptorMemory
    {
        var found = Walk(format, ref memory, root, address);
        if (!found.IsMapped)
            return found;
        var attributes = format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
        var cause = format.Check(attributes, access, privilege, controls);
        return cause == FaultCause.None ? found : found with { Fault = new TranslationFault(cause, found.Level, attributes.Domain) };
    }
}
