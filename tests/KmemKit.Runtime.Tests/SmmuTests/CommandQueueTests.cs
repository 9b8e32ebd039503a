using System;
using System.Linq;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V3.Driver;
using NUnit.Framework;
using R = KmemKit.Architecture.Smmu.V3.SmmuV3Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>The commands of unmaps, which go a short way through the queue, among those that go by registers.</summary>
internal sealed class CommandQueueTests
{
    private const ulong Page = 4096;
    private const uint Entries = 256;
    private static readonly PhysAddr s_ram = new(0x200_0000);

    private SmmuBench _bench = null!;
    private SmmuDomain<Granule4K> _domain = null!;
    private SmmuPort _port = null!;

    [SetUp]
    public void Start()
    {
        _bench = new SmmuBench();
        _domain = _bench.Domain();
        _domain.Attach(0x123);
        _port = new SmmuPort(_bench.Smmu, 0x123);
    }

    [TearDown]
    public void End()
    {
        _port.Dispose();
        _domain.Dispose();
        _bench.Dispose();
    }

    // 3.5, 4.4.1, 4.6.3: whoever looks at queue and registers sees one CMD_TLBI_NH_VA and one CMD_SYNC for each page, one behind the other, all done; once around the queue
    // with the last entry as the first of two, once as the second.
    [Test]
    public void An_unmap_stands_in_the_queue_as_two_commands([Values] bool isOdd)
    {
        if (Producer % 2 != (isOdd ? 1 : 0))
            _bench.Driver.Send(Command.Sync());
        for (var i = 0; i < Entries; i++)
        {
            var (producer, before) = (Producer, _bench.Smmu.Statistics);
            var bus = Map(s_ram);
            _port.Read(bus, out _);
            _domain.Unmap(_bench.Cpu, bus, Page);
            Assert.That((Producer, Consumer), Is.EqualTo(((producer + 2) % (2 * Entries), (producer + 2) % (2 * Entries))), $"page {i}");
            Assert.That(Entry(producer), Is.EqualTo(Command.TlbiNhVa(0, _domain.Asid, bus.Value, leaf: false)), $"page {i}");
            Assert.That(Entry(producer + 1), Is.EqualTo(Command.Sync()), $"page {i}");
            var after = _bench.Smmu.Statistics;
            Assert.That(
                (after.Commands - before.Commands, after.Syncs - before.Syncs, after.TlbInvalidations - before.TlbInvalidations), Is.EqualTo((2UL, 1UL, 1UL)), $"page {i}");
            Assert.That(_port.Read(bus, out _), Is.EqualTo(SmmuOutcome.Abort), $"page {i}");
        }
    }

    [Test]
    public void A_row_of_pages_is_one_range_and_a_sync()
    {
        var (producer, before) = (Producer, _bench.Smmu.Statistics);
        Assert.That(_domain.TryMap(_bench.Cpu, [new DmaPiece(s_ram, 4 * Page)], DmaAccess.Read, uint.MaxValue, out var bus), Is.EqualTo(DmaError.None));
        for (var i = 0UL; i < 4; i++)
            _port.Read(bus + (i * Page), out _);
        _domain.Unmap(_bench.Cpu, bus, 4 * Page);
        Assert.That((Producer, Consumer), Is.EqualTo(((producer + 2) % (2 * Entries), (producer + 2) % (2 * Entries))));
        Assert.That(Entry(producer), Is.EqualTo(Command.TlbiNhVa(0, _domain.Asid, bus.Value, leaf: false).WithRange(3, 0, 12)));
        Assert.That(Entry(producer + 1), Is.EqualTo(Command.Sync()));
        Assert.That((_bench.Smmu.Statistics.Commands - before.Commands, _bench.Smmu.Statistics.Syncs - before.Syncs), Is.EqualTo((2UL, 1UL)));
        for (var i = 0UL; i < 4; i++)
            Assert.That(_port.Read(bus + (i * Page), out _), Is.EqualTo(SmmuOutcome.Abort), $"page {i}");
    }

