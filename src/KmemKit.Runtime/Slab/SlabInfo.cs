using System.Runtime.InteropServices;

namespace KmemKit.Runtime.Slab;

/// <summary>A page descriptor as the owner of a slab sees it (<c>struct slab</c> over <c>struct page</c>): all a slab needs is in its first page's.</summary>
/// <remarks>
/// Whether free pages, or whose pages, the flags below bit 24 say as for any page. <see cref="Word"/> is a bitmap of free objects where they are at most 64;
/// else an address, which has 48 bits, so that a count fits in front of it. SLOB keeps two counts there.
/// </remarks>
[StructLayout(LayoutKind.Explicit, Size = 24)]
internal unsafe struct SlabInfo
{
    /// <summary>The end of a list; no slab.</summary>
    public const uint None = uint.MaxValue;

    /// <summary>Flags of the page; bits 24 and up are the owner's.</summary>
    public const int PageFlagMask = 0xffffff;

    private const ulong AddressMask = (1UL << 48) - 1;

    /// <summary>On which list it is, in the low 3 bits; above, the colour of a SLAB slab whose table lies elsewhere.</summary>
    /// <remarks>A byte by itself: a store to it does not disturb an atomic change of the flags beside it.</remarks>
    [FieldOffset(3)]
    private byte _listAndColour;

    /// <summary>Free objects, or an address.</summary>
    [FieldOffset(8)]
    public ulong Word;

    /// <summary>SLOB: the first gap, in units.</summary>
    [FieldOffset(8)]
    public ushort Gap;

    /// <summary>Objects taken from the slab; of SLOB free units. A SLUB slab of at most 64 objects has its bitmap here.</summary>
    [FieldOffset(14)]
    public ushort Inuse;

    /// <summary>Page numbers of the slabs beside it on its list.</summary>
    [FieldOffset(16)]
    public uint Next;

    [FieldOffset(20)]
    public uint Prev;

    /// <summary>On which list it is; what the numbers mean is the store's. 0 to 7.</summary>
    public byte List
    {
        readonly get => (byte)(_listAndColour & 7);
        set => _listAndColour = (byte)((_listAndColour & ~7) | value);
    }

    /// <summary>0 to 31.</summary>
    public int Colour
    {
        readonly get => _listAndColour >> 3;
        set => _listAndColour = (byte)((_listAndColour & 7) | (value << 3));
    }

    /// <summary>The address in <see cref="Word"/>.</summary>
    public byte* Address
    {
        readonly get => (byte*)(Word & AddressMask);
        set => Word = (Word & ~AddressMask) | ((ulong)value & AddressMask);
    }

    /// <summary>Makes a fresh page's descriptor a slab's: on no list, nothing taken.</summary>
    public void Start() => (_listAndColour, Word, Next, Prev) = (0, 0, None, None);
}

/// <summary>A doubly linked list of slabs, by the number of their first page.</summary>
internal unsafe struct SlabList
{
    public uint First;

    public uint Last;

    public int Count;

    public static SlabList Empty => new() { First = SlabInfo.None, Last = SlabInfo.None };

    public void AddFirst(RamWindow ram, uint head, SlabInfo* info)
    {
        (info->Next, info->Prev) = (First, SlabInfo.None);
        if (First == SlabInfo.None)
            Last = head;
        else
            ram.InfoOf(First)->Prev = head;
        First = head;
        Count++;
    }

    public void AddLast(RamWindow ram, uint head, SlabInfo* info)
    {
        (info->Next, info->Prev) = (SlabInfo.None, Last);
        if (Last == SlabInfo.None)
            First = head;
        else
            ram.InfoOf(Last)->Next = head;
        Last = head;
        Count++;
    }

    public void Remove(RamWindow ram, SlabInfo* info)
    {
        if (info->Prev == SlabInfo.None)
            First = info->Next;
        else
            ram.InfoOf(info->Prev)->Next = info->Next;
        if (info->Next == SlabInfo.None)
            Last = info->Prev;
        else
            ram.InfoOf(info->Next)->Prev = info->Prev;
        Count--;
    }
}
