using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>Random operations against the plain model. A failure prints the seed; <c>KMEMKIT_SEED</c> replays it.</summary>
internal sealed class BuddyModelTests
{
    // No watermark, so that the model decides alone who can be served; may sleep, so that CPU lists are drained first.
    private static readonly GfpFlags[] s_kinds =
    [
        GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn,
        GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn | GfpFlags.Movable,
        GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn | GfpFlags.Reclaimable,
        GfpFlags.Kernel | GfpFlags.MemAlloc | GfpFlags.NoWarn | GfpFlags.Comp,
    ];

    [TestCase(12_000, 1, 16UL, Description = "invariants after every step")]
    [TestCase(10_000_000, 500_000, 64UL, Description = "a long run; KMEMKIT_MODEL_STEPS makes it longer")]
    public void Random_requests_of_all_orders_and_kinds_agree_with_a_bitmap(int steps, int verifyEvery, ulong megabytes)
    {
        if (verifyEvery > 1 && int.TryParse(Environment.GetEnvironmentVariable("KMEMKIT_MODEL_STEPS"), out var longer))
            steps = longer;
        var seed = Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        using var machine = Machine.Arm(megabytes * Machine.MiB, new PageAllocatorOptions { Cpus = 2, PageBlockOrder = 9 });
        var before = FreeLists(machine);
        var model = new PageModel(machine);
        var random = new Random(seed);
        for (var step = 0; step < steps; step++)
        {
            // Fills for a while, then empties for a while.
            var fill = (step / (steps / 6 + 1) % 2) == 0 ? 60 : 40;
            Step(model, random, fill, verifyEvery == 1);
            if (step % verifyEvery == 0)
                machine.Allocator.Verify();
        }
        while (model.Blocks.Count > 0)
        {
            var (page, order) = model.Remove(model.Blocks.Count - 1);
            machine.Cpu.FreePages(page, order);
        }
        machine.Allocator.DrainAllPages(machine.Cpu);
        machine.Allocator.Verify();
        Assert.That(FreeLists(machine), Is.EqualTo(before), "all freed and drained, every block is whole again");
    }

    [TestCase(16)]
    [TestCase(64)]
    public void So_do_they_with_the_large_pages_of_arm64(int pageKib)
    {
        const int steps = 100_000;
        const int frames = 1 << 14;
        var seed = Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        var policy = new Policy { PageGeometry = Machine.Set(pageKib == 16 ? PageGeometry.SixteenKiB : PageGeometry.SixtyFourKiB) };
        using var machine = Machine.Boot(
            TargetArchitecture.Arm64, policy, new PageAllocatorOptions { Cpus = 2, PageBlockOrder = 9 }, null, (1UL << 32, (1UL << 32) + ((ulong)frames * (ulong)pageKib << 10), 0));
        Assert.That((machine.Map.Pages.PageSize, machine.Map.Frames), Is.EqualTo(((ulong)pageKib << 10, (uint)frames)));
        var before = FreeLists(machine);
        var model = new PageModel(machine);
        var random = new Random(seed);
        for (var step = 0; step < steps; step++)
        {
            Step(model, random, (step / ((steps / 6) + 1) % 2) == 0 ? 60 : 40, isSmall: false);
            if (step % 5000 == 0)
                machine.Allocator.Verify();
        }
        while (model.Blocks.Count > 0)
        {
            var (page, order) = model.Remove(model.Blocks.Count - 1);
            machine.Cpu.FreePages(page, order);
        }
        machine.Allocator.DrainAllPages(machine.Cpu);
        machine.Allocator.Verify();
        Assert.That(FreeLists(machine), Is.EqualTo(before), "all freed and drained, every block is whole again");
    }

    [Test]
    public void A_zone_that_is_filled_page_by_page_gives_every_managed_page_once_and_comes_back_whole()
    {
        using var machine = Machine.Arm(128 * Machine.MiB);
        var before = FreeLists(machine);
        var model = new PageModel(machine);
        for (var page = machine.Cpu.AllocPage(s_kinds[0]); !page.IsNull; page = machine.Cpu.AllocPage(s_kinds[0]))
            model.Take(page, 0);
        Assert.That((ulong)model.Blocks.Count, Is.EqualTo(machine.Allocator.TotalPages));
        Assert.That(machine.Allocator.Zones[0].FreePages, Is.Zero);
        var pages = model.Blocks.Select(block => block.Page).ToArray();
        var seed = Seed();
        TestContext.Out.WriteLine($"KMEMKIT_SEED={seed}");
        new Random(seed).Shuffle(pages);
        machine.Cpu.FreePagesBulk(pages);
        machine.Allocator.DrainAllPages(machine.Cpu);
        machine.Allocator.Verify();
        Assert.That(FreeLists(machine), Is.EqualTo(before));
    }

    private static void Step(PageModel model, Random random, int fill, bool isSmall)
    {
        var machine = model.Machine;
        var cpu = machine.Allocator.Cpus[random.Next(2)];
        var action = random.Next(100);
        if (action < fill)
        {
            var order = Math.Min(random.Next(11), random.Next(11));
            var flags = s_kinds[random.Next(s_kinds.Length)];
            var page = cpu.AllocPages(flags, order);
            if (page.IsNull)
            {
                // Full searches of the model are for the small machine.
                if (isSmall && model.HasRun(order))
                    Assert.Fail($"order {order} failed although a run is free");
                return;
            }
            model.Take(page, order);
        }
        else if (action < 97)
        {
            if (model.Blocks.Count == 0)
                return;
            var (page, order) = model.Remove(random.Next(model.Blocks.Count));
            cpu.FreePages(page, order);
        }
        else
        {
            Misuse(model, random, cpu);
        }
    }

    private static void Misuse(PageModel model, Random random, Cpu cpu)
    {
        var index = (uint)random.Next((int)model.Machine.Map.Frames);
        var order = random.Next(11);
        var isBlock = false;
        foreach (var block in model.Blocks.Where(block => block.Page.Index == index))
            isBlock = block.Order == order;
        if (isBlock)
            return;
        var thrown = Assert.Throws<PageErrorException>(() => cpu.FreePages(new Page(index), order));
        var allowed = model.IsUsed(index)
            ? new[] { PageErrorKind.WrongOrder, PageErrorKind.NotFirstPage, PageErrorKind.Reserved, PageErrorKind.Hole }
            : [PageErrorKind.DoubleFree];
        Assert.That(allowed, Does.Contain(thrown!.Kind));
    }

    internal static int Seed() => int.TryParse(Environment.GetEnvironmentVariable("KMEMKIT_SEED"), out var given) ? given : Environment.TickCount;

    internal static List<uint> FreeLists(Machine machine)
    {
        var lists = new List<uint>();
        foreach (var zone in machine.Allocator.Zones)
        {
            for (var order = 0; order <= machine.Map.MaxOrder; order++)
                lists.Add(zone.FreeBlocks(order));
        }
        return lists;
    }
}
