using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Tables;

/// <summary>Prints a plan for people: size and place, registers, tables and entries by level, what is mapped.</summary>
public static class TableStatisticsWriter
{
    /// <summary>The text, lines ended by a newline.</summary>
    public static string Write(PageTablePlan plan)
    {
        var output = new StringBuilder(2048);
        output.Append(Invariant($"{plan.Map.Layout.Board.Name}: {plan.Regime.Name}, {(plan.Map.Style == MapStyle.Flat ? "flat" : plan.Map.Layout.Profile)}"));
        if (plan.Map.Domain is { } domain)
            output.Append(Invariant($", domain {domain}"));
        output.Append(Invariant($"\n{plan.Tables.Length} tables, {plan.Bytes} bytes at {plan.Base}{(plan.BaseIsChosen ? " (the highest free place in lowmem)" : "")}, aligned to {TableText.Hex(plan.Alignment)}\n"));
        if (plan.Map.VectorsPage is { } vectors)
            output.Append(Invariant($"vectors page {vectors}\n"));
        output.Append("\nRegisters:\n");
        foreach (var register in plan.Registers)
            output.Append(Invariant($"  {register.Name,-10} {TableText.Hex(register.Value)}\n"));
        output.Append("\nLevels:\n");
        foreach (var level in plan.Levels)
            WriteLevel(output, level);
        output.Append("\nRegions:\n");
        foreach (var region in plan.Map.Regions)
        {
            output.Append(Invariant($"  {region.Virt.Start:x16}-{region.Virt.End} -> {region.Phys,-12} {SizeText(region.Virt.Size),9}  {Rights(region.Attributes.Privileged)} {Rights(region.Attributes.User)}"));
            output.Append(Invariant($"  {TableText.MemoryType(plan, region),-12} {region.Name}: {TableWhyWriter.Reason(region)}\n"));
        }
        foreach (var empty in plan.Map.EmptyTables)
            output.Append(Invariant($"  {empty.Virt.Start:x16}-{empty.Virt.End}    tables only, for pages set at run time: {empty.Name}\n"));
        return output.ToString();
    }

    private static void WriteLevel(StringBuilder output, LevelUse level)
    {
        output.Append(Invariant($"  L{level.Level}: {level.Tables} {(level.Tables == 1 ? "table" : "tables")}"));
        if (level.Pointers > 0)
            output.Append(Invariant($", {level.Pointers} to tables"));
        if (level.Entries > 0)
            output.Append(Invariant($", {level.Entries} {(level.IsLast ? "pages" : "blocks")}"));
        if (level.Grouped > 0)
            output.Append(Invariant($" ({level.Grouped} in groups)"));
        output.Append('\n');
    }

    private static string Rights(AccessRights rights) =>
        $"{((rights & AccessRights.Read) != 0 ? 'r' : '-')}{((rights & AccessRights.Write) != 0 ? 'w' : '-')}{((rights & AccessRights.Execute) != 0 ? 'x' : '-')}";

    private static string SizeText(AddressLimit size)
    {
        if (size.IsTop)
            return "16 EiB";
        string[] units = ["B", "KiB", "MiB", "GiB", "TiB"];
        var value = size.Value;
        var unit = 0;
        while (unit < units.Length - 1 && value >= 1024 && value % 1024 == 0)
        {
            value /= 1024;
            unit++;
        }
        return value.ToString(CultureInfo.InvariantCulture) + " " + units[unit];
    }
}