    // A batch longer than the queue waits for room as often as it has to, wherever unmaps have left the indices: none of its commands is written over.
    [Test]
    public void A_batch_longer_than_the_queue_is_done_behind_unmaps()
    {
        var batch = new Command[(int)(2 * Entries) + 3];
        Array.Fill(batch, Command.TlbiNhVa(0, 0xFF, 0, leaf: true));
        for (var unmaps = 0; unmaps <= Entries; unmaps += 15)
        {
            for (var i = 0; i < unmaps; i++)
                _domain.Unmap(_bench.Cpu, Map(s_ram), Page);
            var (producer, before) = (Producer, _bench.Smmu.Statistics);
            _bench.Driver.SendAndSync(batch);
            var after = _bench.Smmu.Statistics;
            Assert.That(
                (after.TlbInvalidations - before.TlbInvalidations, after.Syncs - before.Syncs), Is.EqualTo(((ulong)batch.Length, 1UL)), $"behind {unmaps} unmaps");
            Assert.That(Producer, Is.EqualTo((producer + (uint)batch.Length + 1) % (2 * Entries)));
        }
    }

    // 7.1: a queue that stands at a command does none behind it, an unmap's neither; when the error is acknowledged and the command mended, they are done.
    [Test]
    public void An_unmap_waits_behind_a_command_that_cannot_be_done()
    {
        var bus = Map(s_ram);
        Assert.That(_port.Read(bus, out _), Is.EqualTo(SmmuOutcome.Translated));
        var bad = Producer;
        Assert.That(() => _bench.Driver.SendAndSync(new Command(0xFF, 0)), Throws.InvalidOperationException);
        var before = _bench.Smmu.Statistics;
        Assert.That(() => _domain.Unmap(_bench.Cpu, bus, Page), Throws.InvalidOperationException.With.Message.Contains("stands"));
        Assert.That((_bench.Smmu.Statistics.TlbInvalidations, Producer, Consumer), Is.EqualTo((before.TlbInvalidations, (bad + 4) % (2 * Entries), bad)));
        Assert.That(_port.Read(bus, out _), Is.EqualTo(SmmuOutcome.Translated), "nothing was invalidated");
        _bench.Machine.Memory.WriteUInt64(Place(bad), Command.Sync().Word0);
        _bench.Smmu.Write(R.GErrorN, 4, _bench.Smmu.Read(R.GError, 4));
        Assert.That((_bench.Smmu.Statistics.TlbInvalidations, Consumer), Is.EqualTo((before.TlbInvalidations + 1, (bad + 4) % (2 * Entries))));
        Assert.That(_port.Read(bus, out _), Is.EqualTo(SmmuOutcome.Abort));
        // The short way is open again.
        var next = Map(s_ram + Page);
        _domain.Unmap(_bench.Cpu, next, Page);
        Assert.That((Producer, Consumer), Is.EqualTo(((bad + 6) % (2 * Entries), (bad + 6) % (2 * Entries))));
    }

    // A handler that unmaps while its thread has the queue, and sends.
    [Test]
    public void A_handler_of_the_queues_own_error_unmaps()
    {
        var bus = Map(s_ram);
        var mended = 0;
        _bench.Driver.ErrorReceived += _ =>
        {
            mended++;
            _bench.Machine.Memory.WriteUInt64(Place(Consumer), Command.Sync().Word0);
            _bench.Smmu.Write(R.GErrorN, 4, _bench.Smmu.Read(R.GError, 4));
            _domain.Unmap(_bench.Cpu, bus, Page);
        };
        var (producer, before) = (Producer, _bench.Smmu.Statistics.Commands);
        _bench.Driver.SendAndSync(new Command(0xFF, 0));
        Assert.That((mended, Producer, Consumer), Is.EqualTo((1, (producer + 4) % (2 * Entries), (producer + 4) % (2 * Entries))));
        Assert.That(_bench.Smmu.Statistics.Commands - before, Is.EqualTo(4UL), "the mended one, its sync, and the unmap's two");
    }

