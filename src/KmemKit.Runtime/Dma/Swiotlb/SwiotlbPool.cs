using System;
using System.Numerics;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Dma.Swiotlb;

/// <summary>Bounce buffers in low memory, for devices that do not reach the memory they are given (kernel/dma/swiotlb.c).</summary>
/// <remarks>
/// The pool is an array of 2 KiB slots in segments of 128: a mapping takes a run of slots in one segment, so 256 KiB at most. Each slot remembers the memory it stands for;
/// data is copied when the buffer changes hands. The offset of the original within a slot is kept, so that a device's own alignment rules hold.
/// </remarks>
public sealed class SwiotlbPool : IDisposable
{
    /// <summary>IO_TLB_SIZE: bytes of a slot.</summary>
    public const ulong SlotBytes = 2048;

    /// <summary>IO_TLB_SEGSIZE: slots of a segment.</summary>
    public const int SegmentSlots = 128;

    /// <summary>The most that can be mapped at once.</summary>
    public const ulong MaximumMapping = SlotBytes * SegmentSlots;

    private readonly PhysicalMemory _memory;
    private readonly Cpu _cpu;
    private readonly Page _first;
    private readonly ulong _pages;
    private readonly Segment[] _segments;
    private readonly PhysAddr[] _originals;
    private readonly ulong[] _sizes;
    private readonly object _gate = new();
    private int _next;

    // A set bit is a slot in use.
    private struct Segment
    {
        public UInt128 Used;
    }

    private SwiotlbPool(PhysicalMemory memory, Cpu cpu, Page first, ulong pages, PhysRange range)
    {
        _memory = memory;
        _cpu = cpu;
        _first = first;
        _pages = pages;
        Range = range;
        var slots = (int)(range.Size.Value / SlotBytes);
        _segments = new Segment[slots / SegmentSlots];
        _originals = new PhysAddr[slots];
        _sizes = new ulong[slots];
    }

    /// <summary>Where the pool is.</summary>
    public PhysRange Range { get; }

    /// <summary>Slots in use.</summary>
    public int Used { get; private set; }

    /// <summary>Most slots that were in use at a time (io_tlb_used_hiwater).</summary>
    public int HighWater { get; private set; }

    /// <summary>Requests that found no room.</summary>
    public ulong Overflows { get; private set; }

    /// <summary>Bytes copied into and out of the pool.</summary>
    public ulong CopiedBytes { get; private set; }

