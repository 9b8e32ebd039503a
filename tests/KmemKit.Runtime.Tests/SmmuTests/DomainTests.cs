using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Devices behind an SMMU see what they are given, where they are given it, as long as they have it, and nothing else.</summary>
[TestFixture(SmmuVersion.V3)]
[TestFixture(SmmuVersion.V2)]
internal sealed class DomainTests(SmmuVersion version)
{
    private const ulong Page = 4096;
    private static readonly PhysAddr s_ram = new(0x200_0000);

    private DeviceBench _bench = null!;
    private TranslatedDomain<Granule4K> _domain = null!;
    private SmmuPort _port = null!;
    private DmaDevice _device = null!;
    private DmaMapper _mapper = null!;

    [SetUp]
    public void Start()
    {
        _bench = DeviceBench.Of(version);
        _domain = _bench.Domain();
        _domain.Attach(0x123);
        _port = new SmmuPort(_bench.Smmu, 0x123);
        _device = new DmaDevice("nic") { Domain = _domain };
        _mapper = new DmaMapper(_bench.Machine.Memory);
    }

    [TearDown]
    public void End()
    {
        _port.Dispose();
        _domain.Dispose();
        _bench.Dispose();
    }

    [Test]
    public void A_device_reads_and_writes_its_buffer_at_device_addresses()
    {
        var data = new byte[10_000];
        new Random(1).NextBytes(data);
        _bench.Machine.Memory.Write(s_ram + 0x123, data);
        Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram + 0x123, 10_000, DmaDirection.Bidirectional, out var bus), Is.EqualTo(DmaError.None));
        Assert.That(bus.Value & 0xFFF, Is.EqualTo(0x123UL));
        var seen = new byte[10_000];
        Assert.That(_port.Read(bus, seen), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That(seen, Is.EqualTo(data));
        Assert.That(_port.Write(bus + 5000, new byte[] { 1, 2, 3 }), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That(_bench.Machine.Memory.ReadByte(s_ram + 0x123 + 5001), Is.EqualTo(2));
        _mapper.Unmap(_bench.Cpu, _device, bus, 10_000, DmaDirection.Bidirectional);
        Assert.That(_bench.Faults, Is.Empty);
        Assert.That(_port.Read(bus, seen), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(_bench.Faults.Single(), Is.EqualTo(new DeviceFault(DeviceFaultKind.Translation, 0x123, bus, AccessRights.Read, IsStalled: false)));
    }

    [Test]
    public void What_is_given_to_read_is_not_written()
    {
        Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram, Page, DmaDirection.ToDevice, out var bus), Is.EqualTo(DmaError.None));
        Assert.That(_port.Write(bus + 8, 0x55UL), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(_port.Read(bus + 8, out _), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That(_bench.Faults.Single(), Is.EqualTo(new DeviceFault(DeviceFaultKind.Permission, 0x123, bus + 8, AccessRights.Write, IsStalled: false)));
        Assert.That(_bench.Machine.Memory.ReadUInt64(s_ram + 8), Is.Zero);
    }

    [Test]
    public void Another_stream_sees_nothing_of_it()
    {
        Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram, Page, DmaDirection.Bidirectional, out var bus), Is.EqualTo(DmaError.None));
        using var other = new SmmuPort(_bench.Smmu, 0x124);
        Assert.That(other.Read(bus, out _), Is.EqualTo(SmmuOutcome.Abort), "streams are closed until something is attached");
        // An entry of a stream table that aborts says nothing; that no group matches is a fault.
        Assert.That(_bench.Faults, Has.Count.EqualTo(version == SmmuVersion.V2 ? 1 : 0));
        _bench.Faults.Clear();
        using var second = _bench.Domain();
        second.Attach(0x124);
        Assert.That(other.Read(bus, out _), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(_bench.Faults.Single().Kind, Is.EqualTo(DeviceFaultKind.Translation));
        second.Detach(0x124);
        _domain.Attach(0x124);
        Assert.That(other.Read(bus, out _), Is.EqualTo(SmmuOutcome.Translated), "two streams may share a domain");
        using var outside = new SmmuPort(_bench.Smmu, 0x1_0000);
        Assert.That(outside.Read(bus, out _), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(_bench.Faults[^1].Kind, Is.EqualTo(DeviceFaultKind.Configuration));
        // From one domain to another and back; the first domain's end does not close what is the second's by then.
        second.Attach(0x124);
        Assert.That(other.Read(bus, out _), Is.EqualTo(SmmuOutcome.Abort));
        _domain.Detach(0x124);
        Assert.That(second.TryMap(_bench.Cpu, [new DmaPiece(s_ram + Page, Page)], DmaAccess.Read, ulong.MaxValue, out var own), Is.EqualTo(DmaError.None));
        Assert.That(other.Read(own, out _), Is.EqualTo(SmmuOutcome.Translated));
    }

    [Test]
    public void A_thousand_scattered_pages_are_one_range_and_one_invalidation()
    {
        var pieces = Enumerable.Range(0, 1000).Select(i => new DmaPiece(s_ram + ((ulong)(i * 7 % 1000) * 2 * Page), Page)).ToArray();
        for (var i = 0; i < 1000; i++)
            _bench.Machine.Memory.WriteUInt64(pieces[i].Address, (ulong)i);
        var stretches = new DmaStretch[1000];
        Assert.That(_mapper.TryMapScattered(_bench.Cpu, _device, pieces, DmaDirection.ToDevice, stretches, out var count), Is.EqualTo(DmaError.None));
        Assert.That(count, Is.EqualTo(1));
        Assert.That(stretches[0].Size, Is.EqualTo(1000 * Page));
        for (var i = 0; i < 1000; i++)
        {
            Assert.That(_port.Read(stretches[0].Address + ((ulong)i * Page), out var value), Is.EqualTo(SmmuOutcome.Translated));
            Assert.That(value, Is.EqualTo((ulong)i));
        }
        var before = _bench.Maintenance;
        _mapper.UnmapScattered(_bench.Cpu, _device, pieces, stretches.AsSpan(0, 1), DmaDirection.ToDevice);
        var after = _bench.Maintenance;
        Assert.That((after.Invalidations - before.Invalidations, after.Syncs - before.Syncs), Is.EqualTo((1UL, 1UL)));
        for (var i = 0; i < 1000; i++)
            Assert.That(_port.Read(stretches[0].Address + ((ulong)i * Page), out _), Is.EqualTo(SmmuOutcome.Abort));
    }

    [Test]
    public void Pieces_with_edges_inside_granules_are_ranges_of_their_own()
    {
        DmaPiece[] pieces = [new(s_ram + 0x800, 0x800), new(s_ram + 0x3000, 0x1000), new(s_ram + 0x5000, 0x10), new(s_ram + 0x6010, 0x10)];
        var stretches = new DmaStretch[4];
        Assert.That(_mapper.TryMapScattered(_bench.Cpu, _device, pieces, DmaDirection.ToDevice, stretches, out var count), Is.EqualTo(DmaError.None));
        Assert.That(stretches.Take(count).Select(s => s.Size), Is.EqualTo(new ulong[] { 0x1810, 0x10 }));
        Assert.That(_domain.TryMap(_bench.Cpu, pieces, DmaAccess.Read, ulong.MaxValue, out _), Is.EqualTo(DmaError.Invalid));
        _mapper.UnmapScattered(_bench.Cpu, _device, pieces, stretches.AsSpan(0, count), DmaDirection.ToDevice);
    }

    [Test]
    public void A_list_that_cannot_be_mapped_leaves_nothing_mapped()
    {
        var stretches = new DmaStretch[3];
        DmaPiece[] outside = [new(s_ram, Page), new(new PhysAddr(0x7000_0000_0000), Page), new(s_ram + (4 * Page), Page)];
        Assert.That(_mapper.TryMapScattered(_bench.Cpu, _device, outside, DmaDirection.ToDevice, stretches, out var count), Is.EqualTo(DmaError.Invalid));
        Assert.That((count, _domain.ReachableMemory().Count), Is.EqualTo((0, 0)), "a piece is no RAM");
        // Addresses for the first range alone: address 0 is never given out.
        _device.DmaMask = (2 * Page) - 1;
        DmaPiece[] pieces = [new(s_ram, 0x10), new(s_ram + (2 * Page) + 0x20, 0x10)];
        Assert.That(_mapper.TryMapScattered(_bench.Cpu, _device, pieces, DmaDirection.ToDevice, stretches, out count), Is.EqualTo(DmaError.NoDeviceAddress));
        Assert.That((count, _domain.ReachableMemory().Count), Is.EqualTo((0, 0)), "the first piece was taken back");
    }

    [Test]
    public void Wrong_unmaps_are_refused_and_change_nothing()
    {
        Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram, 3 * Page, DmaDirection.ToDevice, out var bus), Is.EqualTo(DmaError.None));
        Assert.That(() => _domain.Unmap(_bench.Cpu, bus, Page), Throws.InstanceOf<InvalidOperationException>());
        Assert.That(() => _domain.Unmap(_bench.Cpu, bus + Page, 3 * Page), Throws.InstanceOf<InvalidOperationException>());
        Assert.That(_port.Read(bus + (2 * Page), out _), Is.EqualTo(SmmuOutcome.Translated));
        _domain.Unmap(_bench.Cpu, bus, 3 * Page);
        Assert.That(() => _domain.Unmap(_bench.Cpu, bus, 3 * Page), Throws.InstanceOf<InvalidOperationException>());
    }

    [TestCase(Page)]
    [TestCase(3 * Page)]
    public void Where_something_is_mapped_already_nothing_is_mapped_and_the_addresses_go_back(ulong size)
    {
        // One stays, so that the table does.
        Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram, size, DmaDirection.ToDevice, out _), Is.EqualTo(DmaError.None));
        Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram, size, DmaDirection.ToDevice, out var next), Is.EqualTo(DmaError.None));
        _mapper.Unmap(_bench.Cpu, _device, next, size, DmaDirection.ToDevice);
        var other = _domain.Tables.Prot(new PageAttributes(AccessRights.Read, AccessRights.Read, _domain.Tables.Format.TypeFor(MemoryUse.Cached)));
        Assert.That(_domain.Tables.Map(_bench.Cpu, new VirtAddr(next.Value), s_ram + (8 * Page), Page, other).IsOk);
        Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram, size, DmaDirection.ToDevice, out var refused), Is.EqualTo(DmaError.Busy));
        Assert.That(refused, Is.EqualTo(default(BusAddr)));
        Assert.That(_port.Read(next, out _), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That(_domain.TryToPhys(next, out var phys) && phys == s_ram + (8 * Page), "what was there is still there");
        Assert.That(_domain.Tables.Unmap(_bench.Cpu, new VirtAddr(next.Value), Page).IsOk);
        Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram, size, DmaDirection.ToDevice, out var again), Is.EqualTo(DmaError.None));
        Assert.That(again, Is.EqualTo(next));
    }

    [Test]
    public void A_piece_of_a_page_is_mapped_by_its_page_and_one_over_an_edge_by_two()
    {
        foreach (var (offset, size, pages) in new[] { (0UL, 1UL, 1), (0xFFFUL, 1UL, 1), (0x800UL, 0x800UL, 1), (0xFFFUL, 2UL, 2), (0x800UL, 0x801UL, 2), (0UL, Page, 1), (1UL, Page, 2) })
        {
            Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram + offset, size, DmaDirection.ToDevice, out var bus), Is.EqualTo(DmaError.None));
            Assert.That(bus.Value & 0xFFF, Is.EqualTo(offset));
            Assert.That(_domain.ReachableMemory().Single(), Is.EqualTo(new PhysRange(s_ram, (ulong)pages * Page)), $"{offset:x} {size:x}");
            Assert.That(() => _mapper.Unmap(_bench.Cpu, _device, bus, size + (2 * Page), DmaDirection.ToDevice), Throws.InstanceOf<InvalidOperationException>());
            _mapper.Unmap(_bench.Cpu, _device, bus, size, DmaDirection.ToDevice);
            Assert.That(() => _mapper.Unmap(_bench.Cpu, _device, bus, size, DmaDirection.ToDevice), Throws.InstanceOf<InvalidOperationException>());
            Assert.That(_domain.ReachableMemory(), Is.Empty);
        }
    }

    [Test]
    public void Everything_comes_back()
    {
        using var bench = DeviceBench.Of(version);
        var before = bench.FreePages;
        for (var turn = 0; turn < 3; turn++)
        {
            var domain = bench.Domain();
            domain.Attach(5);
            for (var i = 0UL; i < 100; i++)
                Assert.That(domain.TryMap(bench.Cpu, [new DmaPiece(s_ram + (i * Page), Page)], DmaAccess.Read, ulong.MaxValue, out _), Is.EqualTo(DmaError.None));
            domain.Dispose();
        }
        Assert.That(before - bench.FreePages, Is.EqualTo(bench.PagesOfStream));
    }

    [Test]
    public void Without_memory_a_domain_is_refused_and_the_SMMU_works_on()
    {
        Assert.That(_mapper.TryMap(_bench.Cpu, _device, s_ram, Page, DmaDirection.ToDevice, out var bus), Is.EqualTo(DmaError.None));
        var taken = new List<KmemKit.Runtime.Pages.Page>();
        for (var page = Take(); !page.IsNull; page = Take())
            taken.Add(page);
        // Nothing for the root; then a page for the root and, of an SMMUv3, none for the context descriptor.
        for (var pages = 0; pages < (version == SmmuVersion.V2 ? 1 : 2); pages++)
        {
            Assert.That(_bench.Driver.TryCreateDomain<Granule4K>(_bench.Cpu, _bench.Machine.Memory), Is.Null);
            _bench.Cpu.FreePage(taken[^1]);
            taken.RemoveAt(taken.Count - 1);
        }
        if (version == SmmuVersion.V3)
            Assert.That(() => _domain.Attach(0x7700), Throws.TypeOf<InsufficientMemoryException>(), "no second-level stream table");
        _bench.Cpu.FreePagesBulk(taken.ToArray());
        Assert.That(_port.Read(bus, out _), Is.EqualTo(SmmuOutcome.Translated), "tables and queues are still the driver's");
        _mapper.Unmap(_bench.Cpu, _device, bus, Page, DmaDirection.ToDevice);

        KmemKit.Runtime.Pages.Page Take() => _bench.Cpu.AllocPage(Runtime.Gfp.GfpFlags.Kernel | Runtime.Gfp.GfpFlags.NoWarn | Runtime.Gfp.GfpFlags.MemAlloc);
    }

    // The oracle is a map from device page to memory page, rights included. With one invalidation left out the same must find a stale translation.
    [TestCase(1, 60_000, false)]
    [TestCase(2, 60_000, true)]
    public void Random_maps_unmaps_and_accesses(int seed, int steps, bool forgets)
    {
        steps = int.TryParse(Environment.GetEnvironmentVariable("KMEMKIT_SMMU_STEPS"), out var asked) ? asked : steps;
        var random = new Random(seed);
        var live = new List<(BusAddr Bus, ulong Pages, PhysAddr Memory, DmaDirection Direction)>();
        var map = new Dictionary<ulong, (ulong Memory, bool Writable)>();
        var used = new HashSet<ulong>();
        var stale = 0;
        for (var step = 0; step < steps; step++)
        {
            var where = $"seed {seed}, step {step}";
            switch (random.Next(8))
            {
                case 0 when live.Count < 200:
                    var pages = (ulong)random.Next(1, random.Next(4) == 0 ? 600 : 9);
                    var memory = s_ram + ((ulong)random.Next(4000) * Page);
                    if (Enumerable.Range(0, (int)pages).Any(i => used.Contains((memory.Value / Page) + (ulong)i)))
                        continue;
                    var direction = random.Next(2) == 0 ? DmaDirection.ToDevice : DmaDirection.Bidirectional;
                    if (_mapper.TryMap(_bench.Cpu, _device, memory, pages * Page, direction, out var bus) != DmaError.None)
                        continue;
                    for (var i = 0UL; i < pages; i++)
                    {
                        used.Add((memory.Value / Page) + i);
                        map.Add((bus.Value / Page) + i, ((memory.Value / Page) + i, direction == DmaDirection.Bidirectional));
                    }
                    live.Add((bus, pages, memory, direction));
                    break;
                case 1 when live.Count > 0:
                    var index = random.Next(live.Count);
                    var old = live[index];
                    live[index] = live[^1];
                    live.RemoveAt(live.Count - 1);
                    _domain.ForgetsInvalidation = forgets && random.Next(20) == 0;
                    _mapper.Unmap(_bench.Cpu, _device, old.Bus, old.Pages * Page, old.Direction);
                    for (var i = 0UL; i < old.Pages; i++)
                    {
                        used.Remove((old.Memory.Value / Page) + i);
                        map.Remove((old.Bus.Value / Page) + i);
                    }
                    break;
                default:
                    var page = live.Count > 0 && random.Next(5) != 0
                        ? (live[random.Next(live.Count)] is var some ? (some.Bus.Value / Page) + (ulong)random.Next((int)some.Pages + 1) : 0)
                        : (ulong)random.Next(1, 5000);
                    var isWrite = random.Next(2) == 0;
                    var address = new BusAddr((page * Page) + ((ulong)random.Next(512) * 8));
                    var mark = ((ulong)step << 16) | 0xA5A5;
                    var expected = map.TryGetValue(page, out var behind) && (!isWrite || behind.Writable);
                    var target = new PhysAddr((behind.Memory * Page) + (address.Value & 0xFFF));
                    if (expected && !isWrite)
                        _bench.Machine.Memory.WriteUInt64(target, mark);
                    var value = 0UL;
                    var outcome = isWrite ? _port.Write(address, mark) : _port.Read(address, out value);
                    var right = outcome == (expected ? SmmuOutcome.Translated : SmmuOutcome.Abort)
                        && (!expected || (isWrite ? _bench.Machine.Memory.ReadUInt64(target) : value) == mark);
                    if (!right && !forgets)
                        Assert.Fail($"{where}: {(isWrite ? "write" : "read")} of {address} gave {outcome}, {(expected ? $"and {target} is behind it" : "and nothing is behind it")}");
                    stale += right ? 0 : 1;
                    break;
            }
        }
        if (forgets)
            Assert.That(stale, Is.Positive, "a stale translation was used and seen");
        Assert.That(_bench.TlbHits, Is.Positive);
    }
}
