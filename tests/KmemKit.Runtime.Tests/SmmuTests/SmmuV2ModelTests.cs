using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V2.Driver;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Several devices and address spaces behind one SMMUv2: whatever was mapped, unmapped, attached and detached, a device reaches what it has now, and nothing else.</summary>
internal sealed class SmmuV2ModelTests
{
    private const ulong Page = 4096;
    private const uint Streams = 12;
    private const int Domains = 3;

    // The oracle is a map from device page to memory page for each domain, and from stream to domain. With one invalidation in a thousand unmaps left out the same finds a device that
    // reaches what was taken from it.
    [TestCase(5, 40_000, false)]
    [TestCase(6, 40_000, true)]
    public void Devices_reach_what_their_domain_has_now(int seed, int steps, bool forgets)
    {
        steps = int.TryParse(Environment.GetEnvironmentVariable("KMEMKIT_SMMU_STEPS"), out var asked) ? asked : steps;
        using var bench = new SmmuV2Bench(new SmmuV2Features { StreamMappingGroups = 10, ContextBanks = Domains, StreamIdBits = 8 });
        var model = new Model(bench, new Random(seed), forgets);
        var wrong = 0;
        for (var step = 0; step < steps; step++)
        {
            if (model.Step() is not { } mistake)
                continue;
            Assert.That(forgets && model.Forgotten > 0, $"seed {seed}, step {step}: {mistake}");
            wrong++;
            // One is enough to be caught by.
            break;
        }
        Assert.That((model.Forgotten > 0, wrong > 0), Is.EqualTo((forgets, forgets)), "a lost invalidation is seen");
        Assert.That(model.Reached, Is.Positive);
        model.Dispose();
    }

    [Test]
    public void Two_CPUs_map_access_and_unmap_at_once()
    {
        using var bench = new SmmuV2Bench();
        var wrong = 0;
        var threads = Enumerable.Range(0, 2).Select(number => new Thread(() =>
        {
            var cpu = bench.Machine.Allocator.Cpus[number];
            var memory = new PhysAddr((32UL + ((ulong)number * 8)) << 20);
            // Each makes and ends address spaces too: groups and banks are everybody's.
            for (var round = 0; round < 20; round++)
            {
                using var domain = SmmuV2Domain.TryCreate<Granule4K>(bench.Driver, cpu, bench.Machine.Memory)!;
                var stream = (uint)(number + 1);
                domain.Attach(stream);
                using var port = new SmmuPort(bench.Smmu, stream);
                for (var i = 0UL; i < 100; i++)
                {
                    var page = memory + (i * Page);
                    var mark = ((ulong)number << 32) | ((ulong)round << 16) | i;
                    bench.Machine.Memory.WriteUInt64(page, mark);
                    if (domain.TryMap(cpu, [new DmaPiece(page, Page)], DmaAccess.Read, ulong.MaxValue, out var bus) != DmaError.None
                        || port.Read(bus, out var value) != SmmuOutcome.Translated || value != mark || port.Write(bus, 0UL) != SmmuOutcome.Abort)
                    {
                        Interlocked.Increment(ref wrong);
                        return;
                    }
                    domain.Unmap(cpu, bus, Page);
                    if (port.Read(bus, out _) != SmmuOutcome.Abort)
                        Interlocked.Increment(ref wrong);
                }
            }
        })).ToArray();
        // What is told of faults comes from both threads.
        bench.StopListening();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.That(wrong, Is.Zero);
        Assert.That(bench.Driver.GroupsInUse, Is.Zero);
    }

    private sealed class Model : IDisposable
    {
        private readonly SmmuV2Bench _bench;
        private readonly Random _random;
        private readonly bool _forgets;
        private readonly TranslatedDomain<Granule4K>[] _domains;
        private readonly Dictionary<ulong, (ulong Memory, bool Writable)>[] _maps;
        private readonly List<(BusAddr Bus, ulong Pages)>[] _live;
        private readonly int[] _domainOf = new int[Streams];
        private readonly SmmuPort[] _ports;
        private readonly List<ulong> _gone = [];

        public Model(SmmuV2Bench bench, Random random, bool forgets)
        {
            (_bench, _random, _forgets) = (bench, random, forgets);
            _domains = [.. Enumerable.Range(0, Domains).Select(_ => bench.Domain())];
            _maps = [.. _domains.Select(_ => new Dictionary<ulong, (ulong, bool)>())];
            _live = [.. _domains.Select(_ => new List<(BusAddr, ulong)>())];
            _ports = [.. Enumerable.Range(0, (int)Streams).Select(i => new SmmuPort(bench.Smmu, (uint)i))];
            Array.Fill(_domainOf, -1);
        }

