using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Writers.Images;
using KmemKit.BoardCompiler.Writers.Tables;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Streams;

/// <summary>The tables of a board's SMMUs as an image that the writers print: symbol <c>kmem_smmu</c>.</summary>
/// <remarks>With more than one SMMU the registers of each have its name in front.</remarks>
public static class StreamLoadImage
{
    /// <summary>Describes a plan's image.</summary>
    public static LoadImage Of(StreamTablePlan plan)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        return new LoadImage
        {
            Board = plan.Layout.Board.Name,
            Symbol = "kmem_smmu",
            Title = "Tables of the SMMU",
            Summary = string.Join("; ", plan.Smmus.Select(Describe)),
            Base = plan.Base,
            Alignment = plan.Alignment,
            Bytes = StreamTableImage.Write(plan),
            Parts = [.. plan.Parts.SelectMany(p => Parts(plan, p))],
            Registers = [.. plan.Smmus.SelectMany(s => s.Registers.Select(r => new SystemRegister(Prefix(plan, s) + r.Name, r.Value)))],
            Constants = Constants(plan),
        };
    }

    private static string Prefix(StreamTablePlan plan, SmmuPlan smmu) => plan.Smmus.Length == 1 ? "" : smmu.Smmu.Name + "_";

    private static string Describe(SmmuPlan smmu) => smmu.Shape is { } shape
        ? Invariant($"{smmu.Smmu.Name}: {(shape.IsTwoLevel ? "two-level" : "linear")} stream table, {smmu.Contexts.Length} {Words(smmu.Contexts.Length)}")
        : Invariant($"{smmu.Smmu.Name}: {smmu.Groups.Length} stream mapping groups, {smmu.Contexts.Length} {Words(smmu.Contexts.Length)}");

    private static string Words(int contexts) => contexts == 1 ? "context" : "contexts";

    private static IEnumerable<LoadImagePart> Parts(StreamTablePlan plan, PlannedStreamPart part)
    {
        var smmu = plan.Smmus[part.Smmu];
        if (part.Kind == StreamImagePart.PageTables)
        {
            foreach (var table in smmu.Contexts[part.Index].Tables.Tables)
                yield return new LoadImagePart((int)(part.Offset + table.Offset), table.Bytes, Invariant($"{smmu.Smmu.Name}, context {part.Index}, {TableLoadImage.Describe(table)}"));
            yield break;
        }
        yield return new LoadImagePart((int)part.Offset, (int)part.Bytes, part.Kind switch
        {
            StreamImagePart.StreamTable => $"{smmu.Smmu.Name}, stream table",
            StreamImagePart.FirstLevel => $"{smmu.Smmu.Name}, stream table, first level",
            StreamImagePart.SecondLevel => Invariant($"{smmu.Smmu.Name}, stream table from 0x{smmu.Shape!.Tables[part.Index].Index << smmu.Shape.Split:x}"),
            _ => Invariant($"{smmu.Smmu.Name}, context descriptor {part.Index}"),
        });
    }

    private static ImmutableArray<LoadImageConstants> Constants(StreamTablePlan plan)
    {
        var groups = ImmutableArray.CreateBuilder<LoadImageConstants>();
        foreach (var smmu in plan.Smmus)
        {
            var constants = ImmutableArray.CreateBuilder<(string, ulong)>();
            var used = new HashSet<string>(StringComparer.Ordinal);
            if (smmu.Smmu.Registers is { } registers)
                constants.Add(("KMEM_SMMU_" + ImageText.Macro(Prefix(plan, smmu)) + "REGISTERS", registers.Value));
            foreach (var binding in smmu.Bindings)
            {
                var name = "KMEM_SMMU_" + ImageText.Macro(Prefix(plan, smmu)) + "SID_" + ImageText.Macro(binding.Master);
                var unique = name;
                for (var i = 1; !used.Add(unique); i++)
                    unique = name + "_" + i.ToString(CultureInfo.InvariantCulture);
                constants.Add((unique, binding.Stream.First));
            }
            if (constants.Count > 0)
                groups.Add(new LoadImageConstants($"{smmu.Smmu.Name}: its registers, and the first StreamID of each master with something to reach.", constants.ToImmutable()));
        }
        return groups.ToImmutable();
    }
}
