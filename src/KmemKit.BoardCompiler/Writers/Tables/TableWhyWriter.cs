using System.Globalization;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Tables;

/// <summary>Prints why an address is mapped as it is: the walk level by level, the region of the plan, what decided it and where that stands.</summary>
public static class TableWhyWriter
{
    /// <summary>The text, lines ended by a newline.</summary>
    public static string Write(AddressWalk walk)
    {
        var output = new StringBuilder(512);
        output.Append(walk.Address.ToString());
        output.Append(walk.Output is { } phys ? $" -> {phys}\n" : " is not mapped\n");
        output.Append(walk.Tree is { } tree
            ? $"  {tree.Register}: {tree.Format.Name}, {tree.Format.InputBits.ToString(CultureInfo.InvariantCulture)} bits of virtual address\n"
            : "  in the range of no base register\n");
        foreach (var step in walk.Steps)
        {
            output.Append(Invariant($"  level {step.Level}: table {TableText.Hex(step.Table)}, entry {step.Index} at {TableText.Hex(step.Address)}: {TableText.Hex(step.Descriptor)} {Word(step.Kind)}"));
            if (step.Kind == DescriptorKind.Table)
                output.Append(" -> ").Append(TableText.Hex(step.Target));
            if (step.Kind == DescriptorKind.Leaf)
                output.Append(" -> ").Append(TableText.Hex(step.Target)).Append(", ").Append(step.Shape.ToString()).Append(", ").Append(step.Attributes.ToString());
            output.Append('\n');
        }
        if (walk.Region is { } region)
        {
            output.Append($"  region {region.Name} {region.Virt} -> {region.Phys}: {Reason(region)}");
            AppendPlace(output, region.Span);
        }
        else
        {
            output.Append("  no region of the plan: ").Append(walk.Meaning.Reason);
            AppendPlace(output, walk.Meaning.Span);
        }
        return output.ToString();
    }

    internal static string Word(DescriptorKind kind) => kind switch
    {
        DescriptorKind.Table => "table",
        DescriptorKind.Leaf => "leaf",
        DescriptorKind.Reserved => "reserved",
        _ => "invalid",
    };

    /// <summary>Why the region is at its addresses, and who decided about the rights.</summary>
    internal static string Reason(MapRegion region) => $"{Rule(region.Rule)}; {region.Reason}";

    private static string Rule(MapRule rule) => rule switch
    {
        MapRule.LinearMap => "the linear map",
        MapRule.ImageMap => "the kernel image's map",
        MapRule.Vectors => "the exception vectors",
        MapRule.StaticIo => "fixed mappings of devices",
        MapRule.Identity => "identity map of boot code",
        MapRule.Iova => "device address",
        _ => "flat map",
    };

    private static void AppendPlace(StringBuilder output, Sources.SourceSpan span)
    {
        if (span.IsKnown)
            output.Append("  ").Append(span.ToString());
        output.Append('\n');
    }
}