    // Two CPUs that unmap, a thread that sends batches by registers, one whose device reads: each command is done once, and no page that was unmapped is reached.
    [Test]
    public void Unmaps_and_batches_of_several_threads_are_all_done()
    {
        const int turns = 20_000;
        var steady = Map(s_ram + (8 * Page));
        var (producer, before) = (Producer, _bench.Smmu.Statistics);
        var (reached, failed) = (0, 0);
        var ends = false;
        Thread Of(Action work) => new(() =>
        {
            try
            {
                work();
            }
            catch (InvalidOperationException)
            {
                Interlocked.Increment(ref failed);
            }
        });
        Thread Unmapper(int number) => Of(() =>
        {
            for (var i = 0; i < turns; i++)
            {
                _domain.TryMap(_bench.Machine.Allocator.Cpus[number], [new DmaPiece(s_ram + ((ulong)number * Page), Page)], DmaAccess.Read, uint.MaxValue, out var bus);
                _domain.Unmap(_bench.Machine.Allocator.Cpus[number], bus, Page);
            }
        });
        var sender = Of(() =>
        {
            for (var i = 0; i < turns; i++)
            {
                if (i % 2 == 0)
                    _bench.Driver.SendAndSync(Command.TlbiNhVa(0, 0xFF, 0, leaf: true), Command.TlbiNhVa(0, 0xFF, Page, leaf: true));
                else
                    _bench.Driver.Send(Command.TlbiNhVa(0, 0xFF, 0, leaf: true));
            }
        });
        var reader = new Thread(() =>
        {
            while (!Volatile.Read(ref ends))
            {
                if (_port.Read(steady, out _) == SmmuOutcome.Translated)
                    reached++;
            }
        });
        var threads = new[] { Unmapper(0), Unmapper(1), sender };
        reader.Start();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            Assert.That(thread.Join(TimeSpan.FromMinutes(2)), Is.True, "a thread hangs");
        Volatile.Write(ref ends, true);
        reader.Join();
        // Two for each unmap; of the sender's, three and one by turns.
        var commands = (2UL * 2 * turns) + (3UL * turns / 2) + (turns / 2);
        var after = _bench.Smmu.Statistics;
        Assert.That(
            (failed, after.Commands - before.Commands, after.Syncs - before.Syncs, after.TlbInvalidations - before.TlbInvalidations),
            Is.EqualTo((0, commands, (2UL * turns) + (turns / 2), commands - (2UL * turns) - (turns / 2))));
        Assert.That((Producer, Consumer), Is.EqualTo(((uint)((producer + commands) % (2 * Entries)), (uint)((producer + commands) % (2 * Entries)))));
        Assert.That((reached > 0, _bench.Events.Count), Is.EqualTo((true, 0)));
    }

    private uint Producer => (uint)_bench.Smmu.Read(R.CmdqProd, 4);

    private uint Consumer => (uint)_bench.Smmu.Read(R.CmdqCons, 4) & ((2 * Entries) - 1);

    private PhysAddr Place(uint index) => new((_bench.Smmu.Read(R.CmdqBase, 8) & ~0x1FUL) + (index % Entries * Command.Bytes));

    private Command Entry(uint index) => new(_bench.Machine.Memory.ReadUInt64(Place(index)), _bench.Machine.Memory.ReadUInt64(Place(index) + 8));

    private BusAddr Map(PhysAddr memory)
    {
        Assert.That(_domain.TryMap(_bench.Cpu, [new DmaPiece(memory, Page)], DmaAccess.Read | DmaAccess.Write, uint.MaxValue, out var bus), Is.EqualTo(DmaError.None));
        return bus;
    }
}