        public int Forgotten { get; private set; }

        public int Reached { get; private set; }

        // Null where all was as it must be.
        public string? Step()
        {
            switch (_random.Next(16))
            {
                case 0 or 1:
                    Map(_random.Next(Domains));
                    return null;
                case 2:
                    Unmap(_random.Next(Domains));
                    return null;
                case 3 when _random.Next(4) == 0:
                    Attach((uint)_random.Next((int)Streams));
                    return null;
                default:
                    return Access(_random.Next((int)Streams));
            }
        }

        public void Dispose()
        {
            foreach (var port in _ports)
                port.Dispose();
            foreach (var domain in _domains)
                domain.Dispose();
        }

        private void Map(int number)
        {
            if (_live[number].Count >= 40)
                return;
            var pages = (ulong)_random.Next(1, _random.Next(6) == 0 ? 40 : 4);
            var memory = (32UL << 8) + (ulong)_random.Next(4000);
            var isWritable = _random.Next(2) == 0;
            var piece = new DmaPiece(new PhysAddr(memory * Page), pages * Page);
            if (_domains[number].TryMap(_bench.Cpu, [piece], isWritable ? DmaAccess.Read | DmaAccess.Write : DmaAccess.Read, ulong.MaxValue, out var bus) != DmaError.None)
                return;
            _live[number].Add((bus, pages));
            for (var i = 0UL; i < pages; i++)
                _maps[number].Add((bus.Value / Page) + i, (memory + i, isWritable));
        }

        private void Unmap(int number)
        {
            if (_live[number].Count == 0)
                return;
            var index = _random.Next(_live[number].Count);
            var (bus, pages) = _live[number][index];
            _live[number].RemoveAt(index);
            var loses = _forgets && _random.Next(1000) == 0 && Array.IndexOf(_domainOf, number) is >= 0;
            if (loses)
            {
                // What nobody has looked at is stale nowhere.
                _ports[Array.IndexOf(_domainOf, number)].Read(bus, out _);
                Forgotten++;
            }
            _domains[number].ForgetsInvalidation = loses;
            _domains[number].Unmap(_bench.Cpu, bus, pages * Page);
            _domains[number].ForgetsInvalidation = false;
            for (var i = 0UL; i < pages; i++)
                _maps[number].Remove((bus.Value / Page) + i);
            _gone.Add(bus.Value / Page);
            if (_gone.Count > 32)
                _gone.RemoveAt(0);
        }

        private void Attach(uint stream)
        {
            ref var domain = ref _domainOf[stream];
            if (domain >= 0)
                _domains[domain].Detach(stream);
            domain = _random.Next(-1, Domains);
            if (domain >= 0 && _domainOf.Count(other => other >= 0) > 10)
                domain = -1;
            if (domain >= 0)
                _domains[domain].Attach(stream);
        }

        private string? Access(int stream)
        {
            var number = _domainOf[stream];
            var live = number >= 0 ? _live[number] : _live[0];
            var page = _random.Next(4) == 0 && _gone.Count > 0 ? _gone[_random.Next(_gone.Count)]
                : live.Count > 0 ? (live[_random.Next(live.Count)] is var some ? (some.Bus.Value / Page) + (ulong)_random.Next((int)some.Pages + 1) : 0) : (ulong)_random.Next(100);
            var isWrite = _random.Next(2) == 0;
            var address = new BusAddr((page * Page) + ((ulong)_random.Next(512) * 8));
            var behind = default((ulong Memory, bool Writable));
            var isThere = number >= 0 && _maps[number].TryGetValue(page, out behind) && (!isWrite || behind.Writable);
            var target = new PhysAddr((behind.Memory * Page) + (address.Value & 0xFFF));
            var mark = (ulong)_random.NextInt64() | 1;
            if (isThere && !isWrite)
                _bench.Machine.Memory.WriteUInt64(target, mark);
            var value = 0UL;
            var outcome = isWrite ? _ports[stream].Write(address, mark) : _ports[stream].Read(address, out value);
            if (isThere)
                Reached++;
            var isRight = outcome == (isThere ? SmmuOutcome.Translated : SmmuOutcome.Abort)
                && (!isThere || (isWrite ? _bench.Machine.Memory.ReadUInt64(target) : value) == mark);
            return isRight ? null : $"stream {stream} {(isWrite ? "wrote" : "read")} {address}: {outcome}, and {(isThere ? $"{target} is" : "nothing is")} behind it in domain {number}";
        }
    }
}
