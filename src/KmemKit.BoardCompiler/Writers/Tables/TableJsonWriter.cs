using System.Collections.Generic;
using System.Text;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Tables;

namespace KmemKit.BoardCompiler.Writers.Tables;

/// <summary>Prints the one-line JSON object of <c>kmem tables --json</c> (design, section 8).</summary>
/// <remarks>
/// <c>entries</c> counts the entries that map memory, by level: pages at the last one, blocks above; those of a long leaf (contiguous hint, supersection) each.
/// <c>execute</c> says who executes: <c>privileged</c>, <c>user</c>, <c>all</c>, or nobody (empty).
/// </remarks>
public static class TableJsonWriter
{
    /// <summary>The object.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="walks">Addresses that were asked about, under <c>why</c>; the member is there only where there are any.</param>
    public static string Write(PageTablePlan plan, IReadOnlyCollection<AddressWalk>? walks = null)
    {
        var output = new StringBuilder(4096);
        var json = new JsonText(output);
        json.BeginObject().Member("board", plan.Map.Layout.Board.Name).Member("format", plan.Regime.Name).Member("base", plan.Base.ToString());
        json.Name("ttbr").BeginObject();
        foreach (var register in plan.Registers)
            json.Member(register.Name, TableText.Hex(register.Value));
        json.EndObject();
        json.Member("tables", (ulong)plan.Tables.Length).Member("bytes", plan.Bytes);
        json.Name("entries").BeginObject();
        foreach (var level in plan.Levels)
        {
            if (level.Entries > 0)
                json.Member(level.Name, (ulong)level.Entries);
        }
        json.EndObject();
        json.Name("regions").BeginArray();
        foreach (var region in plan.Map.Regions)
        {
            json.BeginObject().Member("virt", region.Virt.Start.ToString()).Member("phys", region.Phys.ToString()).Member("size", region.Virt.Size.ToString())
                .Member("privileged", TableText.Data(region.Attributes.Privileged)).Member("user", TableText.Data(region.Attributes.User))
                .Member("execute", TableText.Execute(region)).Member("memory_type", TableText.MemoryType(plan, region)).EndObject();
        }
        json.EndArray();
        if (walks is { Count: > 0 })
        {
            json.Name("why").BeginArray();
            foreach (var walk in walks)
                WriteWalk(json, walk);
            json.EndArray();
        }
        json.EndObject();
        return output.ToString();
    }

    private static void WriteWalk(JsonText json, AddressWalk walk)
    {
        json.BeginObject().Member("address", walk.Address.ToString()).Member("register", walk.Tree?.Register).Member("maps_to", walk.Output?.ToString());
        json.Name("walk").BeginArray();
        foreach (var step in walk.Steps)
        {
            json.BeginObject().Name("level").Number((long)step.Level).Member("table", TableText.Hex(step.Table)).Member("index", (ulong)step.Index)
                .Member("descriptor", TableText.Hex(step.Descriptor)).Member("kind", TableWhyWriter.Word(step.Kind))
                .Member("target", step.Kind is DescriptorKind.Table or DescriptorKind.Leaf ? TableText.Hex(step.Target) : null)
                .Member("attributes", step.Kind == DescriptorKind.Leaf ? step.Attributes.ToString() : null).EndObject();
        }
        json.EndArray();
        json.Member("region", walk.Region?.Name).Member("entry", walk.Region?.Entry).Member("reason", walk.Region is { } region ? TableWhyWriter.Reason(region) : walk.Meaning.Reason);
        DiagnosticJson.WritePlace(json, walk.Region?.Span ?? walk.Meaning.Span);
        json.EndObject();
    }
}
