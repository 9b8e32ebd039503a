using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>
/// A tree that has the kernel's part of another one: whatever is done to that, both say the same of every address from there on, and the follower nothing of what is
/// below. A failure prints the seed; <c>KMEMKIT_SEED</c> replays it.
/// </summary>
[TestFixture(typeof(X86Format<TwoLevel>))]
[TestFixture(typeof(X86Format<FourLevel>))]
[TestFixture(typeof(ArmShortFormat))]
[TestFixture(typeof(ArmLpaeFormat))]
[TestFixture(typeof(SvFormat<Sv32>))]
[TestFixture(typeof(SvFormat<Sv48>))]
internal sealed class SharedTablesTests<TFormat>
    where TFormat : struct, ITranslationFormat
{
    private const int Steps = 1500;
    private const int Blocks = 6;
    private const ulong PageBytes = 4096;

    [Test]
    public void A_follower_says_what_the_tree_says_that_it_shares(
        [Values(0, 1)] int cut, [Values] bool watch)
    {
        var seed = BuddyModelTests.Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        using var run = new Run(seed, cut, watch);
        for (var step = 0; step < Steps; step++)
            run.Step($"seed {seed}, step {step}");
        run.NoBugs();
    }

    [Test]
    public void A_descriptor_of_the_roots_that_is_put_in_by_hand_is_the_followers_too()
    {
        using var machine = new MmuMachine<TFormat>(watch: false);
        var from = machine.Base + (2UL << machine.Format.LevelShift(machine.Format.RootLevel));
        using var follower = new Follower(machine, from);
        Assert.That(machine.Map(from, 0, machine.Page).IsOk);
        Assert.That(follower.Tables.Walk(new VirtAddr(from)).IsMapped);
        // What decides about an address with nothing below the root is a descriptor of the root.
        Assert.That(machine.Unmap(from, machine.Page).IsOk);
        machine.Tables.ReclaimTables(machine.Cpu, machine.Format.InputRanges[0]);
        var ignored = 4UL << 8 << (machine.Format.DescriptorSize == 8 ? 8 : 0);
        machine.Tables.SetDescriptor(new VirtAddr(from), ignored);
        Assert.That(follower.Tables.SetDescriptor(new VirtAddr(from), 0), Is.EqualTo(ignored));
    }

    [Test]
    public void A_part_that_begins_within_a_table_of_pages_is_refused_and_nothing_is_lost()
    {
        using var machine = new MmuMachine<TFormat>(watch: false);
        var other = PageTables.Create(machine.Cpu, machine.Machine.Memory, machine.Format, machine.Domain)!;
        var from = new VirtAddr(machine.Base + (2 * BlockOf(machine.Format)) + machine.Page);
        Assert.That(() => other.TryShare(machine.Cpu, machine.Tables, from), Throws.ArgumentException.With.Message.Contains(from.ToString()));
        Assert.That(other.TableCount, Is.Zero);
        other.Free(machine.Cpu);
    }

    [Test]
    public void A_follower_that_is_gone_leaves_the_others_what_they_share()
    {
        using var machine = new MmuMachine<TFormat>(watch: false);
        var from = machine.Base + (2UL << machine.Format.LevelShift(machine.Format.RootLevel));
        var before = machine.Tables.TablePages;
        using (new Follower(machine, from))
            Assert.That(machine.Map(from, 0, machine.Page).IsOk);
        // Its root is the next one's now.
        using var other = new Follower(machine, from);
        Assert.That(machine.Unmap(from, machine.Page).IsOk);
        machine.Tables.ReclaimTables(machine.Cpu, machine.Format.InputRanges[0]);
        Assert.That(machine.Map(from + BlockOf(machine.Format), 0, machine.Page).IsOk);
        Assert.That(other.Tables.Walk(new VirtAddr(from + BlockOf(machine.Format))).IsMapped);
        Assert.That(machine.Unmap(from + BlockOf(machine.Format), machine.Page).IsOk);
        machine.Tables.ReclaimTables(machine.Cpu, machine.Format.InputRanges[0]);
        Assert.That(machine.Tables.TablePages, Is.EqualTo(before));
    }

    [Test]
    public void A_follower_that_is_gone_is_not_written_to()
    {
        using var machine = new MmuMachine<TFormat>(watch: false);
        var from = machine.Base + (2UL << machine.Format.LevelShift(machine.Format.RootLevel));
        ulong root;
        using (var gone = new Follower(machine, from))
            root = gone.Tables.Root.Value;
        // Its root is somebody else's page now.
        var page = PhysAddr.Zero;
        while (page.Value != root)
        {
            var taken = machine.Cpu.AllocPage(GfpFlags.Kernel);
            Assert.That(taken.IsNull, Is.False, "the root's page comes back");
            page = machine.Machine.Map.PageToPhys(taken);
        }
        for (var at = 0UL; at < PageBytes; at += 8)
            machine.Machine.Memory.WriteUInt64(new PhysAddr(root + at), 0xd1d1_d1d1_d1d1_d1d1);
        Assert.That(machine.Map(from, 0, machine.Page).IsOk);
        for (var at = 0UL; at < PageBytes; at += 8)
            Assert.That(machine.Machine.Memory.ReadUInt64(new PhysAddr(root + at)), Is.EqualTo(0xd1d1_d1d1_d1d1_d1d1), $"at 0x{at:x}");
    }

    [Test]
    public void An_empty_table_of_the_roots_is_out_of_the_follower_when_it_is_invalidated()
    {
        using var machine = new MmuMachine<TFormat>(watch: false);
        var bytes = 1UL << machine.Format.LevelShift(machine.Format.RootLevel);
        var from = machine.Base + (2 * bytes);
        using var follower = new Follower(machine, from);
        var levels = new List<int>();
        machine.Domain.Invalidating += _ => levels.Add(follower.Tables.Walk(new VirtAddr(from)).Level);
        Check("reclaim", () => machine.Tables.ReclaimTables(machine.Cpu, machine.Format.InputRanges[0]));
        if (machine.Format.Shapes.ToArray().Any(shape => shape.Level == machine.Format.RootLevel && shape.Count == 1))
            Check("a block in its place", () => Assert.That(machine.Map(from, 0, bytes).IsOk));

        void Check(string what, Action change)
        {
            Assert.That(machine.Map(from, 0, machine.Page).IsOk, what);
            Assert.That(machine.Unmap(from, machine.Page).IsOk, what);
            Assert.That(follower.Tables.Walk(new VirtAddr(from)).Level, Is.Not.EqualTo(machine.Format.RootLevel), what);
            levels.Clear();
            change();
            Assert.That(levels, Is.Not.Empty, what);
            Assert.That(levels, Is.All.EqualTo(machine.Format.RootLevel), what);
        }
    }

    // Of a table of pages.
    private static ulong BlockOf(TFormat format)
    {
        var level = format.RootLevel;
        while (format.NextLevel(level) != format.LastLevel)
            level = format.NextLevel(level);
        return 1UL << format.LevelShift(level);
    }

    // Two trees, one of which has the upper part of the other, and a CPU for each.
    private sealed class Run : IDisposable
    {
        private readonly MmuMachine<TFormat> _machine;
        private readonly Follower _follower;
        private readonly MmuCpu<TFormat> _cpu;
        private readonly Random _random;
        private readonly PageProt[] _prots;
        private readonly ulong _block;
        private readonly ulong _from;
        private readonly ulong _start;
        private readonly int _cut;
        private string? _wrong;

        public Run(int seed, int cut, bool watch)
        {
            _random = new Random(seed);
            _cut = cut;
            _machine = new MmuMachine<TFormat>(watch: watch);
            var format = _machine.Format;
            _block = BlockOf(format);
            _from = _machine.Base + (2UL << format.LevelShift(format.RootLevel)) + ((ulong)cut * 3 * _block);
            _start = _from - ((ulong)cut * 3 * _block) - _block;
            _follower = new Follower(_machine, _from);
            _cpu = new MmuCpu<TFormat>(_machine.Machine.Memory, new TlbModel(new TlbProfile("small", 64, 4), _machine.Domain));
            _cpu.SetTables(format, _follower.Tables.Root, 2);
            _prots = [_machine.Rw, _machine.Prot(AccessRights.All, AccessRights.None), _machine.Prot(AccessRights.All, AccessRights.None, largest: _machine.Page)];
            // What is invalidated is no longer in the follower's tables, nor a table that is about to be given back: the last invalidation of an operation counts.
            _machine.Domain.Invalidating += scope =>
            {
                if (scope.First is { } first)
                    _wrong = Difference(first.Value) ?? Difference(scope.Last!.Value.Value);
            };
        }

        public void Step(string where)
        {
            var page = _machine.Page;
            // Whole blocks every other time.
            var unit = _random.Next(2) == 0 ? _block : page;
            var units = (Blocks * _block) / unit;
            var first = (ulong)_random.NextInt64((long)units);
            var size = (ulong)_random.NextInt64(1, (long)Math.Min(units - first, unit == _block ? 3u : 40u) + 1) * unit;
            var virt = _start + (first * unit);
            _wrong = null;
            Change(virt, size);
            Assert.That(_wrong, Is.Null, $"{where}: when it was invalidated");
            Compare(virt, where);
            Compare(virt + size - page, where);
            for (var i = 0; i < 4; i++)
                Compare(_start + ((ulong)_random.NextInt64((long)(Blocks * _block / page)) * page), where);
            if (_machine.Domain.Changes is { } changes)
                Assert.That(changes.PendingCount, Is.Zero, $"{where}: something is not invalidated");
        }

        public void NoBugs() => _machine.NoBugs();

        public void Dispose()
        {
            _follower.Dispose();
            _machine.Dispose();
        }

        private void Change(ulong virt, ulong size)
        {
            var (tables, cpu, address) = (_machine.Tables, _machine.Cpu, new VirtAddr(virt));
            switch (_random.Next(7))
            {
                case 0 or 1:
                    _ = _machine.Map(virt, (virt - _start) + ((ulong)_random.Next(2) * 16 * _block), size, _prots[_random.Next(_prots.Length)]);
                    break;
                case 2:
                    _ = _machine.Unmap(virt, size);
                    break;
                case 3:
                    _ = _machine.Protect(virt, size, _prots[_random.Next(2)]);
                    break;
                case 4:
                    _ = tables.Split(cpu, address, size, _machine.Page);
                    break;
                case 5:
                    _ = tables.Join(cpu, address, size, out _);
                    break;
                default:
                    // The whole range every other time.
                    tables.ReclaimTables(cpu, _random.Next(2) == 0 ? new VirtRange(address, size) : new VirtRange(new VirtAddr(_start), Blocks * _block));
                    break;
            }
        }

        private void Compare(ulong virt, string where)
        {
            Assert.That(Difference(virt), Is.Null, where);
            var expected = virt < _from ? null : _machine.Walk(virt);
            ulong? found;
            try
            {
                found = _cpu.Translate(new VirtAddr(virt), AccessRights.Read, Privilege.Privileged).Value;
            }
            catch (MemoryFaultException)
            {
                found = null;
            }
            Assert.That(found, Is.EqualTo(expected), $"{where}: 0x{virt:x} on the follower's CPU");
        }

        private string? Difference(ulong virt)
        {
            var (kernel, mine) = (_machine.Tables.Walk(new VirtAddr(virt)), _follower.Tables.Walk(new VirtAddr(virt)));
            if (virt < _from)
                return mine.IsMapped ? $"0x{virt:x} is below 0x{_from:x} and mapped to 0x{mine.Output:x}" : null;
            // Where the part is cut, the follower has tables of its own where the kernel may have none.
            var isSame = kernel.IsMapped ? (mine.IsMapped, mine.Output, mine.DescriptorAddress == kernel.DescriptorAddress || mine.Descriptor == kernel.Descriptor) == (true, kernel.Output, true)
                : !mine.IsMapped && (_cut != 0 || mine.Level == kernel.Level);
            return isSame ? null : $"0x{virt:x} is 0x{kernel.Descriptor:x} in level {kernel.Level} and the follower has 0x{mine.Descriptor:x} in level {mine.Level}";
        }
    }

    private sealed class Follower : IDisposable
    {
        private readonly MmuMachine<TFormat> _machine;

        public Follower(MmuMachine<TFormat> machine, ulong from)
        {
            _machine = machine;
            Tables = PageTables.Create(machine.Cpu, machine.Machine.Memory, machine.Format, machine.Domain)!;
            Assert.That(Tables.TryShare(machine.Cpu, machine.Tables, new VirtAddr(from)));
        }

        public PageTables<TFormat> Tables { get; }

        public void Dispose() => Tables.Free(_machine.Cpu);
    }
}
