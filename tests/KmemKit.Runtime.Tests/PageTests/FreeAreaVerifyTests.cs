using System;
using System.Runtime.InteropServices;
using KmemKit.Runtime.Buddy;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>The check that so many tests end with sees each kind of damage to a zone's lists of free blocks.</summary>
internal sealed unsafe class FreeAreaVerifyTests
{
    private const uint Frames = 4096;
    private const int MaxOrder = 10, PageBlockOrder = 9;

    private FreeAreaHeader* _header;
    private ulong* _masks;
    private ushort* _blocks;
    private FreeArea _area = null!;

    [SetUp]
    public void Fill()
    {
        _header = (FreeAreaHeader*)NativeMemory.AlignedAlloc((nuint)sizeof(FreeAreaHeader), 64);
        NativeMemory.Clear(_header, (nuint)sizeof(FreeAreaHeader));
        _masks = (ulong*)NativeMemory.AllocZeroed((nuint)FreeArea.BytesFor(Frames, MaxOrder));
        _blocks = (ushort*)NativeMemory.AllocZeroed(Frames >> PageBlockOrder, sizeof(ushort));
        _area = new FreeArea(_header, (byte*)_masks, 0, Frames, _blocks, MaxOrder, PageBlockOrder);
        foreach (var (frame, order) in new[] { (0u, 3), (64u, 6), (321u, 0), (512u, 9), (2048u, 10) })
            _area.Put(frame, order);
    }

    [TearDown]
    public void Free()
    {
        NativeMemory.AlignedFree(_header);
        NativeMemory.Free(_masks);
        NativeMemory.Free(_blocks);
    }

    [Test]
    public void Sound_lists_hold_and_tell_which_frames_are_free()
    {
        var free = new bool[Frames];
        _area.Verify(free);
        Assert.That(free.AsSpan().Count(true), Is.EqualTo(8 + 64 + 1 + 512 + 1024));
        Assert.That((free[7], free[8], free[321], free[3071], free[3072]), Is.EqualTo((true, false, true, true, false)));
    }

    [Test]
    public void A_wrong_count_of_an_order() => Damaged(() => _header->Count[3]++, "order 3 of type 0 has 1 blocks, its count says 2");

    [Test]
    public void A_summary_that_knows_too_much() => Damaged(() => _header->NonEmpty[0] |= 1 << 7, "order 7 of type 0: the summary is wrong");

    [Test]
    public void A_summary_that_forgot_an_order() => Damaged(() => _header->NonEmpty[0] &= ~(1u << 9), "order 9 of type 0: the summary is wrong");

    [Test]
    public void A_wrong_sum_of_free_pages() => Damaged(() => _header->Free--, "1609 pages are free, the count says 1608");

    [Test]
    public void A_group_that_should_be_one_block() => Damaged(() => _masks[3] = ulong.MaxValue, "group 3 is free as a whole and not a block of order 6");

    [Test]
    public void A_small_block_that_no_search_would_find() => Damaged(() => _masks[40] = 1, "group 40 has blocks of order 0 that the index of type 0 does not know");

    [Test]
    public void A_block_on_the_list_of_another_type() =>
        Damaged(() => _blocks[1] = (ushort)MigrateType.Movable, "block 1 of order 9 is on the list of type 0, its pageblock is of type 1");

    [Test]
    public void A_frame_in_two_blocks() => Damaged(() => Index(7)->Add(0), "frame 64 is in two free blocks", () => _masks[0] = 0);

    [Test]
    public void Buddies_that_were_not_merged() => Damaged(() => Index(6)->Add(0), "block 0 of order 6 and its buddy are both free", () => _masks[0] = 0);

    private FreeIndex* Index(int order) => (FreeIndex*)_header->Index + order;

    private void Damaged(Action damage, string says, Action? first = null)
    {
        first?.Invoke();
        damage();
        Assert.That(() => _area.Verify(new bool[Frames]), Throws.InvalidOperationException.With.Message.EqualTo($"The buddy lists are damaged: {says}."));
    }
}
