using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Tables;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>Puts page tables, stream tables and context descriptors one behind the other, and the image into memory that no device reaches.</summary>
/// <remarks>Parts of larger alignment come first, so that little or nothing is lost between them; among equals page tables, stream tables, descriptors, each by SMMU and number.</remarks>
internal static class StreamImagePlacer
{
    private sealed record Draft(StreamImagePart Kind, int Smmu, int Index, ulong Bytes, ulong Alignment);

    public static StreamTablePlan? Place(MemoryLayout layout, IReadOnlyList<SmmuPlan> smmus, StreamTableOptions options, DiagnosticBag diagnostics)
    {
        var shapes = smmus.Select(ShapeOf).ToList();
        var drafts = Drafts(smmus, shapes).OrderByDescending(d => d.Alignment).ThenByDescending(d => d.Bytes).ThenBy(d => d.Kind).ThenBy(d => d.Smmu).ThenBy(d => d.Index).ToList();
        var parts = ImmutableArray.CreateBuilder<PlannedStreamPart>(drafts.Count);
        ulong offset = 0;
        foreach (var draft in drafts)
        {
            offset = Alignment.Up(offset, draft.Alignment);
            parts.Add(new PlannedStreamPart(draft.Kind, draft.Smmu, draft.Index, offset, draft.Bytes));
            offset += draft.Bytes;
        }
        var alignment = drafts.Count == 0 ? 64 : drafts[0].Alignment;
        if (BaseOf(layout, smmus, offset, alignment, options.Base, diagnostics) is not { } start)
            return null;
        CheckReach(smmus, new PhysRange(start, offset), diagnostics);
        var placed = ImmutableArray.CreateBuilder<SmmuPlan>(smmus.Count);
        for (var i = 0; i < smmus.Count; i++)
            placed.Add(At(smmus[i], i, shapes[i], start, parts, diagnostics));
        return diagnostics.HasErrors ? null : new StreamTablePlan
        {
            Layout = layout,
            Base = start,
            BaseIsChosen = options.Base is null,
            Alignment = alignment,
            Bytes = offset,
            Parts = parts.ToImmutable(),
            Smmus = placed.ToImmutable(),
        };
    }

    private static StreamTableShape? ShapeOf(SmmuPlan smmu) => smmu.Smmu.Version != SmmuVersion.V3 ? null
        : StreamTableShape.Smallest([.. smmu.Bindings.Select(b => (b.Stream.First, b.Stream.Last))], smmu.Smmu.V3.TwoLevelStreamTable);

    private static IEnumerable<Draft> Drafts(IReadOnlyList<SmmuPlan> smmus, List<StreamTableShape?> shapes)
    {
        for (var i = 0; i < smmus.Count; i++)
        {
            foreach (var context in smmus[i].Contexts)
            {
                yield return new Draft(StreamImagePart.PageTables, i, context.Number, context.Tables.Bytes, context.Tables.Alignment);
                if (shapes[i] is not null && context.Translation == StreamTranslation.Stage1)
                    yield return new Draft(StreamImagePart.ContextDescriptor, i, context.Number, 64, 64);
            }
            if (shapes[i] is not { } shape)
                continue;
            yield return new Draft(shape.IsTwoLevel ? StreamImagePart.FirstLevel : StreamImagePart.StreamTable, i, 0, shape.RootBytes, shape.RootAlignment);
            for (var table = 0; table < shape.Tables.Length; table++)
                yield return new Draft(StreamImagePart.SecondLevel, i, table, shape.Tables[table].Bytes, shape.Tables[table].Bytes);
        }
    }

