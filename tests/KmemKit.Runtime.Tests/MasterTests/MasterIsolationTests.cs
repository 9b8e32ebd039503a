using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Copy;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Tests.SmmuTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>A bus master with random work on randomly changing mappings: never a byte it was not given.</summary>
internal sealed class MasterIsolationTests
{
    private const ulong Page = 4096;
    private const int Pages = 128;
    private static readonly PhysAddr s_ram = new(0x200_0000);

    // The oracle is a map from device page to page, and a copy of memory on which each descriptor is done by its description, burst by burst. With an invalidation left out now and
    // then, the same must find bytes that were reached and not given.
    [TestCase(SmmuVersion.V3, 31, 6000, false)]
    [TestCase(SmmuVersion.V3, 32, 6000, true)]
    [TestCase(SmmuVersion.V2, 33, 6000, false)]
    [TestCase(SmmuVersion.V2, 34, 6000, true)]
    public void A_copy_engine_touches_what_it_was_given_and_nothing_else(SmmuVersion version, int seed, int steps, bool forgets)
    {
        steps = int.TryParse(Environment.GetEnvironmentVariable("KMEMKIT_SMMU_STEPS"), out var asked) ? asked : steps;
        var random = new Random(seed);
        using var bench = DeviceBench.Of(version);
        using var domain = bench.Domain();
        using var other = bench.Domain();
        domain.Attach(9);
        using var port = new SmmuPort(bench.Smmu, 9);
        var memory = bench.Machine.Memory;
        var device = new DmaDevice("engine") { Domain = domain };
        var mapper = new DmaMapper(memory);
        Assert.That(mapper.TryAllocCoherent(bench.Cpu, device, 64, GfpFlags.Kernel, out var ring), Is.EqualTo(DmaError.None));
        var engine = new CopyEngine("engine", port, 1_000_000);
        var shadow = new byte[Pages * (int)Page];
        random.NextBytes(shadow);
        memory.Write(s_ram, shadow);
        var map = new Dictionary<ulong, (int Page, bool Writable)>();
        var live = new List<(BusAddr Bus, int Pages, DmaDirection Direction)>();
        var used = new bool[Pages];
        var (stale, done, faults) = (0, 0, 0);
        for (var step = 0; step < steps; step++)
        {
            switch (random.Next(8))
            {
                case 0 when live.Count < 30:
                    Map();
                    break;
                case 1 when live.Count > 0:
                    Unmap(random.Next(live.Count));
                    break;
                case 2 when random.Next(40) == 0:
                    // The stream changes to a domain that has nothing, and back: in between its ring is out of reach as well.
                    other.Attach(9);
                    Assert.That(Run(new CopyDescriptor(default, default, 1)), Is.EqualTo((MasterError.DescriptorRead, 0u)));
                    other.Detach(9);
                    domain.Attach(9);
                    break;
                default:
                    Copy(step);
                    break;
            }
        }
        var real = new byte[shadow.Length];
        memory.Read(s_ram, real);
        if (forgets)
        {
            Assert.That(stale, Is.Positive, "a byte was reached that was taken away, and it was seen");
            return;
        }
        Assert.That(real.AsSpan().SequenceEqual(shadow), Is.True, $"seed {seed}: a byte changed that no descriptor should have reached");
        Assert.That((done > steps / 20, faults > steps / 20), Is.EqualTo((true, true)), $"{done} went well, {faults} did not");
        foreach (var (bus, pages, direction) in live)
            mapper.Unmap(bench.Cpu, device, bus, (ulong)pages * Page, direction);
        mapper.FreeCoherent(bench.Cpu, device, ring!);
        Assert.That(domain.ReachableMemory(), Is.Empty);

        void Map()
        {
            var count = random.Next(1, 6);
            var first = random.Next(Pages - count);
            if (used.AsSpan(first, count).Contains(true))
                return;
            var direction = random.Next(3) == 0 ? DmaDirection.ToDevice : DmaDirection.Bidirectional;
            Assert.That(mapper.TryMap(bench.Cpu, device, s_ram + ((ulong)first * Page), (ulong)count * Page, direction, out var bus), Is.EqualTo(DmaError.None));
            used.AsSpan(first, count).Fill(true);
            for (var i = 0; i < count; i++)
                map.Add((bus.Value / Page) + (ulong)i, (first + i, direction == DmaDirection.Bidirectional));
            live.Add((bus, count, direction));
        }

        void Unmap(int index)
        {
            var (bus, count, direction) = live[index];
            live.RemoveAt(index);
            domain.ForgetsInvalidation = forgets && random.Next(4) == 0;
            mapper.Unmap(bench.Cpu, device, bus, (ulong)count * Page, direction);
            domain.ForgetsInvalidation = false;
            for (var i = 0; i < count; i++)
            {
                map.Remove((bus.Value / Page) + (ulong)i, out var gone);
                used[gone.Page] = false;
            }
        }

        void Copy(int step)
        {
            var (source, target) = (Address(), Address());
            var length = (uint)random.Next(1, 9000);
            var (error, transferred) = Run(new CopyDescriptor(source, target, length));
            var (expectedError, expected) = Expect(source, target, length);
            _ = expectedError == MasterError.None ? done++ : faults++;
            var isRight = (error, transferred) == (expectedError, expected) && Matches(target, expected);
            if (isRight)
                return;
            if (!forgets)
                Assert.Fail($"seed {seed}, step {step}: {length} bytes from {source} to {target} ended in {error} after {transferred}, and should in {expectedError} after {expected}");
            stale++;
            memory.Read(s_ram, shadow);
        }

        // Mostly what is mapped or what is behind it; and what was, for it is where stale translations are. The ring is in the first page of the addresses.
        BusAddr Address() => live.Count > 0 && random.Next(6) != 0
            ? live[random.Next(live.Count)] is var some ? some.Bus + (ulong)random.Next((some.Pages + 1) * (int)Page) : default
            : new BusAddr((ulong)random.Next(2, 200) * Page);

        (MasterError Error, uint Transferred) Run(in CopyDescriptor descriptor)
        {
            Span<byte> bytes = stackalloc byte[CopyDescriptor.Bytes];
            descriptor.Encode(bytes);
            memory.Write(ring!.Address, bytes);
            engine.Write(CopyEngine.Control, 4, 2);
            engine.Write(CopyEngine.RingBase, 8, ring.Bus.Value);
            engine.Write(CopyEngine.RingSize, 4, 1);
            engine.Write(CopyEngine.Control, 4, 1);
            engine.Write(CopyEngine.Head, 4, 1);
            engine.Advance(1_000_000);
            memory.Read(ring.Address, bytes);
            var after = CopyDescriptor.Decode(bytes);
            return after.IsDone ? (after.Error, after.Transferred) : ((MasterError)engine.Read(CopyEngine.Error, 4), 0);
        }

        (MasterError Error, uint Transferred) Expect(BusAddr source, BusAddr target, uint length)
        {
            for (var at = 0u; at < length;)
            {
                var burst = (uint)Math.Min(length - at, Page - Math.Max((source.Value + at) % Page, (target.Value + at) % Page));
                if (!TryFind(source + at, writes: false, out var from))
                    return (MasterError.DataRead, at);
                if (!TryFind(target + at, writes: true, out var to))
                    return (MasterError.DataWrite, at);
                shadow.AsSpan(from, (int)burst).ToArray().CopyTo(shadow, to);
                at += burst;
            }
            return (MasterError.None, length);
        }

        bool Matches(BusAddr target, uint bytes)
        {
            var seen = new byte[Page];
            for (var at = 0u; at < bytes;)
            {
                var part = (uint)Math.Min(bytes - at, Page - ((target.Value + at) % Page));
                if (TryFind(target + at, writes: true, out var place))
                {
                    memory.Read(s_ram + (ulong)place, seen.AsSpan(0, (int)part));
                    if (!seen.AsSpan(0, (int)part).SequenceEqual(shadow.AsSpan(place, (int)part)))
                        return false;
                }
                at += part;
            }
            return true;
        }

        bool TryFind(BusAddr address, bool writes, out int place)
        {
            place = 0;
            if (!map.TryGetValue(address.Value / Page, out var behind) || (writes && !behind.Writable))
                return false;
            place = (behind.Page * (int)Page) + (int)(address.Value % Page);
            return true;
        }
    }
}
