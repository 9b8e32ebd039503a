using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.BoardCompiler.Writers.CSharp.Translation;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Linear;

/// <summary>
/// The C# that is written for a map, compiled, against <see cref="LinearMap"/> and against the rule of the kernel's macros.
/// Replay with another seed: <c>dotnet test -- TestRunParameters.Parameter(name=\"seed\",value=\"1\")</c>.
/// </summary>
public sealed class TranslationWriterTests
{
    // Every form: one offset, masks, sections (coarse boundaries from five segments on), masks again (fine ones), search.
    private static readonly int[] SegmentCounts = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 16, 17, 33, 70];
    private static readonly (int Physical, int Virtual)[] Widths = [(32, 32), (32, 32), (64, 32), (64, 64)];

    private int _seed;
    private List<(LinearMap Map, int PhysicalBits, int VirtualBits)> _maps = [];
    private CompiledTranslation[] _compiled = [];

    [OneTimeSetUp]
    public void CompileAllMaps()
    {
        _seed = TestContext.Parameters.Get("seed", 20150729);
        TestContext.Out.WriteLine($"seed {_seed}");
        var random = new Random(_seed);
        foreach (var count in SegmentCounts)
        {
            foreach (var (physicalBits, virtualBits) in Widths)
                _maps.Add((RandomLinearMap.Create(random, count, physicalBits, virtualBits), physicalBits, virtualBits));
        }
        _maps.Add((LinearMap.Empty, 32, 32));
        _compiled = CompiledTranslation.Compile(_maps);
    }

    [Test]
    public void Unchecked_translation_adds_the_offset_of_the_last_segment_that_starts_at_or_below_the_address()
    {
        ForEachMap((map, physicalBits, virtualBits, code, random) =>
        {
            foreach (var address in Samples(map.Segments.Select(s => (s.Phys.Value, s.Size)).Concat(Banks(map)), physicalBits, random))
            {
                var segment = map.Segments.LastOrDefault(s => s.Phys.Value <= address, map.Segments.FirstOrDefault());
                var expected = unchecked(address - segment.Phys.Value + segment.Virt.Value) & Mask(virtualBits);
                Assert.That(code.PhysToVirt(new PhysAddr(address)), Is.EqualTo(new VirtAddr(expected)), () => $"phys 0x{address:x}");
            }
            foreach (var address in Samples(map.Segments.Select(s => (s.Virt.Value, s.Size)), virtualBits, random))
            {
                var segment = map.Segments.LastOrDefault(s => s.Virt.Value <= address, map.Segments.FirstOrDefault());
                var expected = unchecked(address - segment.Virt.Value + segment.Phys.Value) & Mask(physicalBits);
                Assert.That(code.VirtToPhys(new VirtAddr(address)), Is.EqualTo(new PhysAddr(expected)), () => $"virt 0x{address:x}");
            }
        });
    }

    [Test]
    public void Unchecked_translation_answers_as_the_map_does_inside_every_segment()
    {
        ForEachMap((map, _, _, code, random) =>
        {
            foreach (var segment in map.Segments)
            {
                foreach (var at in new ulong[] { 0, 1, segment.Size / 2, segment.Size - 1, RandomLinearMap.Below(random, segment.Size) }.Where(at => at < segment.Size))
                {
                    var phys = segment.Phys + at;
                    Assert.That(map.PhysToVirt(phys, out var virt), Is.Not.EqualTo(TranslationStatus.Outside));
                    Assert.That(code.PhysToVirt(phys), Is.EqualTo(virt));
                    Assert.That(code.VirtToPhys(virt), Is.EqualTo(phys));
                }
            }
        });
    }

    [Test]
    public void Checked_translation_answers_for_RAM_and_refuses_everything_else()
    {
        ForEachMap((map, physicalBits, virtualBits, code, random) =>
        {
            var spans = map.Segments.Select(s => (s.Phys.Value, s.Size)).Concat(Banks(map));
            foreach (var address in Samples(spans, physicalBits, random).Concat(TooWide(physicalBits, random)))
            {
                var isRam = map.PhysToVirt(new PhysAddr(address), out var expected) == TranslationStatus.Ok;
                Assert.That(code.TryPhysToVirt(new PhysAddr(address), out var result), Is.EqualTo(isRam), () => $"phys 0x{address:x}");
                Assert.That(result, Is.EqualTo(isRam ? expected : default));
            }
            var virtualSpans = map.Segments.Select(s => (s.Virt.Value, s.Size)).Concat(VirtualBanks(map));
            foreach (var address in Samples(virtualSpans, virtualBits, random).Concat(TooWide(virtualBits, random)))
            {
                var isRam = map.VirtToPhys(new VirtAddr(address), out var expected) == TranslationStatus.Ok;
                Assert.That(code.TryVirtToPhys(new VirtAddr(address), out var result), Is.EqualTo(isRam), () => $"virt 0x{address:x}");
                Assert.That(result, Is.EqualTo(isRam ? expected : default));
            }
        });
    }

    // A machine has one widest vector: the narrower ones are reached by taking the wider ones out of the text.
    [TestCase(512)]
    [TestCase(256)]
    [TestCase(128)]
    [TestCase(0)]
    public void Span_translation_is_the_scalar_one_at_every_length_and_alignment(int widestVector)
    {
        // The search has no vectors: without its long tables the text compiles in a fraction of the time.
        var maps = widestVector == 512 ? _maps : _maps.Where(m => m.Map.Segments.Length is 1 or 2 or 3 or 6 or 12).ToList();
        var compiled = widestVector == 512 ? _compiled : CompiledTranslation.Compile(maps, WithoutVectorsAbove(widestVector));
        for (var i = 0; i < maps.Count; i++)
        {
            var (map, physicalBits, _) = maps[i];
            var code = compiled[i];
            var random = new Random(_seed + i);
            var pool = Samples(map.Segments.Select(s => (s.Phys.Value, s.Size)), physicalBits, random).ToArray();
            for (var length = 0; length <= 67; length++)
            {
                var at = length % 9;
                var source = Enumerable.Range(0, length + at).Select(_ => new PhysAddr(pool[random.Next(pool.Length)])).ToArray();
                var guard = new VirtAddr(0xdead);
                var there = Enumerable.Repeat(guard, length + 12).ToArray();
                code.PhysToVirtSpan(source.AsSpan(at), there.AsSpan(3, length + 1));
                var whole = Enumerable.Repeat(guard, 3).Concat(source[at..].Select(code.PhysToVirt)).Concat(Enumerable.Repeat(guard, 9));
                Assert.That(there.SequenceEqual(whole), () => $"seed {_seed} map {i}, {length} addresses: {string.Join(' ', there)}");

                // Back again in place, from a span of bytes that no vector is aligned with.
                var bytes = new byte[(length * 8) + 5];
                there.AsSpan(3, length).CopyTo(MemoryMarshal.Cast<byte, VirtAddr>(bytes.AsSpan(5)));
                var expected = there[3..(length + 3)].Select(code.VirtToPhys).ToArray();
                code.VirtToPhysSpan(MemoryMarshal.Cast<byte, VirtAddr>(bytes.AsSpan(5)), MemoryMarshal.Cast<byte, PhysAddr>(bytes.AsSpan(5)));
                Assert.That(MemoryMarshal.Cast<byte, PhysAddr>(bytes.AsSpan(5)).SequenceEqual(expected), () => $"seed {_seed} map {i}, {length} addresses in place");
            }
        }
    }

    private static Func<string, string> WithoutVectorsAbove(int widest) => text => new[] { 512, 256, 128 }
        .Where(bits => bits > widest)
        .Aggregate(text, (result, bits) => result.Replace($"Vector{bits}.IsHardwareAccelerated", "AppContext.BaseDirectory.Length < 0", StringComparison.Ordinal)
            .Replace("global::System.Runtime.Intrinsics.AppContext", "global::System.AppContext", StringComparison.Ordinal));

    [Test]
    public void The_random_maps_reach_every_form()
    {
        var forms = _maps.SelectMany(m => new[]
        {
            TranslationPlan.PhysToVirt(m.Map, m.PhysicalBits, m.VirtualBits),
            TranslationPlan.VirtToPhys(m.Map, m.PhysicalBits, m.VirtualBits),
        }).Select(plan => (plan.Form, plan.ArgumentBits)).ToHashSet();
        (TranslationForm, int)[] all =
        [
            (TranslationForm.Offset, 32), (TranslationForm.Masks, 32), (TranslationForm.Sections, 32), (TranslationForm.Search, 32),
            (TranslationForm.Offset, 64), (TranslationForm.Masks, 64), (TranslationForm.Search, 64),
        ];
        Assert.That(forms, Is.EquivalentTo(all), $"seed {_seed}");
    }

    [Test]
    public void An_address_wider_than_the_board_gets_an_answer_of_the_boards_width_and_never_an_exception()
    {
        ForEachMap((_, physicalBits, virtualBits, code, random) =>
        {
            foreach (var address in TooWide(physicalBits, random))
                Assert.That(code.PhysToVirt(new PhysAddr(address)).Value, Is.LessThanOrEqualTo(Mask(virtualBits)));
            foreach (var address in TooWide(virtualBits, random))
                Assert.That(code.VirtToPhys(new VirtAddr(address)).Value, Is.LessThanOrEqualTo(Mask(physicalBits)));
        });
    }

    [Test]
    public void A_short_destination_is_refused_before_anything_is_written()
    {
        var there = new VirtAddr[4];
        var down = _compiled[4].PhysToVirtSpan;
        Assert.That(() => down(new PhysAddr[5], there), Throws.ArgumentException);
        Assert.That(there, Is.All.EqualTo(default(VirtAddr)));
    }

    [TestCase(8)]
    [TestCase(64)]
    [TestCase(4)]
    public void Spans_that_overlap_at_different_places_are_refused(int bytesApart)
    {
        var memory = new byte[512];
        var down = _compiled[4].PhysToVirtSpan;
        void Call(int from, int to) =>
            down(MemoryMarshal.Cast<byte, PhysAddr>(memory.AsSpan(from, 256)), MemoryMarshal.Cast<byte, VirtAddr>(memory.AsSpan(to, 256)));
        Assert.That(() => Call(0, bytesApart), Throws.ArgumentException);
        Assert.That(() => Call(bytesApart, 0), Throws.ArgumentException);
        Assert.That(() => Call(0, 256), Throws.Nothing);
    }

    [Test]
    [NonParallelizable]
    public void A_debug_build_asserts_that_an_unchecked_address_is_RAM()
    {
        var map = Maps.HoleSkipped;
        var code = CompiledTranslation.Compile([(map, 32, 32)], null, "DEBUG")[0];
        var listeners = Trace.Listeners.Cast<TraceListener>().ToArray();
        Trace.Listeners.Clear();
        Trace.Listeners.Add(new ThrowingListener());
        try
        {
            var ram = map.Ram[0].Start;
            var hole = new PhysAddr(map.Ram[0].End.Value);
            Assert.That(() => code.PhysToVirt(ram), Throws.Nothing);
            Assert.That(() => code.PhysToVirt(hole), Throws.TypeOf<AssertionFailedException>());
            Assert.That(() => code.PhysToVirtSpan([ram, hole], new VirtAddr[2]), Throws.TypeOf<AssertionFailedException>());
            Assert.That(() => code.VirtToPhys(default), Throws.TypeOf<AssertionFailedException>());
        }
        finally
        {
            Trace.Listeners.Clear();
            Trace.Listeners.AddRange(listeners);
        }
    }

    [TestCase(1)]
    [TestCase(2)]
    [TestCase(3)]
    [TestCase(4)]
    public void Below_five_segments_there_is_no_table_and_no_jump(int segments)
    {
        var map = RandomLinearMap.Create(new Random(segments), segments, 32, 32);
        var code = new SourceWriter();
        TranslationWriter.Write(code, map, 32);
        var body = code.ToString().Split("public static global::KmemKit.Architecture.VirtAddr PhysToVirt(")[1].Split("\n}\n")[0];
        Assert.That(body, Does.Not.Contain("MemoryMarshal").And.Not.Contain(" if ").And.Not.Contain("?"));
    }

    [Test]
    public void One_segment_is_one_add()
    {
        var code = new SourceWriter();
        TranslationWriter.Write(code, Maps.OneBank, 32);
        Assert.That(code.ToString(), Does.Contain("return new global::KmemKit.Architecture.VirtAddr((uint)a + 0x40000000u);"));
    }

    [Test]
    public void The_same_map_is_written_to_the_same_text()
    {
        var once = CompiledTranslation.Source(_maps);
        var again = CompiledTranslation.Source(_maps.Select(m => (new LinearMap(m.Map.Segments, m.Map.Ram), m.PhysicalBits, m.VirtualBits)));
        Assert.That(again, Is.EqualTo(once));
        Assert.That(once, Does.Not.Contain("\r"));
    }

    [TestCase(31)]
    [TestCase(0)]
    [TestCase(40)]
    public void A_width_no_kernel_type_has_is_refused(int bits) =>
        Assert.That(() => TranslationWriter.Write(new SourceWriter(), Maps.OneBank, bits), Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void A_map_beyond_its_width_is_refused_and_one_that_ends_there_is_not()
    {
        var atTheEnd = new LinearMap([new LinearSegment(new PhysAddr(0xf0000000), new VirtAddr(0xc0000000), 0x10000000)], []);
        var beyond = new LinearMap([new LinearSegment(new PhysAddr(0xf0000000), new VirtAddr(0xc0000000), 0x10000001)], []);
        Assert.That(() => TranslationWriter.Write(new SourceWriter(), atTheEnd, 32), Throws.Nothing);
        Assert.That(() => TranslationWriter.Write(new SourceWriter(), beyond, 32), Throws.ArgumentException);
        Assert.That(() => TranslationWriter.Write(new SourceWriter(), beyond, 64, 32), Throws.Nothing);
    }

    private void ForEachMap(Action<LinearMap, int, int, CompiledTranslation, Random> check)
    {
        for (var i = 0; i < _maps.Count; i++)
        {
            var (map, physicalBits, virtualBits) = _maps[i];
            TestContext.Out.WriteLine($"seed {_seed} map {i}: {map.Segments.Length} segments, {physicalBits} and {virtualBits} bits");
            check(map, physicalBits, virtualBits, _compiled[i], new Random(_seed + i));
        }
    }

    private static IEnumerable<(ulong Start, ulong Size)> Banks(LinearMap map) => map.Ram.Select(ram => (ram.Start.Value, ram.Size.Value));

    private static IEnumerable<(ulong Start, ulong Size)> VirtualBanks(LinearMap map) => map.Ram.Select(ram =>
    {
        map.PhysToVirt(ram.Start, out var virt);
        return (virt.Value, ram.Size.Value);
    });

    /// <summary>Every edge and the addresses beside it, the ends of the space, and as many at random.</summary>
    private static IEnumerable<ulong> Samples(IEnumerable<(ulong Start, ulong Size)> spans, int bits, Random random)
    {
        var edges = spans.SelectMany(span => new[] { span.Start, unchecked(span.Start + span.Size), unchecked(span.Start + (span.Size / 2)) }).Append(0UL).Append(1UL << 31).Append(1UL << 63);
        var beside = edges.SelectMany(edge => new[] { unchecked(edge - 1), edge, unchecked(edge + 1) }).Select(address => address & Mask(bits)).ToList();
        return beside.Concat(Enumerable.Range(0, 64).Select(_ => RandomLinearMap.Below(random, ulong.MaxValue) & Mask(bits))).Distinct();
    }

    private static ulong[] TooWide(int bits, Random random) => bits == 64
        ? []
        : [1UL << 32, (1UL << 32) + 5, 1UL << 62, (1UL << 63) - 1, 1UL << 63, (1UL << 63) + 0x12345678, ulong.MaxValue, RandomLinearMap.Below(random, ulong.MaxValue)];

    private static ulong Mask(int bits) => bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;

    private sealed class AssertionFailedException(string? message) : Exception(message);

    private sealed class ThrowingListener : TraceListener
    {
        public override void Fail(string? message, string? detailMessage) => throw new AssertionFailedException(message);

        public override void Write(string? message)
        {
        }

        public override void WriteLine(string? message)
        {
        }
    }
}
