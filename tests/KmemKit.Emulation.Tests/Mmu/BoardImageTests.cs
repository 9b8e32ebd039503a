using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>
/// The boards' own images, as the planner makes them, on the machines that the boards describe: every edge of every region with a page to each side, and addresses
/// at random, by both privileges, in all three kinds of access.
/// </summary>
/// <remarks>
/// Where a processor cannot look at its tables from outside, the few pages that the probes themselves need are mapped beside the image: Armv7 without a second tree,
/// x86. The image's own descriptors stay as they are, but for empty ones of its root (and of tables below addresses that the kernel leaves to processes).
/// </remarks>
public sealed class BoardImageTests
{
    internal static IEnumerable<TestCaseData> Images =>
    [
        new("qemu/virt-cortex-a53", "vmsav8-64-4k", MapStyle.Kernel), new("qemu/virt-cortex-a53", "vmsav8-64-16k", MapStyle.Kernel),
        new("qemu/virt-cortex-a53", "vmsav8-64-64k", MapStyle.Kernel), new("qemu/virt-cortex-a53", "vmsav8-64-4k", MapStyle.Flat),
        new("qemu/virt-smmuv3", "vmsav8-64-4k", MapStyle.Kernel),
        new("qemu/virt-cortex-a15", "arm-short", MapStyle.Kernel), new("qemu/virt-cortex-a15", "arm-lpae", MapStyle.Kernel),
        // Not long descriptors, flat: the board has devices above 4 GiB.
        new("qemu/virt-cortex-a15", "arm-short", MapStyle.Flat),
        new("pc/pc-32", "x86-32", MapStyle.Kernel), new("pc/pc-32", "x86-pae", MapStyle.Kernel), new("pc/pc-pae", "x86-pae", MapStyle.Kernel),
        new("pc/pc-64", "x86-64", MapStyle.Kernel), new("pc/pc-64", "x86-64-la57", MapStyle.Kernel),
        new("qemu/virt-sv32", "sv32", MapStyle.Kernel), new("qemu/virt-sv48", "sv39", MapStyle.Kernel), new("qemu/virt-sv48", "sv48", MapStyle.Kernel),
        new("qemu/virt-sv48", "sv57", MapStyle.Kernel), new("qemu/virt-sv48", "sv39", MapStyle.Flat),
    ];

    [TestCaseSource(nameof(Images))]
    public void A_boards_image_is_on_the_processor_what_its_plan_says(string board, string format, MapStyle style)
    {
        var plan = BoardImages.Plan(board, format, style);
        for (var tree = 0; tree < plan.Regime.Trees.Length; tree++)
        {
            var run = BoardImages.Prepare(plan, tree, seed: 1);
            var through = run.Probes.Count(p => run.Regime.Predict(p).Report is null);
            TestContext.Out.WriteLine(
                $"{plan.Regime.Trees[tree].Register}: {run.Probes.Count} probes at {run.Places.Count} places, {through} go through, image of {plan.Bytes} bytes at {plan.Base}");
            // Nothing is shown where nothing is mapped behind the edges that can be looked at.
            Assert.That(Math.Min(through, run.Probes.Count - through), Is.GreaterThan(100));
            Regime.Check($"{board} {format} {plan.Regime.Trees[tree].Register}", run.Mismatches([]));
        }
    }

    // Each format once.
    private static IEnumerable<TestCaseData> Formats => Images.GroupBy(i => i.Arguments[1]).Select(g => g.First());

    // The test of the test.
    [TestCaseSource(nameof(Formats))]
    public void One_wrong_bit_in_a_boards_image_is_found(string board, string format, MapStyle style)
    {
        var plan = BoardImages.Plan(board, format, style);
        var run = BoardImages.Prepare(plan, plan.Regime.Trees.Length - 1, seed: 2);
        var tables = run.Regime.Trees.Single(t => t.Address == plan.Base.Value);
        // The leaf that most probes, stores among them, go through: no longer valid; another address; other rights.
        var reached = run.Probes.Select(p => (p.Access, Result: run.Regime.Predict(p)))
            .Where(p => p.Result.Report is null && IsIn(plan, p.Result.Translation.DescriptorAddress)).ToList();
        var writable = reached.Where(p => p.Access == AccessRights.Write).Select(p => p.Result.Translation.DescriptorAddress).ToHashSet();
        var found = reached.Select(p => p.Result).Where(p => writable.Contains(p.Translation.DescriptorAddress))
            .GroupBy(p => p.Translation.DescriptorAddress).OrderByDescending(g => g.Count()).ThenBy(g => g.Key).First().First().Translation;
        var shape = tables.Format.ShapeOf(found.Descriptor, found.Level);
        var attributes = tables.Format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
        var narrower = attributes with { Privileged = attributes.Privileged & ~AccessRights.Write, IsDirty = false };
        Assert.That(tables.Format.TryEncodeLeaf(0, attributes with { IsDirty = false }, shape, out var both), Is.EqualTo(EncodingRefusal.None));
        Assert.That(tables.Format.TryEncodeLeaf(0, narrower, shape, out var less), Is.EqualTo(EncodingRefusal.None));
        foreach (var (what, changed) in ((string, ulong)[])[("valid", 1), ("address", shape.Bytes / (ulong)shape.Count), ("write", both ^ less)])
        {
            Assert.That(run.Mismatches([(found.DescriptorAddress, changed)]), Is.Not.Empty,
                $"{what}: 0x{changed:x} of the descriptor 0x{found.Descriptor:x} at 0x{found.DescriptorAddress:x}");
        }
    }

    private static bool IsIn(PageTablePlan plan, ulong address) => address >= plan.Base.Value && address - plan.Base.Value < plan.Bytes;
}
