using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Mmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>The walk that takes tables for usual ends where the walk of the manuals does, whatever bit of a descriptor is another one.</summary>
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
internal sealed class UsualWalkTests<TFormat>
    where TFormat : struct, ITranslationFormat
{
    [Test]
    public void Each_bit_of_each_descriptor_on_the_way_counts()
    {
        using var machine = new MmuMachine<TFormat>(watch: false);
        var (format, memory) = (machine.Format, machine.Machine.Memory);
        var virt = machine.Base + (5 * machine.Page);
        Assert.That(machine.Map(virt, 7 * machine.Page, machine.Page).IsOk);
        Check("as it was mapped");
        var table = machine.Tables.Root.Value;
        for (var level = format.RootLevel; ; level = format.NextLevel(level))
        {
            var slot = new PhysAddr(table + ((ulong)format.Index(virt, level) * (uint)format.DescriptorSize));
            var descriptor = Read(slot);
            for (var bit = 0; bit < format.DescriptorSize * 8; bit++)
            {
                Write(slot, descriptor ^ (1UL << bit));
                Check($"level {level}, bit {bit}");
                Check($"level {level}, bit {bit}, once more");
                Write(slot, descriptor);
                Check($"level {level}, bit {bit} as it was");
            }
            if (level == format.LastLevel)
                break;
            table = format.TableAddress(descriptor, level);
        }

        ulong Read(PhysAddr at) => format.DescriptorSize == 8 ? memory.ReadUInt64(at) : memory.ReadUInt32(at);

        void Write(PhysAddr at, ulong value)
        {
            if (format.DescriptorSize == 8)
                memory.WriteUInt64(at, value);
            else
                memory.WriteUInt32(at, (uint)value);
        }

        void Check(string what)
        {
            var expected = machine.Walk(virt + 3);
            Assert.That(machine.Tables.TryTranslate(new VirtAddr(virt + 3), out var output), Is.EqualTo(expected.HasValue), what);
            if (expected is { } at)
                Assert.That(output.Value, Is.EqualTo(at), what);
        }
    }

    [Test]
    public void A_page_s_address_that_is_taken_as_it_is_lies_so_in_the_descriptor()
    {
        using var machine = new MmuMachine<TFormat>(watch: false);
        var format = machine.Format;
        if (!UsualTables.IsPlain(format))
            Assert.Pass("It is decoded.");
        var page = format.Shapes[0];
        for (var bit = format.PageShift; bit < format.OutputBits; bit++)
        {
            // Some have larger outputs in larger leaves only.
            if (format.TryEncodeLeaf(1UL << bit, machine.Rw.Attributes, page, out _) == EncodingRefusal.BeyondOutputSize)
                continue;
            var field = format.OutputField(1UL << bit, page);
            Assert.That(field, Is.EqualTo(1UL << bit), $"bit {bit}");
            Assert.That(format.LeafAddress(field, format.LastLevel), Is.EqualTo(1UL << bit), $"bit {bit}");
        }
    }
}
