using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Mmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>What may not be replaced directly, one difference at a time (ARM DDI 0487, D8.17.1).</summary>
internal sealed class BreakBeforeMakeTests
{
    private static Vmsav8Format<Granule4K> Format => default;

    private static PageAttributes Usual => new(AccessRights.ReadWrite, AccessRights.None, MemoryType.NormalWriteBackWriteAllocate, Shareability.Inner) { IsAccessed = true, IsGlobal = false };

    [Test]
    public void A_break_is_needed_for_what_two_translations_would_contradict_each_other_in()
    {
        Assert.Multiple(() =>
        {
            Assert.That(IsNeeded(Usual, Usual with { Shareability = Shareability.Outer }), "shareability");
            Assert.That(IsNeeded(Usual, Usual with { Memory = MemoryType.NormalNonCacheable }), "memory type");
            Assert.That(IsNeeded(Usual, Usual with { IsGlobal = true }), "becoming global");
            Assert.That(IsNeeded(Usual with { IsGlobal = true }, Usual), Is.False, "no longer global");
            Assert.That(IsNeeded(Usual, Usual with { Privileged = AccessRights.Read }), Is.False, "rights");
            Assert.That(IsNeeded(Usual, Usual with { Software = 1 }), Is.False, "software bits");
            Assert.That(IsNeeded(Usual, Usual), Is.False, "nothing");
            Assert.That(BreakBeforeMake.IsNeeded(Format, Leaf(Usual, 0x1000, Page), Leaf(Usual, 0x2000, Page), Format.LastLevel, 0), "output address");
            Assert.That(BreakBeforeMake.IsNeeded(Format, Leaf(Usual, 0x10000, Page), Leaf(Usual, 0x10000, Group), Format.LastLevel, 0), "size of leaf");
            Assert.That(BreakBeforeMake.IsNeeded(Format, 0, Leaf(Usual, 0x1000, Page), Format.LastLevel, 0), Is.False, "nothing was there");
            Assert.That(BreakBeforeMake.IsNeeded(Format, Leaf(Usual, 0x1000, Page), 0, Format.LastLevel, 0), Is.False, "nothing is there any longer");
        });
    }

    [Test]
    public void X86_and_RISC_V_do_not_ask_for_it()
    {
        Assert.That(BreakBeforeMake.IsDemandedBy(default(X86Format<FourLevel>)), Is.False);
        Assert.That(BreakBeforeMake.IsDemandedBy(default(SvFormat<Sv39>)), Is.False);
        Assert.That(BreakBeforeMake.IsDemandedBy(Format));
    }

    private static LeafShape Page => Format.Shapes[0];

    // Sixteen pages by the contiguous hint.
    private static LeafShape Group => Format.Shapes.First(s => s.Count == 16 && s.Level == Format.LastLevel);

    private static bool IsNeeded(PageAttributes before, PageAttributes after) =>
        BreakBeforeMake.IsNeeded(Format, Leaf(before, 0x1000, Page), Leaf(after, 0x1000, Page), Format.LastLevel, 0);

    private static ulong Leaf(PageAttributes attributes, ulong output, LeafShape shape)
    {
        Assert.That(Format.TryEncodeLeaf(output, attributes, shape, out var descriptor), Is.EqualTo(EncodingRefusal.None));
        return descriptor;
    }
}
