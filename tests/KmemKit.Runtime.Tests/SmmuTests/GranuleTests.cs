using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Domains of all three granules: a device reaches the granules it was given, to their last byte, and gives them back by one invalidation.</summary>
[TestFixture(SmmuVersion.V3)]
[TestFixture(SmmuVersion.V2)]
internal sealed class GranuleTests(SmmuVersion version)
{
    private static readonly PhysAddr s_ram = new(0x200_0000);

    [Test]
    public void Of_4_KiB() => Check<Granule4K>();

    [Test]
    public void Of_16_KiB() => Check<Granule16K>();

    [Test]
    public void Of_64_KiB() => Check<Granule64K>();

    private void Check<TGranule>()
        where TGranule : struct, IGranule
    {
        using var bench = DeviceBench.Of(version);
        var before = bench.FreePages;
        using (var domain = bench.Driver.TryCreateDomain<TGranule>(bench.Cpu, bench.Machine.Memory)!)
        {
            domain.Attach(1);
            using var port = new SmmuPort(bench.Smmu, 1);
            var granule = domain.Granule;
            Assert.That(granule, Is.EqualTo(1UL << default(TGranule).PageShift));
            // Every third granule, in turns from the front and the back: one range of devices' addresses.
            var pieces = Enumerable.Range(0, 40).Select(i => new DmaPiece(s_ram + ((ulong)(i % 2 == 0 ? i : 79 - i) * 3 * granule), granule)).ToArray();
            Assert.That(domain.TryMap(bench.Cpu, pieces, DmaAccess.Read | DmaAccess.Write, uint.MaxValue, out var bus), Is.EqualTo(DmaError.None));
            Assert.That(bus.Value % granule, Is.Zero);
            for (var i = 0; i < pieces.Length; i++)
            {
                foreach (var offset in new[] { 0UL, granule - 8 })
                {
                    Assert.That(port.Write(bus + ((ulong)i * granule) + offset, (ulong)i + offset), Is.EqualTo(SmmuOutcome.Translated));
                    Assert.That(bench.Machine.Memory.ReadUInt64(pieces[i].Address + offset), Is.EqualTo((ulong)i + offset), $"granule {i}");
                }
            }
            Assert.That(domain.ReachableMemory().Sum(range => (long)range.Size.Value), Is.EqualTo(40 * (long)granule));
            Assert.That(port.Read(bus + (40 * granule), out _), Is.EqualTo(SmmuOutcome.Abort));
            Assert.That(port.Read(bus - 8, out _), Is.EqualTo(SmmuOutcome.Abort));
            // Edges inside a granule are ranges of their own; a size below a granule takes one.
            Assert.That(domain.TryMap(bench.Cpu, [new DmaPiece(s_ram + 0x300, 0x10)], DmaAccess.Read, uint.MaxValue, out var small), Is.EqualTo(DmaError.None));
            Assert.That(small.Value % granule, Is.EqualTo(0x300UL));
            Assert.That(port.Write(small, [1], out _), Is.EqualTo(SmmuOutcome.Abort), "for reading only");
            var (maintenance, faults) = (bench.Maintenance, bench.Faults.Count);
            domain.Unmap(bench.Cpu, bus, 40 * granule);
            Assert.That((bench.Maintenance.Invalidations - maintenance.Invalidations, bench.Maintenance.Syncs - maintenance.Syncs), Is.EqualTo((1UL, 1UL)));
            for (var i = 0UL; i < 40; i++)
                Assert.That(port.Read(bus + (i * granule), out _), Is.EqualTo(SmmuOutcome.Abort));
            Assert.That(bench.Faults.Skip(faults).All(f => f.Kind == DeviceFaultKind.Translation), Is.True);
            domain.Unmap(bench.Cpu, small, 0x10);
            Assert.That(domain.ReachableMemory(), Is.Empty);
        }
        Assert.That(before - bench.FreePages, Is.EqualTo(bench.PagesOfStream));
    }
}
