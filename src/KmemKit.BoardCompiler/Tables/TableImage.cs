using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>The bytes of a plan: a pure function of it, little-endian, to be loaded at <see cref="PageTablePlan.Base"/>.</summary>
public static class TableImage
{
    /// <summary>Writes the image.</summary>
    /// <exception cref="InvalidOperationException">A format refuses an entry of the plan, which no plan of the planner has.</exception>
    public static byte[] Write(PageTablePlan plan)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        var image = new byte[checked((int)plan.Bytes)];
        foreach (var table in plan.Tables)
        {
            var format = plan.Regime.Trees[table.Tree].Format;
            foreach (var run in table.Entries)
            {
                if (run.IsTable)
                    WritePointer(plan, image, table, format, run);
                else
                    WriteLeaves(plan, image, table, format, run);
            }
        }
        return image;
    }

    private static void WritePointer(PageTablePlan plan, byte[] image, PlannedTable table, ITranslationFormat format, in EntryRun run)
    {
        var refusal = format.TryEncodeTable(plan.AddressOf(run.Table).Value, table.Level, plan.Tables[run.Table].Above, out var descriptor);
        if (refusal != EncodingRefusal.None)
            throw Refused(table, run, refusal);
        Put(image, (int)table.Offset + run.Index * format.DescriptorSize, format.DescriptorSize, descriptor);
    }

    private static void WriteLeaves(PageTablePlan plan, byte[] image, PlannedTable table, ITranslationFormat format, in EntryRun run)
    {
        var shape = run.Shape;
        var attributes = plan.Attributes[run.Attributes];
        var refusal = format.TryEncodeLeaf(run.Phys, attributes, shape, out _);
        if (refusal == EncodingRefusal.None)
            refusal = format.TryEncodeLeaf(0, attributes, shape, out _);
        if (refusal != EncodingRefusal.None)
            throw Refused(table, run, refusal);
        format.TryEncodeLeaf(0, attributes, shape, out var template);
        var at = (int)table.Offset + run.Index * format.DescriptorSize;
        var phys = run.Phys;
        for (var leaf = 0; leaf < run.Count / shape.Count; leaf++, phys += shape.Bytes)
        {
            var descriptor = template | format.OutputField(phys, shape);
            for (var i = 0; i < shape.Count; i++, at += format.DescriptorSize, descriptor += shape.Step)
                Put(image, at, format.DescriptorSize, descriptor);
        }
    }

    private static void Put(byte[] image, int at, int size, ulong value)
    {
        for (var i = 0; i < size; i++)
            image[at + i] = unchecked((byte)(value >> (8 * i)));
    }

    private static InvalidOperationException Refused(PlannedTable table, in EntryRun run, EncodingRefusal refusal) =>
        new($"Entry {run.Index} of the table at offset {table.Offset} (level {table.Level}) has no encoding: {refusal}.");
}

/// <summary>An image in memory, for walks.</summary>
/// <param name="at">Physical address of its first byte.</param>
/// <param name="image">The bytes.</param>
public readonly struct TableImageMemory(PhysAddr at, ImmutableArray<byte> image) : IDescriptorMemory
{
    /// <inheritdoc/>
    public bool TryRead(ulong address, int size, out ulong descriptor)
    {
        descriptor = 0;
        var offset = unchecked(address - at.Value);
        if (offset > (ulong)image.Length || (ulong)image.Length - offset < (ulong)size)
            return false;
        for (var i = size - 1; i >= 0; i--)
            descriptor = (descriptor << 8) | image[(int)offset + i];
        return true;
    }
}
