using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ObjectCaches;

/// <summary>Random operations of two CPUs against a plain model. A failure prints the seed; <c>KMEMKIT_SEED</c> replays it.</summary>
internal sealed unsafe class ObjectModelTests
{
    private const uint Constructed = 0xC0DEC0DE;

    private static IEnumerable<TestCaseData> Runs()
    {
        foreach (var kind in Caches.Kinds)
        {
            yield return new TestCaseData(kind, 32UL, 40_000).SetArgDisplayNames($"{kind}", "32 MiB");
            yield return new TestCaseData(kind, 6UL, 30_000).SetArgDisplayNames($"{kind}", "6 MiB, often out of memory");
        }
    }

    [TestCaseSource(nameof(Runs))]
    public void Live_objects_never_overlap_keep_their_contents_and_all_pages_come_back(ObjectAllocatorKind kind, ulong megabytes, int steps)
    {
        var seed = BuddyModelTests.Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        using var caches = new Caches(kind, megabytes);
        var random = new Random(seed);
        var model = new Model(caches, random);
        for (var step = 0; step < steps; step++)
        {
            var more = megabytes < 8 ? 98 : 65;
            var fill = step / (steps / 6 + 1) % 2 == 0 ? more : 100 - more;
            model.Step(fill);
            if (step % (steps / 4) == 0)
                model.CheckAll();
        }
        model.CheckAll();
        model.FreeAll();
        Assert.That(model.Failures, megabytes < 8 ? Is.GreaterThan(0) : Is.Zero);
    }

    private sealed class Model
    {
        private readonly Caches _caches;
        private readonly Random _random;
        private readonly List<KmemCache> _kinds = [];
        private readonly List<(nint Item, int Bytes, uint Mark, KmemCache? Cache)> _live = [];
        private readonly SortedDictionary<nint, nint> _ranges = [];
        private uint _marks;

        public Model(Caches caches, Random random)
        {
            (_caches, _random) = (caches, random);
            int[] sizes = [8, 24, 64, 72, 200, 512, 1000, 3000, 5000];
            SlabFlags[] flags = [SlabFlags.None, SlabFlags.HardwareCacheAlign, SlabFlags.ReclaimAccount, SlabFlags.TypesafeByRcu, SlabFlags.NoMerge];
            foreach (var size in sizes)
            {
                var flag = flags[random.Next(flags.Length)];
                ObjectConstructor? construct = size % 16 == 8 ? static item => *(uint*)item = Constructed : null;
                _kinds.Add(caches.Objects.CreateCache($"model-{size}", size, 0, flag, construct)!);
            }
        }

        public int Failures { get; private set; }

        public void Step(int fill)
        {
            var cpu = _random.Next(2) == 0 ? _caches.Cpu : _caches.Other;
            var action = _random.Next(1000);
            if (action < fill * 10)
                Alloc(cpu);
            else if (action < 990)
                Free(cpu);
            else if (action < 994)
                _kinds[_random.Next(_kinds.Count)].Shrink(cpu);
            else if (action < 997)
                _caches.Objects.Reap(cpu);
            else
                _caches.Objects.EndGracePeriod(cpu);
        }

        public void CheckAll()
        {
            foreach (var (item, bytes, mark, cache) in _live)
                Check(item, bytes, mark, cache);
        }

        public void FreeAll()
        {
            while (_live.Count > 0)
                Free(_caches.Other);
            foreach (var cache in _kinds)
                Assert.That(cache.Destroy(_caches.Cpu).IsDestroyed, cache.Name);
            _caches.Objects.ShrinkAll(_caches.Cpu);
            _caches.Objects.EndGracePeriod(_caches.Cpu);
            _caches.Objects.ShrinkAll(_caches.Cpu);
            _caches.Pages.Verify();
            Assert.That(_caches.PagesTaken, Is.Zero, "every page is back");
            Assert.That(_caches.Objects.ReclaimablePages + _caches.Objects.UnreclaimablePages, Is.Zero);
        }

