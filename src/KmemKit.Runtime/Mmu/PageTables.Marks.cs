using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Mmu;

/// <summary>The accessed and dirty marks of what is mapped, where the processor leaves them to the kernel.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    /// <summary>
    /// Marks what is mapped at an address as used, and as written to. A processor that does not do so itself (RISC-V without Svadu, Arm without FEAT_HAFDBS) faults until
    /// it is. Rights stay as they are, and so does what TLBs hold.
    /// </summary>
    /// <remarks>Source: Linux, mm/memory.c, handle_pte_fault (pte_mkyoung, pte_mkdirty, ptep_set_access_flags).</remarks>
    /// <param name="address">The address.</param>
    /// <param name="write">Whether it was written to as well.</param>
    /// <returns>Whether a mark was missing; false also where nothing is mapped.</returns>
    public bool MarkUsed(VirtAddr address, bool write)
    {
        while (true)
        {
            var found = Walk(address);
            if (!found.IsMapped)
                return false;
            var was = _format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
            var number = NumberOf(_format.ShapeOf(found.Descriptor, found.Level));
            // A format that has no such mark says the same with it and without.
            if (_format.TryEncodeLeaf(0, _format.Canonical(was with { IsAccessed = true, IsDirty = was.IsDirty || write }), _shapes[number], out var bits) != EncodingRefusal.None)
                return false;
            var marked = bits | (found.Descriptor & OutputMask(number));
            if (marked == found.Descriptor)
                return false;
            // A CPU may mark it, or another thread change it, at the same moment.
            if (TryLink(Host(found.DescriptorAddress), 0, found.Descriptor, marked, out _))
                return true;
        }
    }

    // A TLB has one translation for all of a group, so that the first member that is used gets the mark of the others as well (Linux, arch/arm64/mm/contpte.c).
    private PageAttributes WithMarksOfGroup(PageAttributes attributes, byte* table, int index, int count, int level, ulong limits)
    {
        for (var i = 0; i < count; i++)
        {
            var member = _format.DecodeLeaf(Read(table, index + i), level, limits);
            attributes = attributes with { IsAccessed = attributes.IsAccessed || member.IsAccessed, IsDirty = attributes.IsDirty || member.IsDirty };
        }
        return attributes;
    }
}