    private static PhysAddr? BaseOf(MemoryLayout layout, IReadOnlyList<SmmuPlan> smmus, ulong bytes, ulong alignment, PhysAddr? at, DiagnosticBag diagnostics)
    {
        if (bytes == 0)
            return at ?? PhysAddr.Zero;
        var span = smmus[0].Smmu.Span;
        var outputBits = smmus.Min(s => s.Smmu.OutputBits);
        var taken = smmus.SelectMany(s => s.Contexts).SelectMany(c => c.Map.Regions).Select(r => ("what " + r.Name + " gives a device", r.PhysRange)).ToList();
        // The page tables of the board's kernel are put at the highest free place as well.
        if (layout.Board.UsesMmu && BoardTables.Of(layout).Plan is { } tables)
        {
            taken.Add(("the board's page tables", tables.Range));
            if (tables.Map.VectorsPage is { } vectors)
                taken.Add(("the vectors", vectors));
        }
        if (at is not { } start)
        {
            var beyond = PhysRange.FromBounds(new PhysAddr(1UL << outputBits), AddressLimit.Top);
            if (FreeRam.Highest(layout, bytes, alignment, taken.Select(t => t.Item2).Append(beyond)) is { } found)
                return new PhysAddr(found);
            diagnostics.Add(Rules.NoRoom, span, layout.Board.Name, bytes, alignment);
            return null;
        }
        if (start.Value % alignment != 0)
        {
            diagnostics.Add(Rules.BaseUnaligned, span, start, alignment, new PhysAddr(Alignment.Down(start.Value, alignment)));
            return null;
        }
        if (start.Value > ulong.MaxValue - bytes || start.Value + bytes > 1UL << outputBits)
        {
            diagnostics.Add(Rules.BaseNotFree, span, start, $"its end is beyond {outputBits} bits");
            return null;
        }
        var range = new PhysRange(start, bytes);
        // Memory that the board keeps for something, or that is on the chip, is the owner's to give; what a device reaches is a finding of its own.
        var isGiven = layout.Reserved.Any(r => r.Range.Contains(range)) || layout.Board.Devices.Any(d => d.IsSram && d.Ranges.Any(r => r.Range.Contains(range)));
        if (!isGiven && FreeRam.WhyNot(layout, range, taken.Where(t => t.Item1.StartsWith("the ", StringComparison.Ordinal))) is { } reason)
        {
            diagnostics.Add(Rules.BaseNotFree, span, range, reason);
            return null;
        }
        return start;
    }

    private static void CheckReach(IReadOnlyList<SmmuPlan> smmus, PhysRange image, DiagnosticBag diagnostics)
    {
        foreach (var context in smmus.SelectMany(s => s.Contexts))
        {
            foreach (var region in context.Map.Regions.Where(r => r.PhysRange.Overlaps(image) && (r.Attributes.User & AccessRights.Write) != 0))
                diagnostics.Add(Rules.DeviceReachesImage, region.Span, string.Join(", ", context.Masters), region.PhysRange, image);
        }
    }

    private static SmmuPlan At(
        SmmuPlan smmu, int number, StreamTableShape? shape, PhysAddr start, IReadOnlyCollection<PlannedStreamPart> parts, DiagnosticBag diagnostics)
    {
        var own = parts.Where(p => p.Smmu == number).ToList();
        var contexts = ImmutableArray.CreateBuilder<StreamContext>();
        foreach (var context in smmu.Contexts)
        {
            if (PageTablePlanner.PlanPart(context.Map, context.Tables.Regime, AddressOf(StreamImagePart.PageTables, context.Number)!.Value, diagnostics) is not { } tables)
                return smmu;
            contexts.Add(context with { Tables = tables, Descriptor = AddressOf(StreamImagePart.ContextDescriptor, context.Number) });
        }
        smmu = smmu with { Contexts = contexts.ToImmutable() };
        if (shape is null)
            return SmmuV2Planner.Plan(smmu, diagnostics);
        smmu = smmu with
        {
            Shape = shape,
            StreamTable = AddressOf(shape.IsTwoLevel ? StreamImagePart.FirstLevel : StreamImagePart.StreamTable, 0)!.Value,
            SecondLevels = [.. Enumerable.Range(0, shape.Tables.Length).Select(i => AddressOf(StreamImagePart.SecondLevel, i)!.Value)],
        };
        return smmu with { Registers = SmmuV3Image.Registers(smmu) };

        PhysAddr? AddressOf(StreamImagePart kind, int index) => own.FirstOrDefault(p => p.Kind == kind && p.Index == index) is { } part ? start + part.Offset : null;
    }
}
