using System.Runtime.InteropServices;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab;

/// <summary>What a slab's first page descriptor holds: its two owner's words (<c>struct slab</c> over <c>struct page</c>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct SlabInfo
{
    /// <summary>The end of a list; no slab.</summary>
    public const uint None = uint.MaxValue;

    /// <summary>Page numbers of the slabs beside it on its list.</summary>
    public uint Next;

    public uint Prev;

    /// <summary>Objects taken from the slab. A SLUB slab of at most 64 objects does not keep it: its bitmap says it.</summary>
    public ushort Inuse;

    /// <summary>SLAB: how far the first object stands from where it would without colour, in colour offsets.</summary>
    public ushort Colour;

    /// <summary>On which list it is; what the numbers mean is the store's.</summary>
    public byte List;

    /// <summary>The CPU of a CPU's list.</summary>
    public byte Cpu;

    public byte Order;

    private readonly byte _padding;

    public static SlabInfo* Of(PageMap map, uint head) => (SlabInfo*)&map.DescriptorAt(head)->Private;
}

/// <summary>A doubly linked list of slabs, by the number of their first page.</summary>
internal unsafe struct SlabList
{
    public uint First;

    public uint Last;

    public int Count;

    public static SlabList Empty => new() { First = SlabInfo.None, Last = SlabInfo.None };

    public void AddFirst(PageMap map, uint head, SlabInfo* info)
    {
        (info->Next, info->Prev) = (First, SlabInfo.None);
        if (First == SlabInfo.None)
            Last = head;
        else
            SlabInfo.Of(map, First)->Prev = head;
        First = head;
        Count++;
    }

    public void AddLast(PageMap map, uint head, SlabInfo* info)
    {
        (info->Next, info->Prev) = (SlabInfo.None, Last);
        if (Last == SlabInfo.None)
            First = head;
        else
            SlabInfo.Of(map, Last)->Next = head;
        Last = head;
        Count++;
    }

    public void Remove(PageMap map, SlabInfo* info)
    {
        if (info->Prev == SlabInfo.None)
            First = info->Next;
        else
            SlabInfo.Of(map, info->Prev)->Next = info->Next;
        if (info->Next == SlabInfo.None)
            Last = info->Prev;
        else
            SlabInfo.Of(map, info->Next)->Prev = info->Prev;
        Count--;
    }
}
