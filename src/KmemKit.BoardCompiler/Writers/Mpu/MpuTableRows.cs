using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>A plan as tables of cells, which the text and the markdown writer print.</summary>
internal static class MpuTableRows
{
    /// <summary>Column heads: those that the unit has something to say in.</summary>
    public static ImmutableArray<string> Head(MpuFormat format)
    {
        var head = new List<string> { "no", "base", "end", "size" };
        if (format.Spaces.Length > 1)
            head.Insert(1, "space");
        if (format.SmallestWithSubregions > 0)
            head.Add("subregions off");
        if (format.Shape == MpuShape.PriorityChain)
            head.Add("mode");
        head.AddRange(["privileged", "user"]);
        if (format.HasMemoryTypes)
            head.Add("memory");
        head.AddRange(["registers", "waste", "entries"]);
        return [.. head];
    }

    /// <summary>A row of cells for each region.</summary>
    public static IEnumerable<ImmutableArray<string>> Rows(MpuPlan plan, string? domain, IEnumerable<PlannedRegion> regions)
    {
        var format = plan.Mpu.Format;
        var registers = plan.RegistersOf(domain);
        foreach (var planned in regions)
        {
            var region = planned.Region;
            var row = new List<string>
            {
                MpuText.Number(region.Number), region.Range.Start.ToString(), region.Range.End.ToString(), SizeText.Of(region.Range.Size),
            };
            if (format.Spaces.Length > 1)
                row.Insert(1, MpuText.Of(region.Space));
            if (format.SmallestWithSubregions > 0)
                row.Add(region.SubregionDisable == 0 ? "-" : MpuText.Hex(region.SubregionDisable));
            if (format.Shape == MpuShape.PriorityChain)
                row.Add(MpuText.Of(region.Mode) + (region.Locked ? ", locked" : ""));
            row.AddRange(new[] { region.Attributes.Privileged, region.Attributes.User }.Select(r => r == AccessRights.None ? "-" : r.ToText()));
            if (format.HasMemoryTypes)
                row.Add(MpuText.Of(region.Attributes.Memory) + (region.Attributes.Shareable ? ", shareable" : ""));
            row.Add(string.Join(" ", MpuText.RegistersOf(region, format, registers).Select(r => $"{r.Name}={MpuText.Hex(r.Value)}")));
            row.Add(planned.WasteBytes == 0 ? "-" : $"{planned.WasteBytes} bytes");
            row.Add(planned.Entries.IsEmpty ? "-" : string.Join(", ", planned.Entries));
            yield return [.. row];
        }
    }

    /// <summary>One line about the whole plan.</summary>
    public static string Summary(string board, MpuPlan plan)
    {
        var bound = plan.LowerBound == plan.Used ? "no table has fewer" : $"no table has fewer than {MpuText.Number(plan.LowerBound)}";
        var least = plan.OwnLowerBound == plan.Own ? "no table has fewer" : $"none has fewer than {MpuText.Number(plan.OwnLowerBound)}";
        var own = plan.Domains.Length == 1 ? "" : $"{MpuText.Number(plan.Own)} of all domains' own ({least}), ";
        var waste = plan.WasteBytes == 0 ? "exactly the policy" : $"{plan.WasteBytes} bytes beyond the policy, as it allows";
        return $"{board}: {plan.Mpu.Format.Name}, {MpuText.Number(plan.Used)} of {MpuText.Number(plan.Available)} regions at a time ({bound}), {own}{waste}"
            + (plan.PrivilegedBackground ? "; privileged code has the default map behind them" : "");
    }

    /// <summary>One line about a state.</summary>
    public static string Title(MpuImage image, int state)
    {
        var name = state == 0 ? "no domain" : $"domain {image.States[state].Domain}";
        var writes = image.States.Length == 1 ? "" : $": {MpuText.Number(image.Writes(0, state))} registers differ from no domain";
        return state == 0 ? name : name + writes;
    }

    /// <summary>Registers that all regions share, such as <c>MAIR0=0x44aa0400</c>; empty where there are none.</summary>
    public static string Shared(MpuState state) => string.Join(" ", state.Shared.Select(r => $"{r.Name}={MpuText.Hex(r.Value)}"));
}
