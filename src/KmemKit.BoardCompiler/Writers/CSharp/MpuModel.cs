using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Writers.CSharp;

/// <summary>A board's protection plan as its C# type says it: a value, equal to another exactly if the code is the same.</summary>
/// <param name="Format">Name of the unit.</param>
/// <param name="Granule">Its granularity.</param>
/// <param name="RegionCount">Regions of each space.</param>
/// <param name="PrivilegedBackground">Whether the default map is behind them.</param>
/// <param name="Used">Regions in use at a time, at most.</param>
/// <param name="LowerBound">No plan uses fewer.</param>
/// <param name="WasteBytes">Bytes beyond the policy.</param>
/// <param name="HasPopulated">Whether the policy leaves unpopulated addresses to the plan.</param>
/// <param name="Populated">Then the others.</param>
/// <param name="Entries">Entries that always apply.</param>
/// <param name="Static">Static regions.</param>
/// <param name="Domains">First no domain, then the domains.</param>
public sealed record MpuModel(
    string Format, ulong Granule, int RegionCount, bool PrivilegedBackground, int Used, int LowerBound, ulong WasteBytes, bool HasPopulated,
    EquatableArray<PhysRange> Populated, EquatableArray<MpuEntryRow> Entries, EquatableArray<MpuRegion> Static, EquatableArray<MpuDomainRow> Domains)
{
    /// <summary>The model of a plan.</summary>
    public static MpuModel Of(MpuPlan plan, ProtectionPolicy policy)
    {
        var format = plan.Mpu.Format;
        var taken = plan.Domains.Skip(1).Select(d => d.Name!).ToList();
        var identifiers = CSharpName.Assign(taken, ["Domains", "None", "Equals", "Finalize", "GetHashCode", "GetType", "MemberwiseClone", "ReferenceEquals", "ToString"]);
        return new MpuModel(
            format.Name, format.Granule, plan.Mpu.RegionCount ?? 0, plan.PrivilegedBackground, plan.Used, plan.LowerBound, plan.WasteBytes,
            policy.Populated is not null, (policy.Populated ?? []).ToEquatableArray(),
            policy.Entries.Select(Row).ToEquatableArray(), plan.Static.Select(r => r.Region).ToEquatableArray(),
            plan.Domains.Select((domain, i) => new MpuDomainRow(
                i == 0 ? "None" : identifiers[i - 1], domain.Name ?? "",
                (i == 0 ? [] : policy.DomainOf(domain.Name!).Entries.Select(Row)).ToEquatableArray(),
                domain.Regions.Select(r => r.Region).ToEquatableArray(), Registers(plan.RegistersOf(domain.Name)))).ToEquatableArray());
    }

    private static MpuEntryRow Row(ProtectionEntry entry) => new(entry.Name, entry.Range, entry.Attributes, entry.AllowRounding);

    private static MpuRegistersRow Registers(MpuRegisterFile file) => new(
        file.Shared.ToEquatableArray(),
        file.Regions.Select(r => new MpuRegionRegistersRow(r.Number, r.Space, r.Values.ToEquatableArray())).ToEquatableArray(), file.PrivilegedBackground);
}

/// <summary>What an entry grants.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Range">Physical addresses.</param>
/// <param name="Attributes">Rights and memory type.</param>
/// <param name="AllowRounding">Whether it may grow.</param>
public sealed record MpuEntryRow(string Name, PhysRange Range, MpuAttributes Attributes, bool AllowRounding);

/// <summary>A domain.</summary>
/// <param name="Identifier">Its member's name.</param>
/// <param name="Name">Its name; empty for none.</param>
/// <param name="Entries">Its entries.</param>
/// <param name="Regions">Its own regions.</param>
/// <param name="Registers">All register values while it runs.</param>
public sealed record MpuDomainRow(
    string Identifier, string Name, EquatableArray<MpuEntryRow> Entries, EquatableArray<MpuRegion> Regions, MpuRegistersRow Registers);

/// <summary>The registers of a programmed unit.</summary>
/// <param name="Shared">Shared ones.</param>
/// <param name="Regions">Those of each region.</param>
/// <param name="PrivilegedBackground">Whether the default map is behind them.</param>
public sealed record MpuRegistersRow(EquatableArray<MpuRegister> Shared, EquatableArray<MpuRegionRegistersRow> Regions, bool PrivilegedBackground);

/// <summary>The registers of a region.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Space">Which accesses.</param>
/// <param name="Values">Values.</param>
public sealed record MpuRegionRegistersRow(int Number, MpuSpace Space, EquatableArray<MpuRegister> Values);
