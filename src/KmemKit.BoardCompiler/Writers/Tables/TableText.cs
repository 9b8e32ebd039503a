using KmemKit.Architecture;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Writers.Images;

namespace KmemKit.BoardCompiler.Writers.Tables;

/// <summary>Words and numbers that all writers of tables have in common.</summary>
internal static class TableText
{
    public static string Hex(ulong value) => ImageText.Hex(value);

    /// <summary>Who executes: <c>privileged</c>, <c>user</c>, <c>all</c>, or nobody (empty).</summary>
    public static string Execute(MapRegion region) =>
        ((region.Attributes.Privileged & AccessRights.Execute) != 0, (region.Attributes.User & AccessRights.Execute) != 0) switch
        {
            (true, true) => "all",
            (true, false) => "privileged",
            (false, true) => "user",
            _ => "",
        };

    /// <summary>Loads and stores: execution is said apart.</summary>
    public static string Data(AccessRights rights) => (rights & AccessRights.ReadWrite).ToText();

    /// <summary>The memory type as the format says it.</summary>
    public static string MemoryType(PageTablePlan plan, MapRegion region)
    {
        var format = plan.Regime.Trees[plan.Regime.TreeOf(region.Virt.Start)].Format;
        return KmemKit.Architecture.Mmu.MemoryTypes.ToText(AttributeSets.Translate(format, region.Attributes, region.Global).Memory);
    }
}