    /// <summary>Takes a pool out of the board's memory, below 4 GiB (swiotlb_init; <c>swiotlb=</c> of the kernel parameters).</summary>
    /// <param name="memory">The board's RAM.</param>
    /// <param name="cpu">Whose pages are taken, and where they go back to.</param>
    /// <param name="bytes">A multiple of a segment's 256 KiB.</param>
    /// <param name="zones">Zones to take from; <see cref="GfpFlags.Dma32Zone"/> unless devices reach less.</param>
    /// <returns>Null where there is no contiguous memory of that size.</returns>
    public static SwiotlbPool? TryCreate(PhysicalMemory memory, Cpu cpu, ulong bytes, GfpFlags zones = GfpFlags.Dma32Zone)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(cpu);
        if (bytes == 0 || bytes % MaximumMapping != 0)
            throw new ArgumentException($"A pool is a multiple of {MaximumMapping} bytes.", nameof(bytes));
        var map = cpu.Allocator.Map;
        var pages = map.Pages.PagesIn(new AddressLimit(bytes));
        var row = cpu.AllocContigPages(pages, GfpFlags.Kernel | GfpFlags.NoWarn | zones);
        return row.IsOk ? new SwiotlbPool(memory, cpu, row.First, pages, new PhysRange(map.PageToPhys(row.First), bytes)) : null;
    }

    /// <summary>Whether the memory is of the pool.</summary>
    public bool Contains(PhysAddr address) => Range.Contains(address);

    /// <summary>Takes slots for memory (swiotlb_tbl_map_single); nothing is copied yet.</summary>
    /// <param name="original">The memory.</param>
    /// <param name="size">Bytes, at least 1.</param>
    /// <param name="alignment">Alignment in bytes that the copy shares with the original: a power of two up to 2 KiB; 1 for none.</param>
    /// <param name="bounce">The copy's address.</param>
    public bool TryTake(PhysAddr original, ulong size, ulong alignment, out PhysAddr bounce)
    {
        var offset = original.Value & (Math.Min(alignment, SlotBytes) - 1);
        var slots = size > MaximumMapping ? SegmentSlots + 1 : (int)((offset + size + SlotBytes - 1) / SlotBytes);
        bounce = default;
        lock (_gate)
        {
            if (slots > SegmentSlots || !TryFind(slots, out var first))
            {
                Overflows++;
                return false;
            }
            var segment = first / SegmentSlots;
            _segments[segment].Used |= Run(slots) << (first % SegmentSlots);
            Used += slots;
            HighWater = Math.Max(HighWater, Used);
            _next = segment;
            _originals[first] = original;
            _sizes[first] = size;
            bounce = Range.Start + (((ulong)first * SlotBytes) + offset);
            return true;
        }
    }

    /// <summary>Gives slots back (swiotlb_tbl_unmap_single); nothing is copied.</summary>
    /// <exception cref="InvalidOperationException">No mapping of that size starts there.</exception>
    public void Give(PhysAddr bounce, ulong size)
    {
        lock (_gate)
        {
            var first = SlotOf(bounce);
            if (_sizes[first] != size)
                throw new InvalidOperationException($"No bounce buffer of {size} bytes starts at {bounce}.");
            var offset = (bounce - Range.Start) % SlotBytes;
            var slots = (int)((offset + size + SlotBytes - 1) / SlotBytes);
            _segments[first / SegmentSlots].Used &= ~(Run(slots) << (first % SegmentSlots));
            _sizes[first] = 0;
            Used -= slots;
        }
    }

    /// <summary>Copies between the memory and its copy (swiotlb_bounce).</summary>
    /// <param name="bounce">First address of the mapping's copy.</param>
    /// <param name="offset">Where in the mapping to begin.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="toPool">Towards the device, or back.</param>
    public void Copy(PhysAddr bounce, ulong offset, ulong size, bool toPool)
    {
        var original = OriginalOf(bounce) + offset;
        var copy = bounce + offset;
        Span<byte> buffer = stackalloc byte[1024];
        for (var done = 0UL; done < size; done += (ulong)buffer.Length)
        {
            var part = buffer[..(int)Math.Min((ulong)buffer.Length, size - done)];
            _memory.Read((toPool ? original : copy) + done, part);
            _memory.Write((toPool ? copy : original) + done, part);
        }
        lock (_gate)
            CopiedBytes += size;
    }

    /// <summary>The memory that a copy stands for.</summary>
    public PhysAddr OriginalOf(PhysAddr bounce) => _originals[SlotOf(bounce)];

    /// <summary>Gives the pool's memory back.</summary>
    /// <exception cref="InvalidOperationException">Slots are in use.</exception>
    public void Dispose()
    {
        if (Used != 0)
            throw new InvalidOperationException($"{Used} bounce slots are in use.");
        _cpu.FreeContigRange(_first, _pages);
    }

    private int SlotOf(PhysAddr bounce) => Range.Contains(bounce)
        ? (int)((bounce - Range.Start) / SlotBytes)
        : throw new InvalidOperationException($"{bounce} is no bounce buffer: the pool is {Range}.");

    // Next fit over the segments, first fit in each.
    private bool TryFind(int slots, out int first)
    {
        for (var i = 0; i < _segments.Length; i++)
        {
            var segment = (_next + i) % _segments.Length;
            // Starts of free runs: a slot is one if it and the slots-1 behind it are free. Doubling steps, as many as the length has bits.
            var starts = ~_segments[segment].Used;
            for (int have = 1, step; have < slots; have += step)
            {
                step = Math.Min(have, slots - have);
                starts &= starts >> step;
            }
            if (starts == 0)
                continue;
            first = (segment * SegmentSlots) + (int)UInt128.TrailingZeroCount(starts);
            return true;
        }
        first = 0;
        return false;
    }

    private static UInt128 Run(int slots) => slots == SegmentSlots ? UInt128.MaxValue : (UInt128.One << slots) - 1;
}
