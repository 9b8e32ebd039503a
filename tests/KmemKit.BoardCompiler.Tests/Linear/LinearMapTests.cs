using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Linear;

public sealed class LinearMapTests
{
    private const int Seed = 974;

    [Test]
    public void An_empty_segment_is_refused() => Refused([Segment(0, 0, 0)], []);

    [Test]
    public void Segments_that_fall_are_refused() => Refused([Segment(0x2000, 0xc0002000, 0x1000), Segment(0, 0xc0004000, 0x1000)], []);

    [Test]
    public void Segments_that_share_physical_addresses_are_refused() => Refused([Segment(0, 0xc0000000, 0x1001), Segment(0x1000, 0xd0000000, 0x1000)], []);

    [Test]
    public void Segments_that_share_virtual_addresses_are_refused() => Refused([Segment(0, 0xc0000000, 0x1001), Segment(0x8000, 0xc0001000, 0x1000)], []);

    [Test]
    public void Segments_that_fall_in_virtual_space_are_refused() => Refused([Segment(0, 0xd0000000, 0x1000), Segment(0x8000, 0xc0000000, 0x1000)], []);

    [Test]
    public void RAM_outside_of_the_segments_is_refused() => Refused([Segment(0x1000, 0xc0000000, 0x1000)], [Ram(0, 0x1000)]);

    [Test]
    public void RAM_across_two_segments_is_refused() =>
        Refused([Segment(0, 0xc0000000, 0x1000), Segment(0x1000, 0xd0000000, 0x1000)], [Ram(0x800, 0x1000)]);

    [Test]
    public void RAM_that_overlaps_RAM_is_refused() => Refused([Segment(0, 0xc0000000, 0x4000)], [Ram(0, 0x2000), Ram(0x1fff, 0x10)]);

    [Test]
    public void Segments_and_RAM_may_touch() => Assert.That(
        () => new LinearMap([Segment(0, 0xc0000000, 0x1000), Segment(0x1000, 0xc0001000, 0x1000)], [Ram(0, 0x800), Ram(0x800, 0x800), Ram(0x1000, 0x1000)]),
        Throws.Nothing);

    [Test]
    public void A_segment_may_end_at_the_last_address_there_is()
    {
        var map = new LinearMap([Segment(0, 0xffff_ffff_0000_0000, 0x1_0000_0000)], [Ram(0, 0x1_0000_0000)]);
        Assert.That(map.VirtToPhys(VirtAddr.MaxValue, out var phys), Is.EqualTo(TranslationStatus.Ok));
        Assert.That(phys, Is.EqualTo(new PhysAddr(0xffff_ffff)));
    }

    [Test]
    public void RAM_comes_back_from_the_round_trip()
    {
        var random = new Random(Seed);
        for (var count = 1; count <= 12; count++)
        {
            var map = RandomLinearMap.Create(random, count, 32, 32);
            foreach (var ram in map.Ram)
            {
                foreach (var phys in new[] { ram.Start, ram.Last, ram.Start + RandomLinearMap.Below(random, ram.Size.Value) })
                {
                    Assert.That(map.PhysToVirt(phys, out var virt), Is.EqualTo(TranslationStatus.Ok), $"seed {Seed}, {count} segments, {phys}");
                    Assert.That(map.VirtToPhys(virt, out var back), Is.EqualTo(TranslationStatus.Ok));
                    Assert.That(back, Is.EqualTo(phys));
                }
            }
        }
    }

    // __phys_to_virt of the msm kernel takes 0x7600000, which is in the hole, to 0xc7600000: the virtual address of RAM at 0x12000000.
    [Test]
    public void An_address_in_the_hole_never_comes_out_as_RAM_behind_it()
    {
        var map = Maps.HoleSkipped;
        var aliased = new PhysAddr(0x7600000);
        Assert.That(map.PhysToVirt(aliased, out var virt), Is.EqualTo(TranslationStatus.Outside));
        Assert.That(virt, Is.EqualTo(default(VirtAddr)));
        Assert.That(map.VirtToPhys(new VirtAddr(0xc7600000), out var phys), Is.EqualTo(TranslationStatus.Ok));
        Assert.That(phys, Is.EqualTo(new PhysAddr(0x12000000)));

        var code = CompiledTranslation.Compile([(map, 32, 32)])[0];
        Assert.That(code.PhysToVirt(aliased), Is.EqualTo(new VirtAddr(0xc7600000)), "the macro's answer is what the unchecked form documents");
        for (var hole = 0x7500000UL; hole < 0x12000000; hole += 0x1000)
        {
            Assert.That(code.TryPhysToVirt(new PhysAddr(hole), out var none), Is.False);
            Assert.That(none, Is.EqualTo(default(VirtAddr)));
        }
    }

    [Test]
    public void A_hole_inside_a_segment_is_told_from_an_address_outside()
    {
        Assert.That(Maps.HoleSkipped.PhysToVirt(new PhysAddr(0x5b00000), out var virt), Is.EqualTo(TranslationStatus.Hole));
        Assert.That(virt, Is.EqualTo(new VirtAddr(0xc5b00000)));
        Assert.That(Maps.HoleSkipped.VirtToPhys(new VirtAddr(0xc7500000), out _), Is.EqualTo(TranslationStatus.Outside));
    }

    private static void Refused(ImmutableArray<LinearSegment> segments, ImmutableArray<PhysRange> ram) =>
        Assert.That(() => new LinearMap(segments, ram), Throws.ArgumentException);

    private static LinearSegment Segment(ulong phys, ulong virt, ulong size) => new(new PhysAddr(phys), new VirtAddr(virt), size);

    private static PhysRange Ram(ulong start, ulong size) => new(new PhysAddr(start), size);
}
