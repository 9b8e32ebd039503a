using KmemKit.Architecture;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>Misuse of pages is a typed error, and nothing changes.</summary>
internal sealed class PageErrorTests
{
    private Machine _machine = null!;

    [SetUp]
    public void Boot() => _machine = Machine.Arm(64 * Machine.MiB, reserve: memblock => memblock.Reserve(new PhysAddr(1 << 20), 1 << 20));

    [TearDown]
    public void End()
    {
        _machine.Allocator.Verify();
        _machine.Dispose();
    }

    [TestCase(0)]
    [TestCase(3)]
    [TestCase(10)]
    public void A_double_free_is_refused(int order)
    {
        var page = _machine.Cpu.AllocPages(GfpFlags.Kernel, order);
        _machine.Cpu.FreePages(page, order);
        Expect(PageErrorKind.DoubleFree, () => _machine.Cpu.FreePages(page, order));
        _machine.Cpu.DrainLocalPages();
        Expect(PageErrorKind.DoubleFree, () => _machine.Cpu.FreePages(page, order));
    }

    [TestCase(0, 1)]
    [TestCase(3, 0)]
    [TestCase(9, 10)]
    [TestCase(2, -1)]
    [TestCase(2, 40)]
    public void A_free_of_another_order_is_refused(int order, int freed)
    {
        var page = _machine.Cpu.AllocPages(GfpFlags.Kernel, order);
        Expect(PageErrorKind.WrongOrder, () => _machine.Cpu.FreePages(page, freed));
        _machine.Cpu.FreePages(page, order);
    }

    [Test]
    public void A_page_inside_a_block_cannot_be_freed_by_itself()
    {
        var page = _machine.Cpu.AllocPages(GfpFlags.Kernel, 3);
        var inside = _machine.Map.PfnToPage(_machine.Map.PageToPfn(page) + 5);
        Expect(PageErrorKind.NotFirstPage, () => _machine.Cpu.FreePage(inside));
        _machine.Cpu.FreePages(page, 3);
    }

    [Test]
    public void Reserved_memory_cannot_be_freed()
    {
        var page = _machine.Map.PfnToPage(new PageFrame(256));
        Assert.That(_machine.Map.Flags(page), Is.EqualTo(PageFlags.Reserved));
        Expect(PageErrorKind.Reserved, () => _machine.Cpu.FreePage(page));
    }

    [Test]
    public void The_null_page_and_a_page_of_a_larger_map_are_foreign()
    {
        Expect(PageErrorKind.Foreign, () => _machine.Cpu.FreePage(Page.Null));
        using var larger = Machine.Arm(128 * Machine.MiB);
        var page = larger.Map.PfnToPage(new PageFrame(20000));
        Expect(PageErrorKind.Foreign, () => _machine.Cpu.FreePage(page));
    }

    [Test]
    public void A_hole_has_no_page_in_the_sparse_model_and_none_to_free_in_the_flat_one()
    {
        Expect(PageErrorKind.Hole, () => _machine.Map.PfnToPage(new PageFrame(1 << 20)));
        using var holed = Machine.Boot(
            BoardCompiler.Policies.TargetArchitecture.Arm, Machine.ArmPolicy(), null, null, (0, 32 * Machine.MiB, 0), (48 * Machine.MiB, 64 * Machine.MiB, 0));
        var page = holed.Map.PfnToPage(new PageFrame(10000));
        Expect(PageErrorKind.Hole, () => holed.Cpu.FreePage(page));
        holed.Allocator.Verify();
    }

    [Test]
    public void A_locked_page_cannot_be_freed_until_it_is_unlocked()
    {
        var page = _machine.Cpu.AllocPage(GfpFlags.Kernel);
        _machine.Map.SetFlags(page, PageFlags.Locked | PageFlags.Dirty);
        Expect(PageErrorKind.InUse, () => _machine.Cpu.FreePage(page));
        _machine.Map.ClearFlags(page, PageFlags.Locked);
        _machine.Cpu.FreePage(page);
        Assert.That(_machine.Map.Flags(page), Is.EqualTo(PageFlags.Buddy));
    }

    private static void Expect(PageErrorKind kind, System.Action action) => Assert.That(Assert.Throws<PageErrorException>(action)!.Kind, Is.EqualTo(kind));
}
