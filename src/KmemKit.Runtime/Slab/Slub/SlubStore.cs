using System;
using System.Numerics;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab.Slub;

/// <summary>SLUB: a slab is known by its first page's descriptor, and by a bit for each free object in that page's word.</summary>
/// <remarks>
/// <para>A slab is, in turn: a CPU's active one, from which it refills its array; full, and on no list at all; on the list of the CPU that freed the first of
/// its objects (CPU partial); on the node's list (partial). A CPU's slabs are not given to others: what one CPU uses stays together. When a CPU's list is
/// full it is emptied to the node's, and there a slab without used objects goes back to the page allocator if min_partial others stay.</para>
/// <para>The bitmap is where SLUB differs from the kernel's, which threads a list through the free objects: there, a free touches the object, and random
/// frees of a set that is larger than the cache touch memory. 64 bits are in the page's descriptor (<see cref="SlabInfo.Word"/>); only a slab of more objects,
/// which are small, has its bitmap elsewhere, in an object of another cache.</para>
/// <para>Source: mm/slub.c; percpu sheaves of 6.18 for the arrays in front.</para>
/// </remarks>
internal sealed unsafe partial class SlubStore : SlabbedStore
{
    private const byte Full = 0;
    private const byte Node = 1;
    private const byte CpuPartial = 2;
    private const byte Active = 3;
    private const byte WrittenOff = 4;

    private readonly int _size;
    private readonly ulong _reciprocal;
    private readonly int _pad;
    private readonly int _minPartial;
    private readonly int _cpuPartialSlabs;
    private readonly CpuSlabs[] _cpus;
    private readonly bool _isSingle;
    private readonly ulong _mask;
    private readonly ulong _smallMask;
    private SlabList _partial = SlabList.Empty;
    private uint _lowest = uint.MaxValue;
    private uint _highest;
    private long _slabs;
    private long _objects;

    private struct CpuSlabs
    {
        public uint Active;

        /// <summary>First of the CPU's partial slabs, linked by Next.</summary>
        public uint Partial;

        public int Partials;
    }

    public SlubStore(KmemCache cache)
        : base(cache)
    {
        _size = cache.Layout.Size;
        _pad = cache.Layout.RedLeftPad;
        Order = SlubOrder.Calculate(_size, Ram.PageShift, Allocator.CpuIds, Map.MaxOrder);
        SmallOrder = Math.Min(Order, SlubOrder.OrderOf(_size, Ram.PageShift));
        ObjectsPerSlab = ObjectsOf(Order);
        // Slots start at multiples of the size, so any reciprocal that is not too small is exact.
        _reciprocal = ((1UL << 32) / (uint)_size) + 1;
        _isSingle = ObjectsPerSlab <= 64;
        _mask = MaskOf(ObjectsPerSlab);
        _smallMask = MaskOf(ObjectsOf(SmallOrder));
        // set_min_partial; and where memory is plenty, more: a reclaimer takes them as soon as pages are short, which the kernel's SLUB has none for.
        var spare = (long)Math.Min(Allocator.Pages.TotalPages >> 9 >> Order, 256);
        _minPartial = (int)Math.Max(Math.Clamp(BitOperations.Log2((uint)_size) / 2, 5, 10), spare);
        // set_cpu_partial, in slabs that are half full
        var objects = _size >= 1 << Ram.PageShift ? 6 : _size >= 1024 ? 24 : _size >= 256 ? 52 : 120;
        _cpuPartialSlabs = Math.Max(1, ((objects * 2) + ObjectsPerSlab - 1) / ObjectsPerSlab);
        _cpus = new CpuSlabs[Allocator.Pages.Cpus.Count];
        Array.Fill(_cpus, new CpuSlabs { Active = SlabInfo.None, Partial = SlabInfo.None });
    }

    public override int Order { get; }

    public override int ObjectsPerSlab { get; }

    protected override int SmallOrder { get; }

    // A CPU holds 128 KiB of objects, less where memory is small.
    public override ArrayPlan PlanArrays()
    {
        var bytes = Math.Min(128UL << 10, Allocator.Pages.TotalPages << Ram.PageShift >> 12);
        var limit = (int)Math.Clamp(bytes / (uint)_size, 4, 256);
        return new ArrayPlan(limit, (limit + 1) / 2, SharedFactor: 8);
    }

    public override int Take(int cpu, byte** into, int wanted)
    {
        ref var mine = ref _cpus[cpu];
        var taken = 0;
        ZoneLock.Acquire(ref Lock);
        while (taken < wanted && (mine.Active != SlabInfo.None || TryActivate(ref mine)))
        {
            var head = mine.Active;
            taken += _isSingle ? TakeSingle(head, into + taken, wanted - taken) : TakeMany(head, into + taken, wanted - taken);
            if (HasFree(head))
                continue;
            Ram.InfoOf(head)->List = Full;
            mine.Active = SlabInfo.None;
        }
        ZoneLock.Release(ref Lock);
        // The top of the stack goes first: low addresses first.
        new Span<nint>(into, taken).Reverse();
        return taken;
    }

