using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Writers.CSharp;

// The protection plan: one object, made at first use, and a member for each domain.
public static partial class BoardTypeWriter
{
    private const string MpuNs = "global::KmemKit.Architecture.Mpu.";
    private const string ArrayNs = "global::System.Collections.Immutable.ImmutableArray";

    private static void WriteMpu(SourceWriter output, BoardTypeModel model)
    {
        var mpu = model.Mpu!;
        OpenType(output, model);
        var bound = mpu.LowerBound == mpu.Used ? "no table has fewer" : $"no table has fewer than {Int(mpu.LowerBound)}";
        Property(output, BoardsNs + "BoardMpu", "MpuPlan", "MpuTables.Plan",
            $"Protection by {SourceWriter.Escape(mpu.Format)}: {Int(mpu.Used)} regions at a time ({bound}), {Int(mpu.RegionCount)} in each space of the unit.");
        output.Doc("summary", "Compares registers that were read back with those of a domain: each that differs, and what it would grant.");
        output.Line("/// <param name=\"domain\">The domain that runs: a member of <see cref=\"Domains\"/>.</param>");
        output.Line("/// <param name=\"read\">What the unit holds.</param>");
        output.Doc("returns", "Empty where the unit is programmed as planned.");
        output.Line($"public static {ArrayNs}<{MpuNs}MpuDifference> VerifyProgrammed({BoardsNs}BoardDomain domain, {MpuNs}MpuRegisterFile read) =>");
        output.Indent();
        output.Line($"{MpuNs}MpuReadback.Compare(MpuPlan.Format, domain.Registers, read);");
        output.Outdent();
        output.Line();
        WriteDomainMembers(output, mpu);
        output.Line();
        output.OpenBlock("private static class MpuTables");
        output.OpenBlock($"public static readonly {BoardsNs}BoardMpu Plan = new {BoardsNs}BoardMpu");
        output.Line($"Format = {Format(mpu)},");
        output.Line($"RegionCount = {Int(mpu.RegionCount)},");
        output.Line($"PrivilegedBackground = {CSharpLiteral.Bool(mpu.PrivilegedBackground)},");
        output.Line($"Used = {Int(mpu.Used)},");
        output.Line($"LowerBound = {Int(mpu.LowerBound)},");
        output.Line($"WasteBytes = {CSharpLiteral.Decimal(mpu.WasteBytes)},");
        if (mpu.HasPopulated)
            WriteArray(output, "Populated = ", Arch + "PhysRange", mpu.Populated.Select(CSharpLiteral.Range), ",");
        WriteArray(output, "Entries = ", BoardsNs + "BoardProtectionEntry", mpu.Entries.Select(Entry), ",");
        WriteArray(output, "Static = ", MpuNs + "MpuRegion", mpu.Static.Select(Region), ",");
        WriteArray(output, "Domains = ", BoardsNs + "BoardDomain", mpu.Domains.Select(d => $"Make{d.Identifier}()"), ",");
        output.CloseBlock(";");
        foreach (var domain in mpu.Domains)
        {
            output.Line();
            WriteDomain(output, domain);
        }
        output.CloseBlock();
        output.CloseBlock();
    }

    private static void WriteDomainMembers(SourceWriter output, MpuModel mpu)
    {
        output.Doc("summary", "The domains, by name.");
        output.OpenBlock("public static class Domains");
        for (var i = 0; i < mpu.Domains.Length; i++)
        {
            var domain = mpu.Domains[i];
            Property(output, BoardsNs + "BoardDomain", domain.Identifier, $"MpuPlan.Domains[{Int(i)}]", i == 0
                ? "What is in place while no domain runs."
                : $"<c>{SourceWriter.Escape(domain.Name)}</c>: {Int(domain.Entries.Length)} entries, {Int(domain.Regions.Length)} regions of its own.");
        }
        output.CloseBlock();
    }

