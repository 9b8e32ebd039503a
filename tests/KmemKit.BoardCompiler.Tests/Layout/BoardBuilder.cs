using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>Makes boards without a devicetree source: layout rules are tested apart from the front end.</summary>
internal static class BoardBuilder
{
    public static Board Board(TargetArchitecture architecture, Policy policy, params (ulong Start, ulong End)[] banks)
    {
        var source = new SourceFile("test.dts", "");
        var builder = ImmutableArray.CreateBuilder<MemoryBank>();
        foreach (var (start, end) in banks)
            builder.Add(new MemoryBank(Range(start, end), "/memory", default));
        return new Board
        {
            Name = "test",
            Compatible = ["test,board"],
            Architecture = architecture,
            Policy = policy,
            Tree = new DeviceTree(source, new DeviceTreeNode("", default), [], 0),
            Banks = builder.ToImmutable(),
        };
    }

    public static PhysRange Range(ulong start, ulong end) => PhysRange.FromBounds(new PhysAddr(start), end);

    public static Setting<T> Set<T>(T value) => new(value, default);

    /// <summary>An Arm policy with 3G/1G split, highmem and the given version.</summary>
    public static Policy Arm(int major, int minor, ulong physOffset = 0, ulong? vmalloc = null, bool highmem = true) => new()
    {
        LinuxVersion = Set(new LinuxVersion(major, minor)),
        PhysOffset = Set(new PhysAddr(physOffset)),
        Highmem = Set(highmem),
        VmallocEnd = major < 3 || (major == 3 && minor < 3) ? Set(new VirtAddr(0xff00_0000)) : null,
        Bootargs = new BootArguments { Vmalloc = vmalloc is { } n ? Set(n) : null },
    };

    public static MemoryLayout Layout(Board board)
    {
        var result = MemoryLayoutPlanner.Plan(board);
        NUnit.Framework.Assert.That(result.Layout, NUnit.Framework.Is.Not.Null, string.Join("\n", result.Diagnostics));
        return result.Layout!;
    }

    public static VirtRange Line(MemoryLayout layout, string name)
    {
        foreach (var range in layout.Virtual)
        {
            if (range.Name == name)
                return range.Range;
        }
        throw new NUnit.Framework.AssertionException($"no {name} line");
    }
}