    public override bool TryTakeSlot(int cpu, out uint head, out int index)
    {
        ref var mine = ref _cpus[cpu];
        if (mine.Active == SlabInfo.None && !TryActivate(ref mine))
        {
            (head, index) = (0, 0);
            return false;
        }
        head = mine.Active;
        var bits = BitsOf(head);
        var at = 0;
        while (bits[at] == 0)
            at++;
        index = (at * 64) + BitOperations.TrailingZeroCount(bits[at]);
        bits[at] &= bits[at] - 1;
        var info = Ram.InfoOf(head);
        if (!_isSingle)
            info->Inuse++;
        if (!HasFree(head))
        {
            info->List = Full;
            mine.Active = SlabInfo.None;
        }
        return true;
    }

    public override bool IsFree(uint head, int index) => ((BitsOf(head)[index >> 6] >> (index & 63)) & 1) != 0;

    public override int UsedOf(uint head) => ObjectsOf(OrderOf(head)) - FreeIn(head);

    public override int NextFreeOf(uint head)
    {
        var bits = BitsOf(head);
        var words = WordsOf(head);
        for (var at = 0; at < words; at++)
        {
            if (bits[at] != 0)
                return (at * 64) + BitOperations.TrailingZeroCount(bits[at]);
        }
        return -1;
    }

    public override void WriteOff(uint head)
    {
        Unlist(head);
        Ram.InfoOf(head)->List = WrittenOff;
        new Span<ulong>(BitsOf(head), WordsOf(head)).Clear();
    }

    public override byte* BookOf(uint head) => _isSingle ? null : Ram.InfoOf(head)->Address;

    public override bool IsWrittenOff(uint head) => Ram.InfoOf(head)->List == WrittenOff;

    public override SlabView ViewOf(uint head)
    {
        var order = OrderOf(head);
        var start = Ram.HostOf(head);
        return new SlabView(Cache, new Page(head), start, start, order, ObjectsOf(order));
    }

    protected override bool Prepare(Cpu cpu, GfpFlags flags, uint head, SlabInfo* info)
    {
        var objects = ObjectsOf(OrderOf(head));
        if (_isSingle)
        {
            info->Word = MaskOf(objects);
            return true;
        }
        var bits = (ulong*)Allocator.BitmapCache.Alloc(cpu, flags & ~GfpFlags.Zero);
        if (bits is null)
            return false;
        Fill(bits, objects);
        info->Address = (byte*)bits;
        return true;
    }

    protected override void Add(int cpu, uint head, SlabInfo* info)
    {
        _lowest = Math.Min(_lowest, head);
        _highest = Math.Max(_highest, head);
        _slabs++;
        _objects += ObjectsOf(OrderOf(head));
        ref var mine = ref _cpus[cpu];
        if (mine.Active != SlabInfo.None)
        {
            AddPartial(head, info);
            return;
        }
        info->List = Active;
        mine.Active = head;
    }

    protected override void Dispose(Cpu cpu, uint head)
    {
        if (!_isSingle)
            Allocator.BitmapCache.Free(cpu, Ram.InfoOf(head)->Address);
    }

    private static ulong MaskOf(int objects) => objects >= 64 ? ulong.MaxValue : (1UL << objects) - 1;

    private static void Fill(ulong* bits, int objects)
    {
        for (; objects > 0; objects -= 64)
            *bits++ = MaskOf(objects);
    }

    private int ObjectsOf(int order) => Math.Min((1 << Ram.PageShift << order) / _size, SlubOrder.MaxObjects);

    private int OrderOf(uint head) => (Ram.OwnerOf(head) & PageOwner.Small) != 0 ? SmallOrder : Order;

    private int WordsOf(uint head) => (ObjectsOf(OrderOf(head)) + 63) / 64;

    private ulong* BitsOf(uint head) => _isSingle ? &Ram.InfoOf(head)->Word : (ulong*)Ram.InfoOf(head)->Address;

    private bool HasFree(uint head)
    {
        if (_isSingle)
            return Ram.InfoOf(head)->Word != 0;
        return Ram.InfoOf(head)->Inuse < ObjectsOf(OrderOf(head));
    }

    private int TakeSingle(uint head, byte** into, int wanted)
    {
        var start = Ram.HostOf(head) + _pad;
        var info = Ram.InfoOf(head);
        var word = info->Word;
        var taken = 0;
        for (; word != 0 && taken < wanted; word &= word - 1)
            into[taken++] = start + ((nint)BitOperations.TrailingZeroCount(word) * _size);
        info->Word = word;
        return taken;
    }

    private int TakeMany(uint head, byte** into, int wanted)
    {
        var start = Ram.HostOf(head) + _pad;
        var bits = BitsOf(head);
        var words = WordsOf(head);
        var taken = 0;
        for (var at = 0; at < words && taken < wanted; at++)
        {
            var word = bits[at];
            for (; word != 0 && taken < wanted; word &= word - 1)
                into[taken++] = start + ((nint)((at * 64) + BitOperations.TrailingZeroCount(word)) * _size);
            bits[at] = word;
        }
        Ram.InfoOf(head)->Inuse += (ushort)taken;
        return taken;
    }
}
