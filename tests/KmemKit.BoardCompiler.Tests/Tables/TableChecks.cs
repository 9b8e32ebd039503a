using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>Everything that has to hold of any plan.</summary>
internal static class TableChecks
{
    private const ulong MostPages = 1 << 16;

    public static void Check(PageTablePlan plan)
    {
        var image = TableImage.Write(plan);
        Assert.That((ulong)image.Length, Is.EqualTo(plan.Bytes));
        var readers = plan.Regime.Trees.Select((tree, i) =>
        {
            var reader = new ImageReader(tree.Format, image, plan.Base.Value);
            reader.Read(plan.AddressOf(plan.Roots[i]).Value);
            return reader;
        }).ToList();
        CheckTables(plan, readers);
        CheckMappings(plan, readers);
        CheckCounts(plan, readers);
        CheckWalks(plan, image);
    }

    // All tables are reached, each from one place, and they fill the image from end to end.
    private static void CheckTables(PageTablePlan plan, List<ImageReader> readers)
    {
        var tables = readers.SelectMany(r => r.Tables).Order().ToList();
        Assert.That(tables, Is.EqualTo(plan.Tables.Select(t => plan.Base.Value + t.Offset)), "tables");
        Assert.That(plan.Base.Value % plan.Alignment, Is.Zero, "base");
        ulong end = 0;
        foreach (var table in plan.Tables)
        {
            Assert.That(table.Offset, Is.EqualTo(end), "no gap between tables");
            end += (ulong)table.Bytes;
        }
        Assert.That(plan.Bytes, Is.EqualTo(end), "size");
    }

    private static void CheckMappings(PageTablePlan plan, List<ImageReader> readers)
    {
        for (var i = 0; i < readers.Count; i++)
        {
            var format = plan.Regime.Trees[i].Format;
            var found = ImageReader.Joined(readers[i].Leaves.Select(l => (l.Virt, l.Virt + (l.Bytes - 1), l.Phys, l.Attributes)));
            var wanted = ImageReader.Joined(plan.Map.Regions.Where(r => format.Translates(r.Virt.Start.Value)).Select(r => (r.Virt.Start.Value, r.Virt.End.Last, r.Phys.Value, Wanted(format, r))));
            Assert.That(found, Is.EqualTo(wanted), plan.Regime.Trees[i].Register);
        }
    }

    // Of a region the rights, whether it is global, and that nothing is left to be set at the first access; the memory type by its name.
    private static PageAttributes Wanted(ITranslationFormat format, MapRegion region)
    {
        var arm = format.Name.StartsWith("arm", StringComparison.Ordinal) || format.Name.StartsWith("vmsa", StringComparison.Ordinal);
        var isX86 = format.Name.StartsWith("x86", StringComparison.Ordinal);
        var type = (region.Attributes.Memory, arm, isX86) switch
        {
            (Architecture.Mpu.MpuMemoryType.Device, true, _) => MemoryType.DeviceNGnRE,
            (Architecture.Mpu.MpuMemoryType.StronglyOrdered, true, _) => MemoryType.DeviceNGnRnE,
            (Architecture.Mpu.MpuMemoryType.NormalNonCacheable, true, _) => MemoryType.NormalNonCacheable,
            (Architecture.Mpu.MpuMemoryType.NormalWriteBack, true, _) => MemoryType.NormalWriteBack,
            (Architecture.Mpu.MpuMemoryType.NormalWriteBackWriteAllocate, true, _) => MemoryType.NormalWriteBackWriteAllocate,
            (Architecture.Mpu.MpuMemoryType.Device, _, true) => format.TypeFor(MemoryUse.Device),
            (Architecture.Mpu.MpuMemoryType.NormalWriteBackWriteAllocate or Architecture.Mpu.MpuMemoryType.NormalWriteBack, _, true) => MemoryType.WriteBack,
            (Architecture.Mpu.MpuMemoryType.Device, _, _) => format.TypeFor(MemoryUse.Device),
            _ => format.TypeFor(MemoryUse.Cached),
        };
        return format.Canonical(new PageAttributes(region.Attributes.Privileged, region.Attributes.User, type,
            region.Attributes.Shareable && arm ? Shareability.Inner : Shareability.None)
        {
            IsGlobal = region.Global,
            IsDirty = ((region.Attributes.Privileged | region.Attributes.User) & AccessRights.Write) != 0,
        });
    }

    private static void CheckCounts(PageTablePlan plan, List<ImageReader> readers)
    {
        foreach (var level in plan.Levels)
            Assert.That(readers.Sum(r => r.Leaves.Count(l => l.Level == level.Level)), Is.EqualTo(level.Entries), level.Name);
        Assert.That(readers.Sum(r => r.Leaves.Count), Is.EqualTo(plan.Levels.Sum(l => l.Entries)));
        Assert.That(plan.Levels.Sum(l => l.Tables), Is.EqualTo(plan.Tables.Length));
        Assert.That(plan.Levels.Sum(l => l.Pointers), Is.EqualTo(plan.Tables.Length - plan.Roots.Length));
    }

    /// <summary>The reference walker at pages of every region (all of them up to a bound), and at the pages beside it.</summary>
    private static void CheckWalks(PageTablePlan plan, byte[] image)
    {
        var memory = new TableImageMemory(plan.Base, ImmutableArray.Create(image));
        var page = 1UL << plan.Regime.Trees[0].Format.PageShift;
        foreach (var region in plan.Map.Regions)
        {
            var pages = region.Virt.Size.Value / page;
            // A step that is no multiple of a block's pages meets every place in blocks.
            var step = pages <= MostPages ? 1 : pages / MostPages | 1;
            for (ulong i = 0; i < pages; i += step)
                Walk(region.Virt.Start.Value + i * page + (i & 0xfff));
            Walk(unchecked(region.Virt.Start.Value - 1));
            Walk(region.Virt.End.Wrapped);
            Walk(region.Virt.End.Last);
        }

        void Walk(ulong address)
        {
            var wrong = PlanVerifier.WhyWrong(plan, ref memory, address);
            if (wrong is not null)
                Assert.Fail(wrong);
        }
    }
}
