using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Tests.Policies;

/// <summary>Short ways to read a policy from texts.</summary>
internal static class PolicyText
{
    public static PolicyResult Read(string defconfig, params string[] overrides) => PolicyReader.Read(new PolicyInput
    {
        Defconfig = new SourceFile("board_defconfig", defconfig),
        Overrides = [.. overrides],
    });

    public static PolicyResult ReadWithFragment(string defconfig, string fragment) => PolicyReader.Read(new PolicyInput
    {
        Defconfig = new SourceFile("board_defconfig", defconfig),
        Fragments = [new SourceFile("more.config", fragment)],
    });

    public static PolicyResult Bootargs(string line) => PolicyReader.Read(new PolicyInput { Bootargs = line });

    public static IEnumerable<string> Ids(this PolicyResult result) => result.Diagnostics.Select(d => d.Id);

    /// <summary>A tree whose <c>/chosen/bootargs</c> is the string literal <paramref name="literal"/> of a source, quotes and escapes included.</summary>
    public static DeviceTree TreeWithBootargs(string literal, string value)
    {
        var source = new SourceFile("board.dts", "/ {\n\tchosen { bootargs = " + literal + "; };\n};\n");
        var start = source.Text.IndexOf(literal, System.StringComparison.Ordinal);
        var property = new DeviceTreeProperty("bootargs", Encoding.UTF8.GetBytes(value + "\0"), new SourceSpan(source, start - 11, 8))
        {
            Markers = [new ValueMarker(0, ValueMarkerKind.String, "", new SourceSpan(source, start, literal.Length))],
        };
        var root = new DeviceTreeNode("", new SourceSpan(source, 0, 1));
        var chosen = new DeviceTreeNode("chosen", new SourceSpan(source, 5, 6));
        chosen.MutableProperties.Add(property);
        root.AddChild(chosen);
        return new DeviceTree(source, root, ImmutableArray<MemoryReservation>.Empty, 0);
    }
}
