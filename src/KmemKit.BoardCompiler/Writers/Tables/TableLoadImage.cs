using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Writers.Images;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Tables;

/// <summary>The page tables of a board as an image that the writers print: symbol <c>kmem_tables</c>.</summary>
public static class TableLoadImage
{
    /// <summary>Describes a plan's image.</summary>
    public static LoadImage Of(PageTablePlan plan)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        var constants = ImmutableArray.CreateBuilder<LoadImageConstants>();
        if (plan.Map.VectorsPage is { } vectors)
            constants.Add(new LoadImageConstants("Physical page that the vectors are mapped to.", [("KMEM_VECTORS_PHYS", vectors.Start.Value)]));
        if (Mappings(plan) is { IsEmpty: false } mappings)
            constants.Add(new LoadImageConstants("Fixed mappings of devices: virtual address, physical address, bytes.", mappings));
        return new LoadImage
        {
            Board = plan.Map.Layout.Board.Name,
            Symbol = "kmem_tables",
            Title = "Page tables",
            Summary = Invariant($"{plan.Regime.Name}: {plan.Tables.Length} tables"),
            Base = plan.Base,
            Alignment = plan.Alignment,
            WordSize = plan.Regime.Trees[0].Format.DescriptorSize,
            Bytes = TableImage.Write(plan),
            Parts = [.. plan.Tables.Select(t => new LoadImagePart((int)t.Offset, t.Bytes, Describe(t)))],
            Registers = plan.Registers,
            Constants = constants.ToImmutable(),
        };
    }

    internal static string Describe(PlannedTable table) => Invariant($"level {table.Level}, from {ImageText.Hex(table.Virt)}");

    private static ImmutableArray<(string, ulong)> Mappings(PageTablePlan plan)
    {
        var constants = ImmutableArray.CreateBuilder<(string, ulong)>();
        var used = new HashSet<string>(StringComparer.Ordinal);
        foreach (var region in plan.Map.Regions.Where(r => r.Rule == MapRule.StaticIo))
        {
            var name = ImageText.Macro(region.Name);
            var unique = name;
            for (var i = 1; !used.Add(unique); i++)
                unique = name + "_" + i.ToString(CultureInfo.InvariantCulture);
            constants.Add(($"KMEM_IO_{unique}_VIRT", region.Virt.Start.Value));
            constants.Add(($"KMEM_IO_{unique}_PHYS", region.Phys.Value));
            constants.Add(($"KMEM_IO_{unique}_SIZE", region.Virt.Size.Value));
        }
        return constants.ToImmutable();
    }
}