        private void Alloc(Cpu cpu)
        {
            var flags = _random.Next(4) == 0 ? GfpFlags.Atomic | GfpFlags.NoWarn : GfpFlags.Kernel | GfpFlags.NoWarn;
            var cache = _random.Next(3) == 0 ? null : _kinds[_random.Next(_kinds.Count)];
            var zero = cache?.Constructor is null && _random.Next(4) == 0;
            var bytes = cache?.ObjectSize ?? (_random.Next(50) == 0 ? _random.Next(1, 40_000) : _random.Next(1, 1500));
            flags |= zero ? GfpFlags.Zero : 0;
            var item = cache is null ? _caches.Objects.Kmalloc(cpu, (nuint)bytes, flags) : cache.Alloc(cpu, flags);
            if (item is null)
            {
                Failures++;
                return;
            }
            if (cache?.Constructor is not null)
                Assert.That(*(uint*)item, Is.EqualTo(Constructed), "the constructor's state");
            if (zero)
                Assert.That(new ReadOnlySpan<byte>(item, bytes).IndexOfAnyExcept((byte)0), Is.EqualTo(-1));
            var align = cache?.Layout.Align ?? (int.IsPow2(bytes) && bytes <= 4096 && _caches.Objects.Kind != ObjectAllocatorKind.Slob ? bytes : 8);
            Assert.That((long)item % align, Is.Zero, "alignment");
            Claim((nint)item, bytes);
            var mark = ++_marks;
            Paint((nint)item, bytes, mark, cache);
            _live.Add(((nint)item, bytes, mark, cache));
        }

        private void Free(Cpu cpu)
        {
            if (_live.Count == 0)
                return;
            var at = _random.Next(_live.Count);
            var (item, bytes, mark, cache) = _live[at];
            _live[at] = _live[^1];
            _live.RemoveAt(_live.Count - 1);
            Check(item, bytes, mark, cache);
            _ranges.Remove(item);
            if (cache is not null && _caches.Objects.Kind == ObjectAllocatorKind.Slob || cache is not null && _random.Next(2) == 0)
                cache!.Free(cpu, (void*)item);
            else
                _caches.Objects.Kfree(cpu, (void*)item);
        }

        // Ranges before and behind must be apart: found in a sorted map by the neighbours' keys.
        private void Claim(nint item, int bytes)
        {
            foreach (var (other, size) in _live.Count < 400 ? Near() : [])
                Assert.That(item + bytes <= other || other + size <= item, "two live objects overlap");
            Assert.That(_ranges.TryAdd(item, bytes), "one object is given out twice");

            IEnumerable<(nint, int)> Near()
            {
                foreach (var (start, size, _, _) in _live)
                    yield return (start, size);
            }
        }

        // Each byte but a constructor's word says whose it is: whoever overlaps writes another mark.
        private static void Paint(nint item, int bytes, uint mark, KmemCache? cache)
        {
            var skip = cache?.Constructor is null ? 0 : 4;
            new Span<byte>((void*)(item + skip), bytes - skip).Fill(FillOf(mark));
            if (bytes - skip >= 4)
                *(uint*)(item + skip) = mark;
        }

        private static byte FillOf(uint mark) => unchecked((byte)(mark * 31));

        private static void Check(nint item, int bytes, uint mark, KmemCache? cache)
        {
            var skip = cache?.Constructor is null ? 0 : 4;
            var span = new ReadOnlySpan<byte>((void*)(item + skip), bytes - skip);
            if (span.Length >= 4)
            {
                Assert.That(MemoryMarshal.Read<uint>(span), Is.EqualTo(mark), "contents");
                span = span[4..];
            }
            Assert.That(span.IndexOfAnyExcept(FillOf(mark)), Is.EqualTo(-1), "contents");
        }
    }
}
