using System;
using System.Collections.Generic;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Writers.Tables;

namespace KmemKit.BoardCompiler.Writers.Streams;

/// <summary>Prints the one-line JSON object of <c>kmem smmu --json</c>.</summary>
/// <remarks>
/// <code>
/// {"board":"b","base":"0x..","bytes":8192,"smmus":[{"name":"smmu","node":"/smmuv3@9050000","version":"v3","identified":true,"stream_id_bits":16,
///  "stream_table":{"format":"linear","log2size":4,"split":0,"bytes":1024,"base":"0x.."},"registers":{"STRTAB_BASE":"0x.."},
///  "streams":[{"first":"0x8","count":1,"mask":"0x0","master":"edu","translation":"stage1","context":0,"file":"..","line":1,"column":1}],
///  "contexts":[{"number":0,"masters":["edu"],"format":"vmsav8-64-4k","input_bits":29,"tag":1,"descriptor":"0x..","root":"0x..","tables":3,
///    "regions":[{"iova":"0x..","phys":"0x..","size":"0x..","access":"rw","memory_type":"..","entry":"ring"}],"reserved":[{"iova":"0x..","size":"0x..","reason":".."}]}]}],
///  "why":[],"diagnostics":[]}
/// </code>
/// An SMMUv2 has <c>groups</c> in place of <c>stream_table</c>. <c>why</c> is there only where addresses were asked about.
/// </remarks>
public static class StreamJsonWriter
{
    /// <summary>The object.</summary>
    public static string Write(StreamTablePlan plan, IReadOnlyCollection<StreamWalk> walks, IEnumerable<KmemDiagnostic> diagnostics)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        if (walks is null)
            throw new ArgumentNullException(nameof(walks));
        var output = new StringBuilder(4096);
        var json = new JsonText(output);
        json.BeginObject().Member("board", plan.Layout.Board.Name).Member("base", plan.Base.ToString()).Member("bytes", plan.Bytes);
        json.Name("smmus").BeginArray();
        foreach (var smmu in plan.Smmus)
            WriteSmmu(json, smmu);
        json.EndArray();
        if (walks.Count > 0)
        {
            json.Name("why").BeginArray();
            foreach (var walk in walks)
                WriteWalk(json, walk);
            json.EndArray();
        }
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }

    private static void WriteSmmu(JsonText json, SmmuPlan smmu)
    {
        var about = smmu.Smmu;
        json.BeginObject().Member("name", about.Name).Member("node", about.NodePath).Member("version", about.Version == SmmuVersion.V3 ? "v3" : "v2");
        json.Name("identified").Boolean(about.IsIdentified).Member("stream_id_bits", (ulong)about.StreamIdBits);
        if (smmu.Shape is { } shape)
        {
            json.Name("stream_table").BeginObject().Member("format", shape.IsTwoLevel ? "two-level" : "linear").Member("log2size", (ulong)shape.Log2Size)
                .Member("split", (ulong)shape.Split).Member("bytes", shape.Bytes).Member("base", smmu.StreamTable.ToString()).EndObject();
        }
        else
        {
            json.Name("groups").BeginArray();
            foreach (var group in smmu.Groups)
                json.BeginObject().Member("id", TableText.Hex(group.Match.Id)).Member("mask", TableText.Hex(group.Match.Mask)).Member("target", StreamWords.Of(group.Binding)).EndObject();
            json.EndArray();
        }
        json.Name("registers").BeginObject();
        foreach (var register in smmu.Registers)
            json.Member(register.Name, TableText.Hex(register.Value));
        json.EndObject();
        json.Name("streams").BeginArray();
        foreach (var binding in smmu.Bindings)
        {
            json.BeginObject().Member("first", TableText.Hex(binding.Stream.First)).Member("count", binding.Stream.Count).Member("mask", TableText.Hex(binding.Stream.Mask))
                .Member("master", binding.Master).Member("translation", StreamWords.Of(binding.Translation));
            if (binding.Context >= 0)
                json.Member("context", (ulong)binding.Context);
            DiagnosticJson.WritePlace(json, binding.Stream.Span);
            json.EndObject();
        }
        json.EndArray();
        json.Name("contexts").BeginArray();
        foreach (var context in smmu.Contexts)
            WriteContext(json, context);
        json.EndArray().EndObject();
    }

    private static void WriteContext(JsonText json, StreamContext context)
    {
        json.BeginObject().Member("number", (ulong)context.Number).Name("masters").BeginArray();
        foreach (var master in context.Masters)
            json.String(master);
        json.EndArray().Member("format", context.Tables.Regime.Name).Member("input_bits", (ulong)context.Format.InputBits).Member("tag", context.Tag)
            .Member("descriptor", context.Descriptor?.ToString()).Member("root", context.Root.ToString()).Member("tables", (ulong)context.Tables.Tables.Length);
        json.Name("regions").BeginArray();
        foreach (var region in context.Map.Regions)
        {
            json.BeginObject().Member("iova", region.Virt.Start.ToString()).Member("phys", region.Phys.ToString()).Member("size", region.Virt.Size.ToString())
                .Member("access", region.Attributes.User.ToText()).Member("memory_type", TableText.MemoryType(context.Tables, region)).Member("entry", region.Name).EndObject();
        }
        json.EndArray().Name("reserved").BeginArray();
        foreach (var reserved in context.Reserved)
            json.BeginObject().Member("iova", reserved.Range.Start.ToString()).Member("size", reserved.Range.Size.ToString()).Member("reason", reserved.Reason).EndObject();
        json.EndArray().EndObject();
    }

    private static void WriteWalk(JsonText json, StreamWalk walk)
    {
        json.BeginObject().Member("smmu", walk.Smmu.Name).Member("stream", TableText.Hex(walk.Stream)).Member("iova", walk.Address.ToString())
            .Member("outcome", StreamWords.Of(walk.Outcome)).Member("phys", walk.Output?.ToString()).Member("access", walk.Access.ToText());
        json.Name("walk").BeginArray();
        foreach (var step in walk.Steps)
            json.BeginObject().Member("what", step.What).Member("address", TableText.Hex(step.Address)).Member("value", TableText.Hex(step.Value)).Member("meaning", step.Meaning).EndObject();
        json.EndArray().Member("entry", walk.Region?.Name).Member("master", walk.Binding?.Master);
        DiagnosticJson.WritePlace(json, walk.Region?.Span ?? walk.Binding?.Stream.Span ?? default);
        json.EndObject();
    }
}
