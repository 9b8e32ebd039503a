using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>Every single byte of a slot that <c>slub_debug</c> knows is filled, and a change of it found by the next call: for sizes of whole pieces, of odd words and of odd bytes.</summary>
/// <remarks>What a byte has to be is written here anew after the drawing above <c>check_pad_bytes</c> in mm/slub.c.</remarks>
[TestFixture("FZPU", 64, 0, 6)]
[TestFixture("FZPU", 64, 64, 6)]
[TestFixture("FZP", 32, 32, 6)]
[TestFixture("FZP", 96, 0, 6)]
[TestFixture("FZP", 192, 64, 6)]
[TestFixture("FZP", 40, 0, 6)]
[TestFixture("FZPU", 8, 0, 6)]
[TestFixture("FZPU", 24, 16, 6)]
[TestFixture("FZPU", 61, 0, 6)]
[TestFixture("FZ", 72, 0, 6)]
[TestFixture("FZ", 128, 128, 6)]
[TestFixture("FP", 64, 64, 6)]
[TestFixture("FP", 104, 0, 6)]
[TestFixture("FPU", 43, 0, 6)]
[TestFixture("FZPU", 64, 64, 4)]
[TestFixture("FZP", 40, 0, 4)]
internal sealed unsafe class SlotByteTests(string options, int size, int align, int version)
{
    private readonly bool _zones = options.Contains('Z', StringComparison.Ordinal);
    private readonly List<MemoryReport> _reports = [];
    private readonly bool _poisons = options.Contains('P', StringComparison.Ordinal);

    [Test]
    public void The_slot_is_filled_by_each_call()
    {
        using var machine = Boot();
        var cache = machine.Cache(size: size, align: align);
        for (var turn = 0; turn < 3; turn++)
        {
            var item = (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel);
            Assert.That(Differences(cache.Layout, item, isFree: false), Is.Empty, $"allocation {turn}");
            // Whoever has it may write all of it.
            new Span<byte>(item, size).Fill(0x11);
            cache.Free(machine.Cpu, item);
            Assert.That(Differences(cache.Layout, item, isFree: true), Is.Empty, $"free {turn}");
        }
        machine.ExpectNoReport();
    }

    [Test]
    public void A_byte_of_a_free_object_that_changes_is_found_by_the_allocation()
    {
        // A slab with a damaged free object is given up, and its cache is watched closer from then on: a new one for each byte.
        using var machine = Boot();
        var layout = machine.Cache(size: size, align: align).Layout;
        for (var offset = -layout.RedLeftPad; offset < layout.Size - layout.RedLeftPad; offset++)
        {
            if (Expected(layout, offset, isFree: true) is not { } expected)
                continue;
            var cache = machine.Cache($"widget{offset}", size, align: align);
            var item = Alloc(machine, cache);
            Free(machine, cache, item);
            item[offset] = (byte)(expected ^ (1 << (offset & 7)));
            var other = Alloc(machine, cache);
            Expect(machine, cache, item, offset, isFree: true);
            Assert.That(other != item, Is.True, $"byte {offset}");
        }
    }

    [Test]
    public void A_byte_of_an_allocated_object_that_changes_is_found_by_the_free()
    {
        using var machine = Boot();
        var cache = machine.Cache(size: size, align: align);
        var item = Alloc(machine, cache);
        for (var offset = -cache.Layout.RedLeftPad; offset < cache.Layout.Size - cache.Layout.RedLeftPad; offset++)
        {
            if (Expected(cache.Layout, offset, isFree: false) is not { } expected)
                continue;
            item[offset] = (byte)(expected ^ (0x80 >> (offset & 7)));
            Free(machine, cache, item);
            Expect(machine, cache, item, offset, isFree: false);
            Assert.That(item[offset], Is.EqualTo(expected), $"byte {offset} is put right");
        }
        Free(machine, cache, item);
        Assert.That(_reports, Is.Empty);
    }

    private void Expect(CheckedMachine machine, KmemCache cache, byte* item, int offset, bool isFree)
    {
        Assert.That(_reports, Has.Count.EqualTo(1), $"byte {offset}");
        var report = (SlabReport)_reports[0];
        _reports.Clear();
        Assert.That(report.Kind, Is.EqualTo(KindAt(cache.Layout, offset, isFree)), $"byte {offset}");
        Assert.That(report.Damage!.Value.First, Is.EqualTo(machine.Allocator.AddressOf(&item[offset])), $"byte {offset}");
    }

    private SlabReportKind KindAt(ObjectLayout layout, int offset, bool isFree) => offset switch
    {
        < 0 => SlabReportKind.LeftRedZoneOverwritten,
        _ when offset < size => isFree ? SlabReportKind.PoisonOverwritten : throw new InvalidOperationException(),
        _ when offset < layout.Inuse => _zones ? SlabReportKind.RedZoneOverwritten : SlabReportKind.AlignmentPaddingOverwritten,
        _ => SlabReportKind.ObjectPaddingOverwritten,
    };

    private byte? Expected(ObjectLayout layout, int offset, bool isFree)
    {
        var red = isFree ? (byte)0xbb : (byte)0xcc;
        if (offset < 0)
            return _zones ? red : null;
        if (offset < size)
            return !_poisons || !isFree ? null : offset == size - 1 ? (byte)0xa5 : (byte)0x6b;
        // A red zone of at least a byte up to a word's end; without zones what is left of the word.
        if (offset < (_zones ? (size / 8 * 8) + 8 : (size + 7) / 8 * 8))
            return _zones ? red : _poisons ? (byte)0x5a : null;
        // Free pointer, two tracks, the size that was asked for: what is behind them fills the slot.
        var behind = (_zones ? (size / 8 * 8) + 8 : (size + 7) / 8 * 8) + 8 + (options.Contains('U', StringComparison.Ordinal) ? 32 + 8 : 0);
        return offset >= behind && offset < layout.Size - layout.RedLeftPad && _poisons ? (byte)0x5a : null;
    }

    private List<string> Differences(ObjectLayout layout, byte* item, bool isFree)
    {
        var found = new List<string>();
        for (var offset = -layout.RedLeftPad; offset < layout.Size - layout.RedLeftPad; offset++)
        {
            if (Expected(layout, offset, isFree) is { } expected && item[offset] != expected)
                found.Add($"{offset}: {item[offset]:x2}, not {expected:x2}");
        }
        return found;
    }

    // Each call by one line that is known, so that it goes the short way.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* Alloc(CheckedMachine machine, KmemCache cache) => (byte*)cache.Alloc(machine.Cpu, GfpFlags.Kernel, "allocator.c", 1);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Free(CheckedMachine machine, KmemCache cache, byte* item) => cache.Free(machine.Cpu, item, "allocator.c", 2);

    private CheckedMachine Boot()
    {
        var machine = new CheckedMachine(CheckedMachine.Slub(options), version: version == 4 ? new LinuxVersion(4, 4) : null);
        machine.Checks.Sites.NumberOf(new AllocationSite("allocator.c", 1));
        machine.Checks.Sites.NumberOf(new AllocationSite("allocator.c", 2));
        _reports.Clear();
        machine.Checks.Reported += _reports.Add;
        return machine;
    }
}
