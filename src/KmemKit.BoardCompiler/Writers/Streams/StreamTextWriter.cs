using System;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Writers.Tables;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Streams;

/// <summary>Prints a plan for people: the text of <c>kmem smmu</c>.</summary>
public static class StreamTextWriter
{
    /// <summary>The text, lines ended by a newline.</summary>
    public static string Write(StreamTablePlan plan)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        var output = new StringBuilder(2048);
        output.Append(Invariant($"{plan.Layout.Board.Name}: {plan.Smmus.Length} {(plan.Smmus.Length == 1 ? "SMMU" : "SMMUs")}\n"));
        if (plan.Bytes > 0)
            output.Append(Invariant($"{plan.Bytes} bytes at {plan.Base}{(plan.BaseIsChosen ? " (the highest free place in lowmem)" : "")}, aligned to {TableText.Hex(plan.Alignment)}\n"));
        foreach (var smmu in plan.Smmus)
            WriteSmmu(output, smmu);
        return output.ToString();
    }

    private static void WriteSmmu(StringBuilder output, SmmuPlan smmu)
    {
        var about = smmu.Smmu;
        output.Append(Invariant($"\n{about.Name}: SMMU{(about.Version == SmmuVersion.V3 ? "v3" : "v2")}"));
        if (about.Registers is { } registers)
            output.Append(Invariant($" at {registers}"));
        output.Append(Invariant($", {about.StreamIdBits}-bit StreamIDs, {Stages(about)}, {about.OutputBits}-bit addresses"));
        output.Append(about.IsIdentified ? "\n" : " (assumed: no kmemkit,idr)\n");
        if (smmu.Shape is { } shape)
        {
            output.Append(Invariant($"  stream table: {(shape.IsTwoLevel ? Invariant($"two-level, split at {shape.Split} bits, {shape.Tables.Length} of the second level") : "linear")}"));
            output.Append(Invariant($", StreamIDs of {shape.Log2Size} bits, {shape.Bytes} bytes at {smmu.StreamTable}\n"));
        }
        else
        {
            output.Append(Invariant($"  stream mapping groups: {smmu.Groups.Length} of {about.V2.StreamMappingGroups}; context banks: {smmu.Contexts.Length} of {about.V2.ContextBanks}\n"));
        }
        output.Append("  registers:\n");
        foreach (var register in smmu.Registers.Where(r => !r.IsIdle))
            output.Append(Invariant($"    {register.Name,-15} {TableText.Hex(register.Offset),-9} {TableText.Hex(register.Value)}\n"));
        if (smmu.Registers.Count(r => r.IsIdle) is > 0 and var idle)
            output.Append(Invariant($"    and {idle} that close groups\n"));
        output.Append("  streams:\n");
        foreach (var binding in smmu.Bindings)
            output.Append(Invariant($"    {binding.Stream,-18} {binding.Master,-16} {StreamWords.Of(binding)}\n"));
        output.Append("    all others: abort\n");
        foreach (var context in smmu.Contexts)
            WriteContext(output, context);
    }

    private static string Stages(BoardSmmu smmu) => (smmu.HasStage1, smmu.HasStage2) switch
    {
        (true, true) => "stages 1 and 2",
        (true, false) => "stage 1",
        _ => "stage 2",
    };

    private static void WriteContext(StringBuilder output, StreamContext context)
    {
        output.Append(Invariant($"  context {context.Number}: {context.Tables.Regime.Name}, {context.Format.InputBits}-bit device addresses, {(context.Translation == StreamTranslation.Stage1 ? "ASID" : "VMID")} {context.Tag}"));
        output.Append(Invariant($", {context.Tables.Tables.Length} {(context.Tables.Tables.Length == 1 ? "table" : "tables")} at {context.Root}"));
        output.Append(context.Descriptor is { } descriptor ? Invariant($", descriptor at {descriptor}\n") : "\n");
        foreach (var region in context.Map.Regions)
            WriteRegion(output, context, region);
        foreach (var reserved in context.Reserved)
            output.Append(Invariant($"    {reserved.Range.Start.Value:x12}-{End(reserved.Range.End)}  kept free: {reserved.Reason}\n"));
    }

    private static string End(AddressLimit end) => end.IsTop ? "10000000000000000" : Invariant($"{end.Value:x12}");

    private static void WriteRegion(StringBuilder output, StreamContext context, MapRegion region)
    {
        var rights = region.Attributes.User;
        output.Append(Invariant($"    {region.Virt.Start.Value:x12}-{End(region.Virt.End)} -> {region.Phys,-14} {((rights & AccessRights.Read) != 0 ? 'r' : '-')}{((rights & AccessRights.Write) != 0 ? 'w' : '-')}"));
        output.Append(Invariant($"  {TableText.MemoryType(context.Tables, region),-12} {region.Name}: {region.Reason}\n"));
    }
}

/// <summary>Words that all writers of streams have in common.</summary>
internal static class StreamWords
{
    public static string Of(StreamTranslation translation) => translation switch
    {
        StreamTranslation.Stage1 => "stage1",
        StreamTranslation.Stage2 => "stage2",
        StreamTranslation.Bypass => "bypass",
        _ => "abort",
    };

    public static string Of(StreamBinding? binding) => binding is null ? "abort"
        : binding.Context < 0 ? Of(binding.Translation) : Invariant($"{Of(binding.Translation)}, context {binding.Context}");

    public static string Of(StreamOutcome outcome) => outcome switch
    {
        StreamOutcome.Aborted => "aborted",
        StreamOutcome.Bypassed => "bypassed",
        StreamOutcome.Translated => "translated",
        StreamOutcome.Faulted => "faulted",
        _ => "illegal",
    };
}
