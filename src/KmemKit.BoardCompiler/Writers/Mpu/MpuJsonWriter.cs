using System.Collections.Immutable;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>Prints a plan as the one-line JSON object of <c>kmem mpu --json</c> (design, section 8), its keys in that order and what is not in the design behind them.</summary>
/// <remarks>
/// <c>domains</c> has the named domains; what is in place while none runs is <c>no_domain</c>. Registers that all regions share are in the object's
/// <c>registers</c>, and in a domain's where they differ there. The byte of a PMP entry is <c>pmpNcfg</c> beside its <c>pmpaddrN</c>.
/// </remarks>
public static class MpuJsonWriter
{
    /// <summary>The object of a board that has a plan.</summary>
    /// <param name="board">Name of the board.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="diagnostics">All findings about the board.</param>
    /// <param name="pools">Where entries without an address were placed.</param>
    public static string Write(string board, MpuPlan plan, ImmutableArray<KmemDiagnostic> diagnostics, ImmutableArray<PlacedPool> pools = default)
    {
        var image = MpuImage.Of(plan);
        var output = new StringBuilder(2048);
        var json = new JsonText(output);
        json.BeginObject().Member("board", board).Member("mpu", plan.Mpu.Format.Name);
        json.Name("available").Number((long)plan.Available).Name("used").Number((long)plan.Used).Name("lower_bound").Number((long)plan.LowerBound);
        json.Member("waste_bytes", plan.WasteBytes);
        json.Name("static").BeginArray();
        foreach (var region in plan.Static)
            WriteRegion(json, region, plan.Mpu.Format, plan.RegistersOf(null));
        json.EndArray();
        json.Name("domains").BeginArray();
        for (var i = 1; i < image.States.Length; i++)
            WriteDomain(json.BeginObject().Member("name", image.States[i].Domain), image, i);
        json.EndArray();
        DiagnosticJson.Write(json, diagnostics);
        WriteRegisters(json, image.States[0].Shared);
        json.Name("no_domain").BeginObject();
        WriteDomain(json, image, 0);
        json.Name("privileged_background").Boolean(plan.PrivilegedBackground);
        json.Member("granule", AddressLimit.FromUInt64(plan.Mpu.Format.Granule).ToString());
        json.Name("spaces").BeginArray();
        foreach (var space in plan.Spaces)
        {
            json.BeginObject().Member("space", MpuText.Of(space.Space)).Name("available").Number((long)space.Available);
            json.Name("used").Number((long)space.Used).Name("lower_bound").Number((long)space.LowerBound).EndObject();
        }
        json.EndArray();
        json.Name("own").Number((long)plan.Own).Name("own_lower_bound").Number((long)plan.OwnLowerBound);
        WritePools(json, pools.IsDefault ? [] : pools);
        json.EndObject();
        return output.ToString();
    }

    private static void WritePools(JsonText json, ImmutableArray<PlacedPool> pools)
    {
        json.Name("pools").BeginArray();
        foreach (var pool in pools)
        {
            json.BeginObject().Name("ranges").BeginArray();
            foreach (var range in pool.Pool)
                json.BeginObject().Member("base", range.Start.ToString()).Member("size", range.Size.ToString()).EndObject();
            json.EndArray().Name("placed").BeginArray();
            foreach (var item in pool.Items)
            {
                json.BeginObject().Member("domain", item.Request.Domain).Member("entry", item.Request.Name);
                json.Member("base", item.Range.Start.ToString()).Member("size", item.Range.Size.ToString()).Name("regions").Number((long)item.Regions).EndObject();
            }
            json.EndArray().Name("regions").Number((long)pool.Regions).Name("lower_bound").Number((long)pool.LowerBound).Name("least").Boolean(pool.IsLeast).EndObject();
        }
        json.EndArray();
    }

    private static void WriteDomain(JsonText json, MpuImage image, int state)
    {
        var domain = image.Plan.Domains[state];
        json.Name("regions").BeginArray();
        foreach (var region in domain.Regions)
            WriteRegion(json, region, image.Plan.Mpu.Format, image.Plan.RegistersOf(domain.Name));
        json.EndArray();
        if (image.SharedDiffers)
            WriteRegisters(json, image.States[state].Shared);
        json.Name("writes").Number((long)image.Writes(0, state)).EndObject();
    }

    private static void WriteRegisters(JsonText json, ImmutableArray<MpuRegister> registers)
    {
        json.Name("registers").BeginObject();
        foreach (var register in registers)
            json.Member(register.Name, MpuText.Hex(register.Value));
        json.EndObject();
    }

    private static void WriteRegion(JsonText json, PlannedRegion planned, MpuFormat format, MpuRegisterFile registers)
    {
        var region = planned.Region;
        json.BeginObject().Name("number").Number((long)region.Number);
        json.Member("base", region.Range.Start.ToString()).Member("size", region.Range.Size.ToString());
        if (format.Shape == MpuShape.PowerOfTwo)
            json.Member("subregion_disable", MpuText.Hex(region.SubregionDisable));
        json.Member("privileged", region.Attributes.Privileged.ToText()).Member("user", region.Attributes.User.ToText());
        json.Member("memory_type", MpuText.Of(region.Attributes.Memory)).Name("shareable").Boolean(region.Attributes.Shareable);
        json.Name("entries").BeginArray();
        foreach (var entry in planned.Entries)
            json.String(entry);
        json.EndArray();
        json.Name("registers").BeginObject();
        foreach (var register in MpuText.RegistersOf(region, format, registers))
            json.Member(register.Name, MpuText.Hex(register.Value));
        json.EndObject();
        json.Member("waste_bytes", planned.WasteBytes).Member("space", MpuText.Of(region.Space));
        if (format is PmpFormat)
            json.Member("mode", MpuText.Of(region.Mode)).Name("locked").Boolean(region.Locked);
        json.EndObject();
    }
}
