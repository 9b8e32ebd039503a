using KmemKit.Architecture;

namespace KmemKit.Runtime.Memblock;

public sealed partial class Memblock
{
    /// <summary>Finds free memory and takes it (memblock_alloc_try_nid, memblock_alloc_exact_nid).</summary>
    /// <param name="size">Bytes, more than 0.</param>
    /// <param name="alignment">A power of two, in bytes.</param>
    /// <param name="minimum">Rather not below: where nothing else is left, below.</param>
    /// <param name="maximum">Up to, and without; null for <see cref="CurrentLimit"/>, which is the highest limit in any case.</param>
    /// <param name="node">Rather on this node, else on any; <see cref="NoNode"/> for any.</param>
    /// <param name="exactNode">On this node or nowhere.</param>
    /// <returns>The first address; null where nothing fits.</returns>
    public PhysAddr? Alloc(
        ulong size, ulong alignment = DefaultAlignment, PhysAddr minimum = default, AddressLimit? maximum = null, int node = NoNode,
        bool exactNode = false)
    {
        var limit = maximum is { } given && given < CurrentLimit ? given : CurrentLimit;
        var found = AllocRange(size, alignment, minimum, limit, node, exactNode);
        return found is null && minimum != PhysAddr.Zero ? AllocRange(size, alignment, PhysAddr.Zero, limit, node, exactNode) : found;
    }

    /// <summary>
    /// Finds free memory from <paramref name="start"/> up to, and without, <paramref name="end"/> and takes it (memblock_phys_alloc_range,
    /// memblock_alloc_range_nid): on the node, then on any unless <paramref name="exactNode"/>; mirrored first, where there is such memory, then any.
    /// </summary>
    /// <param name="size">Bytes, more than 0.</param>
    /// <param name="alignment">A power of two, in bytes.</param>
    /// <param name="start">Not below.</param>
    /// <param name="end">The limit, which may be above <see cref="CurrentLimit"/>; null for <see cref="CurrentLimit"/>.</param>
    /// <param name="node">The node; <see cref="NoNode"/> for any.</param>
    /// <param name="exactNode">On this node or nowhere.</param>
    /// <returns>The first address; null where nothing fits.</returns>
    /// <exception cref="MemblockException">The memory was released to the page allocator.</exception>
    public PhysAddr? AllocRange(ulong size, ulong alignment, PhysAddr start, AddressLimit? end, int node = NoNode, bool exactNode = false)
    {
        RefuseIfReleased();
        var flags = PreferredFlags;
        while (true)
        {
            if (Take(size, alignment, start, end, node, flags) is { } onNode)
                return onNode;
            if (node != NoNode && !exactNode && Take(size, alignment, start, end, NoNode, flags) is { } anywhere)
                return anywhere;
            if (flags == MemblockFlags.None)
                return null;
            flags = MemblockFlags.None;
            WarnNoMirror(size);
        }
    }

    private PhysAddr? Take(ulong size, ulong alignment, PhysAddr start, AddressLimit? end, int node, MemblockFlags flags)
    {
        // What is found and then finds no entry in a full array is not taken, as in the kernel.
        return FindInRange(start, end, size, alignment, node, flags) is { } found
            && Reserved.Add(new PhysRange(found, size), NoNode, MemblockFlags.None, Grow, static _ => { })
            ? found
            : null;
    }
}