    private static void WriteDomain(SourceWriter output, MpuDomainRow domain)
    {
        output.Line($"private static {BoardsNs}BoardDomain Make{domain.Identifier}() => new {BoardsNs}BoardDomain(");
        output.Indent();
        output.Line(SourceWriter.Literal(domain.Name) + ",");
        WriteArray(output, "", BoardsNs + "BoardProtectionEntry", domain.Entries.Select(Entry), ",");
        WriteArray(output, "", MpuNs + "MpuRegion", domain.Regions.Select(Region), ",");
        output.Line($"new {MpuNs}MpuRegisterFile(");
        output.Indent();
        WriteArray(output, "", MpuNs + "MpuRegister", domain.Registers.Shared.Select(Register), ",");
        WriteArray(output, "", MpuNs + "MpuRegionRegisters", domain.Registers.Regions.Select(r =>
            $"new {MpuNs}MpuRegionRegisters({Int(r.Number)}, {MpuNs}MpuSpace.{r.Space}, {ArrayNs}.Create({string.Join(", ", r.Values.Select(Register))}))"), ",");
        output.Line($"{CSharpLiteral.Bool(domain.Registers.PrivilegedBackground)}));");
        output.Outdent();
        output.Outdent();
    }

    private static void WriteArray(SourceWriter output, string head, string type, IEnumerable<string> items, string tail)
    {
        var all = items.ToList();
        if (all.Count == 0)
        {
            output.Line($"{head}{ArrayNs}<{type}>.Empty{tail}");
            return;
        }
        output.Line($"{head}{ArrayNs}.Create<{type}>(");
        output.Indent();
        for (var i = 0; i < all.Count; i++)
            output.Line(all[i] + (i < all.Count - 1 ? "," : ")" + tail));
        output.Outdent();
    }

    private static string Format(MpuModel mpu) => mpu.Format switch
    {
        "pmp-rv32" => $"new {MpuNs}Pmp.PmpFormat(32, {CSharpLiteral.Decimal(mpu.Granule)})",
        "pmp-rv64" => $"new {MpuNs}Pmp.PmpFormat(64, {CSharpLiteral.Decimal(mpu.Granule)})",
        _ => $"{MpuNs}MpuFormats.Find({SourceWriter.Literal(mpu.Format)})!",
    };

    private static string Entry(MpuEntryRow entry) =>
        $"new {BoardsNs}BoardProtectionEntry({SourceWriter.Literal(entry.Name)}, {CSharpLiteral.Range(entry.Range)}, {Attributes(entry.Attributes)}, {CSharpLiteral.Bool(entry.AllowRounding)})";

    private static string Region(MpuRegion region)
    {
        var more = new List<string>();
        if (region.Space != MpuSpace.Unified)
            more.Add($"Space = {MpuNs}MpuSpace.{region.Space}");
        if (region.SubregionDisable != 0)
            more.Add($"SubregionDisable = {SourceWriter.Hex(region.SubregionDisable)}");
        if (region.Mode != PmpMode.Off)
            more.Add($"Mode = {MpuNs}PmpMode.{region.Mode}");
        if (region.Locked)
            more.Add("Locked = true");
        var rest = more.Count == 0 ? "" : $" {{ {string.Join(", ", more)} }}";
        return $"new {MpuNs}MpuRegion({Int(region.Number)}, {CSharpLiteral.Range(region.Range)}, {Attributes(region.Attributes)}){rest}";
    }

    private static string Register(MpuRegister register) => $"new {MpuNs}MpuRegister({SourceWriter.Literal(register.Name)}, {CSharpLiteral.Number(register.Value)})";

    private static string Attributes(MpuAttributes attributes) =>
        $"new {MpuNs}MpuAttributes({Rights(attributes.Privileged)}, {Rights(attributes.User)}, {MpuNs}MpuMemoryType.{attributes.Memory}, {CSharpLiteral.Bool(attributes.Shareable)})";

    private static string Rights(AccessRights rights) => $"({Arch}AccessRights){Int((int)rights)}";

    private static string Int(int value) => value.ToString(CultureInfo.InvariantCulture);
}
