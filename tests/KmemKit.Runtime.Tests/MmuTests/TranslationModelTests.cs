using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>
/// Random map, unmap, protect, split, join, reclaim and access, against a dictionary from pages to what they are mapped to. A failure prints the seed;
/// <c>KMEMKIT_SEED</c> replays it, <c>KMEMKIT_MMU_STEPS</c> makes it longer.
/// </summary>
[TestFixture(typeof(X86Format<TwoLevel>))]
[TestFixture(typeof(X86Format<Pae>))]
[TestFixture(typeof(X86Format<FourLevel>))]
[TestFixture(typeof(X86Format<FiveLevel>))]
[TestFixture(typeof(Vmsav8Format<Granule4K>))]
[TestFixture(typeof(Vmsav8Format<Granule16K>))]
[TestFixture(typeof(Vmsav8Format<Granule64K>))]
[TestFixture(typeof(ArmShortFormat))]
[TestFixture(typeof(ArmLpaeFormat))]
[TestFixture(typeof(SvFormat<Sv32>))]
[TestFixture(typeof(SvFormat<Sv39>))]
[TestFixture(typeof(SvFormat<Sv48>))]
[TestFixture(typeof(SvFormat<Sv57>))]
[Parallelizable(ParallelScope.All)]
internal sealed class TranslationModelTests<TFormat>
    where TFormat : struct, ITranslationFormat
{
    private const int Steps = 500_000;

    [TestCase(true, Description = "every use of a translation compared with the tables")]
    [TestCase(false, Description = "as fast as it goes, through the front of the TLB")]
    public void Tables_and_TLB_agree_with_a_dictionary(bool watch)
    {
        var seed = BuddyModelTests.Seed() ^ (watch ? 0 : 1);
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        var steps = int.TryParse(Environment.GetEnvironmentVariable("KMEMKIT_MMU_STEPS"), out var longer) ? longer : Steps;
        using var machine = new MmuMachine<TFormat>(watch: watch);
        var before = machine.Tables.TablePages;
        var run = new Run(machine, seed);
        for (var step = 0; step < steps; step++)
        {
            run.Step();
            if (step % (steps / 8) == 0)
                run.CheckAll();
        }
        run.CheckAll();
        run.UnmapAll();
        var range = machine.Format.InputRanges[0];
        machine.Tables.ReclaimTables(machine.Cpu, range);
        machine.NoBugs();
        Assert.That(machine.Tables.TableCount, Is.Zero, "every table was given back");
        Assert.That(machine.Tables.TablePages, Is.EqualTo(before));
        Assert.That(run.Accesses, Is.GreaterThan(steps / 10), "the run touched memory");
        machine.Machine.Allocator.Verify();
    }

    private sealed class Run
    {
        private readonly MmuMachine<TFormat> _machine;
        private readonly Random _random;
        private readonly List<PageProt> _prots = [];
        private readonly Dictionary<ulong, (ulong Phys, PageProt Prot)> _pages = [];
        private readonly ulong _base;
        private readonly int _count;
        private readonly int _block;
        private readonly ulong _page;

        public Run(MmuMachine<TFormat> machine, int seed)
        {
            _machine = machine;
            _random = new Random(seed);
            _page = machine.Page;
            var shapes = machine.Format.Shapes;
            _block = (int)(shapes[Math.Min(1, shapes.Length - 1)].Bytes / _page);
            foreach (var shape in shapes)
            {
                if (shape.Bytes <= 64 * Machine.MiB)
                    _block = (int)(shape.Bytes / _page);
            }
            _count = Math.Min(3 * _block, 4096) + 37;
            // Over an edge of the second-largest tables.
            _base = machine.Base + (1UL << 29) - ((ulong)(_count / 2 / _block * _block) * _page);
            foreach (var (privileged, user, use) in new[]
            {
                (AccessRights.ReadWrite, AccessRights.None, MemoryUse.Cached),
                (AccessRights.Read, AccessRights.None, MemoryUse.Cached),
                (AccessRights.All, AccessRights.None, MemoryUse.Cached),
                (AccessRights.ReadWrite, AccessRights.ReadWrite, MemoryUse.Cached),
                (AccessRights.Read, AccessRights.Read, MemoryUse.Cached),
                (AccessRights.Read | AccessRights.Execute, AccessRights.None, MemoryUse.Cached),
                (AccessRights.All, AccessRights.All, MemoryUse.Cached),
                (AccessRights.Read | AccessRights.Execute, AccessRights.Read | AccessRights.Execute, MemoryUse.Cached),
                (AccessRights.All, AccessRights.None, MemoryUse.WriteCombining),
                (AccessRights.ReadWrite, AccessRights.None, MemoryUse.WriteCombining),
                (AccessRights.ReadWrite, AccessRights.None, MemoryUse.Device),
            })
            {
                foreach (var isGlobal in new[] { true, false })
                {
                    var attributes = machine.Attributes(privileged, user, use) with { IsGlobal = isGlobal };
                    if (machine.Tables.TryProt(attributes, out var prot, _random.Next(3) == 0 ? _page : ulong.MaxValue) == EncodingRefusal.None)
                        _prots.Add(prot!);
                }
            }
            Assert.That(_prots, Has.Count.GreaterThan(4));
        }

        public int Accesses { get; private set; }

        public void Step()
        {
            // Otherwise there would hardly ever be room for a large leaf.
            if (_random.Next(4000) == 0)
                Clear();
            switch (_random.Next(100))
            {
                case < 72: Access(); break;
                case < 83: Map(); break;
                case < 92: Unmap(); break;
                case < 97: Protect(); break;
                case < 98: Split(); break;
                case < 99: Join(); break;
                default: Reclaim(); break;
            }
        }

        public void CheckAll()
        {
            for (var i = 0; i < _count; i++)
            {
                var virt = _base + ((ulong)i * _page);
                var expected = _pages.TryGetValue(virt, out var page) ? page.Phys : (ulong?)null;
                if (_machine.Walk(virt) != expected)
                    Assert.Fail($"{virt:x} is mapped to {_machine.Walk(virt):x}, the dictionary says {expected:x}");
                if (_machine.Tables.TryTranslate(new VirtAddr(virt + 5), out var output) != expected.HasValue || (expected.HasValue && output.Value != expected + 5))
                    Assert.Fail($"{virt:x}: the fast walk disagrees");
                if (expected.HasValue && !Same(_machine.Tables.AttributesAt(new VirtAddr(virt))!.Value, page.Prot.Attributes))
                    Assert.Fail($"{virt:x} is {_machine.Tables.AttributesAt(new VirtAddr(virt))}, the dictionary says {page.Prot.Attributes}");
            }
        }

        public void UnmapAll()
        {
            foreach (var virt in _pages.Keys)
                Assert.That(_machine.Unmap(virt, _page).IsOk);
            _pages.Clear();
        }

        private bool Same(in PageAttributes left, in PageAttributes right) =>
            left with { IsAccessed = right.IsAccessed, IsDirty = right.IsDirty } == _machine.Format.Canonical(right) with { IsDirty = right.IsDirty, IsAccessed = right.IsAccessed };

        private int Length()
        {
            var kind = _random.Next(1000);
            return kind < 700 ? 1 + _random.Next(4) : kind < 990 ? 1 + _random.Next(32) : kind < 997 ? _block : 1 + _random.Next(Math.Min(_count, 2 * _block));
        }

        private (ulong Virt, int Pages) Range()
        {
            var pages = Math.Min(Length(), _count);
            var first = _random.Next(_count - pages + 1);
            if (pages == _block)
                first = first / _block * _block;
            return (_base + ((ulong)first * _page), pages);
        }

        private void Access()
        {
            Accesses++;
            var virt = _base + ((ulong)_random.Next(_count) * _page) + ((ulong)_random.Next((int)Math.Min(_page, 4096) / 8) * 8);
            var access = _random.Next(3) switch { 0 => AccessRights.Read, 1 => AccessRights.Write, _ => AccessRights.Execute };
            var privilege = (Privilege)_random.Next(2);
            var mapped = _pages.TryGetValue(virt & ~(_page - 1), out var page);
            var cause = mapped ? _machine.Format.Check(_machine.Format.Canonical(page.Prot.Attributes), access, privilege, default) : FaultCause.Translation;
            if (cause != FaultCause.None && _random.Next(4) != 0)
                return;
            try
            {
                var output = _machine.Port.Translate(new VirtAddr(virt), access, privilege);
                if (cause != FaultCause.None)
                    Assert.Fail($"{access} of {virt:x} by {privilege} code went to {output}, expected is {cause}");
                if (output.Value != page.Phys + (virt & (_page - 1)))
                    Assert.Fail($"{access} of {virt:x} went to {output}, expected is {page.Phys + (virt & (_page - 1)):x}");
            }
            catch (MemoryFaultException fault) when (cause != FaultCause.None)
            {
                if (fault.Fault.Cause != cause)
                    Assert.Fail($"{access} of {virt:x} by {privilege} code: {fault.Message}, expected is {cause}");
            }
        }

        private void Map()
        {
            var (virt, pages) = Range();
            var prot = _prots[_random.Next(_prots.Count)];
            // Often so that large leaves fit.
            var phys = _random.Next(2) == 0
                ? (virt - _base) + ((ulong)_random.Next(4) * (ulong)_block * _page)
                : (ulong)_random.Next(1 << 14) * _page;
            var result = _machine.Map(virt, phys, (ulong)pages * _page, prot);
            var inTheWay = FirstIn(virt, pages, mapped: true);
            if (inTheWay is { } at)
            {
                if (result.Error != PageTableError.AlreadyMapped || result.At.Value != at)
                    Assert.Fail($"map of {pages} pages at {virt:x}: {result}, but {at:x} is mapped");
                return;
            }
            if (!result.IsOk)
                Assert.Fail($"map of {pages} pages at {virt:x}: {result}");
            for (var i = 0; i < pages; i++)
                _pages[virt + ((ulong)i * _page)] = (phys + ((ulong)i * _page), prot);
        }

        private void Unmap()
        {
            var (virt, pages) = Mapped();
            var result = _machine.Unmap(virt, (ulong)pages * _page);
            if (FirstIn(virt, pages, mapped: false) is { } at)
            {
                if (result.Error != PageTableError.NotMapped || result.At.Value != at)
                    Assert.Fail($"unmap of {pages} pages at {virt:x}: {result}, but {at:x} is not mapped");
                return;
            }
            if (!result.IsOk)
                Assert.Fail($"unmap of {pages} pages at {virt:x}: {result}");
            for (var i = 0; i < pages; i++)
                _pages.Remove(virt + ((ulong)i * _page));
        }

        // Frees a block's addresses and maps the block, so that the TLB has it.
        private void Clear()
        {
            var virt = _base + ((ulong)(_random.Next(_count / _block) * _block) * _page);
            for (var i = 0; i < _block; i++)
            {
                var run = 0;
                while (i + run < _block && _pages.Remove(virt + ((ulong)(i + run) * _page)))
                    run++;
                if (run != 0 && !_machine.Unmap(virt + ((ulong)i * _page), (ulong)run * _page).IsOk)
                    Assert.Fail($"{run} pages at {virt + ((ulong)i * _page):x} are not mapped");
                i += run;
            }
            var phys = (ulong)_random.Next(3) * (ulong)_block * _page;
            var prot = _prots[_random.Next(_prots.Count)];
            if (_machine.Map(virt, phys, (ulong)_block * _page, prot) is { IsOk: false } refused)
                Assert.Fail($"map of a block at {virt:x}: {refused}");
            for (var i = 0; i < _block; i++)
                _pages[virt + ((ulong)i * _page)] = (phys + ((ulong)i * _page), prot);
        }

        private void Protect()
        {
            var (virt, pages) = Mapped();
            var prot = _prots[_random.Next(_prots.Count)];
            var result = _machine.Protect(virt, (ulong)pages * _page, prot);
            if (FirstIn(virt, pages, mapped: false) is { } at)
            {
                if (result.Error != PageTableError.NotMapped || result.At.Value != at)
                    Assert.Fail($"protect of {pages} pages at {virt:x}: {result}, but {at:x} is not mapped");
                return;
            }
            if (!result.IsOk)
                Assert.Fail($"protect of {pages} pages at {virt:x}: {result}");
            for (var i = 0; i < pages; i++)
            {
                var page = virt + ((ulong)i * _page);
                _pages[page] = (_pages[page].Phys, prot);
            }
        }

        private void Split()
        {
            var (virt, pages) = Range();
            var result = _machine.Tables.Split(_machine.Cpu, new VirtAddr(virt), (ulong)pages * _page, _page);
            if (!result.IsOk)
                Assert.Fail($"split of {pages} pages at {virt:x}: {result}");
            var at = virt + ((ulong)_random.Next(pages) * _page);
            if (_machine.Tables.ShapeAt(new VirtAddr(at)) is { } shape && shape.Bytes != _page)
                Assert.Fail($"{at:x} is still part of {shape}");
        }

        private void Join()
        {
            var (virt, pages) = Range();
            var result = _machine.Tables.Join(_machine.Cpu, new VirtAddr(virt), (ulong)pages * _page, out _);
            if (!result.IsOk)
                Assert.Fail($"join of {pages} pages at {virt:x}: {result}");
        }

        private void Reclaim()
        {
            var (virt, pages) = Range();
            _machine.Tables.ReclaimTables(_machine.Cpu, new VirtRange(new VirtAddr(virt), (ulong)pages * _page));
        }

        // Mostly a run that is mapped, as long as it goes.
        private (ulong Virt, int Pages) Mapped()
        {
            var (virt, pages) = Range();
            if (_random.Next(8) == 0)
                return (virt, pages);
            for (var skipped = 0; skipped < 64 && !_pages.ContainsKey(virt); skipped++)
                virt = _base + ((((virt - _base) / _page) + 1) % (ulong)_count * _page);
            pages = Math.Min(pages, _count - (int)((virt - _base) / _page));
            var run = 1;
            while (run < pages && _pages.ContainsKey(virt + ((ulong)run * _page)))
                run++;
            return (virt, run);
        }

        private ulong? FirstIn(ulong virt, int pages, bool mapped)
        {
            for (var i = 0; i < pages; i++)
            {
                if (_pages.ContainsKey(virt + ((ulong)i * _page)) == mapped)
                    return virt + ((ulong)i * _page);
            }
            return null;
        }
    }
}
