using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Mmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>What a leaf has from the tables above it, and what of its own stays when its rights change.</summary>
internal sealed class TableAttributesTests
{
    [Test]
    public void A_page_of_another_domain_than_its_table_is_refused_and_nothing_changes()
    {
        // The domain of pages is in the descriptor of their table (ARM DDI 0406C, B3.5.1).
        using var machine = new MmuMachine<ArmShortFormat>(watch: false);
        var (page, section) = (machine.Page, 1UL << 20);
        var other = machine.Tables.Prot(machine.Rw.Attributes with { Domain = 1 }, machine.Page);
        Assert.That(machine.Map(section, 0, page).IsOk);
        var refused = new PageTableResult(new VirtAddr(section + page), PageTableError.Attributes, EncodingRefusal.DomainNotAvailable);
        foreach (var pages in new ulong[] { 1, 4, 16 })
            Assert.That(machine.Map(section + page, page, pages * page, other), Is.EqualTo(refused), $"{pages} pages");
        Assert.That(machine.Map(section - page, 0, 3 * page, other), Is.EqualTo(new PageTableResult(new VirtAddr(section), PageTableError.Attributes, EncodingRefusal.DomainNotAvailable)),
            "from a table that is still to be made");
        Assert.That(machine.Walk(section - page), Is.Null);
        Assert.That(machine.Walk(section + page), Is.Null);
        Assert.That(machine.Tables.TableCount, Is.EqualTo(1));
        var protect = machine.Protect(section, page, other);
        Assert.That(protect, Is.EqualTo(new PageTableResult(new VirtAddr(section), PageTableError.Attributes, EncodingRefusal.DomainNotAvailable)));
        Assert.That(machine.Tables.AttributesAt(new VirtAddr(section)), Is.EqualTo(machine.Rw.Attributes));
        Assert.That(machine.Map(2 * section, 0, page, other).IsOk, "a table of its own");
        Assert.That(machine.Tables.AttributesAt(new VirtAddr(2 * section))!.Value.Domain, Is.EqualTo(1));
        Assert.That(machine.Map((2 * section) + page, page, page, other).IsOk);
    }

    [Test]
    public void Software_bits_stay_when_a_page_gets_other_rights_and_when_a_block_is_split()
    {
        Keeps(default(X86Format<FourLevel>));
        Keeps(new Vmsav8Format<Granule4K>(48));
        Keeps(default(SvFormat<Sv39>));

        static void Keeps<TFormat>(TFormat format) where TFormat : struct, ITranslationFormat
        {
            using var machine = new MmuMachine<TFormat>(format, watch: false);
            var software = (ushort)((1 << format.SoftwareBits) - 1);
            Assert.That(software, Is.Not.Zero);
            var marked = machine.Tables.Prot(machine.Rw.Attributes with { Software = software });
            var block = format.Shapes.First(shape => shape.Level != format.LastLevel && shape.Count == 1).Bytes;
            Assert.That(machine.Map(0, 0, block, marked).IsOk);
            Assert.That(machine.Tables.ShapeAt(default)!.Value.Bytes, Is.EqualTo(block));
            // The end of the range splits the block.
            Assert.That(machine.Protect(0, machine.Page, machine.Prot(AccessRights.Read, AccessRights.None)).IsOk);
            foreach (var at in new ulong[] { 0, machine.Page, block - machine.Page })
                Assert.That(machine.Tables.AttributesAt(new VirtAddr(at))!.Value.Software, Is.EqualTo(software), $"{format.Name} at 0x{at:x}");
            Assert.That(machine.Tables.AttributesAt(default)!.Value.Privileged, Is.EqualTo(AccessRights.Read));
            Assert.That(machine.Protect(0, block, machine.Prot(AccessRights.Read, AccessRights.None)).IsOk);
            Assert.That(machine.Tables.AttributesAt(new VirtAddr(machine.Page))!.Value.Software, Is.EqualTo(software));
        }
    }

    [Test]
    public void Pages_of_a_split_section_are_of_its_domain()
    {
        using var machine = new MmuMachine<ArmShortFormat>(watch: false);
        var section = 1UL << 20;
        var prot = machine.Tables.Prot(machine.Rw.Attributes with { Domain = 3 }, section);
        Assert.That(machine.Map(0, 0, section, prot).IsOk);
        var before = machine.Tables.AttributesAt(default);
        Assert.That(machine.Tables.Split(machine.Cpu, default, section, machine.Page).IsOk);
        Assert.That(machine.Tables.ShapeAt(default)!.Value.Bytes, Is.EqualTo(machine.Page));
        Assert.That(machine.Tables.AttributesAt(default), Is.EqualTo(before));
        Assert.That(before!.Value.Domain, Is.EqualTo(3));
    }
}
