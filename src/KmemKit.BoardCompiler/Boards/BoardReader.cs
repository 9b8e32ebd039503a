using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Board;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>Reads what a devicetree says about memory, devices and processors, and joins it with the policy.</summary>
public static class BoardReader
{
    /// <summary>Reads the board. Bad input never throws: what cannot be read is a finding and is left out.</summary>
    /// <param name="tree">The whole tree.</param>
    /// <param name="policy">The policy.</param>
    /// <param name="name">The board's name; null for the file name of the tree's source without extension.</param>
    public static BoardResult Read(DeviceTree tree, Policy policy, string? name = null)
    {
        if (tree is null)
            throw new ArgumentNullException(nameof(tree));
        if (policy is null)
            throw new ArgumentNullException(nameof(policy));
        var diagnostics = new DiagnosticBag();
        var buses = new BusMap(diagnostics);
        var root = tree.Root;
        var processors = new CpuReader(buses, diagnostics);
        var cpus = processors.Read(root);
        var compatible = root.Property("compatible").ReadStrings();
        var architecture = processors.ArchitectureOf(policy, cpus, root);
        PolicyChecks.Check(policy, architecture, diagnostics);
        name ??= NameOf(tree.Source);
        var banks = new MemoryReader(buses, diagnostics).Read(root);
        if (banks.IsEmpty && !HasMemoryByParameter(policy))
            diagnostics.Add(Rules.NoMemory, root.Children.FirstOrDefault(MemoryReader.IsMemory)?.Span ?? root.Span, name);
        var holes = MemoryHoleReader.Read(root, diagnostics);
        var reserved = new ReservedMemoryReader(buses, diagnostics).Read(tree);
        var (devices, busList) = new DeviceReader(buses, diagnostics).Read(root);
        var board = new Board
        {
            Name = name,
            Model = root.Property("model").ReadString() ?? "",
            Compatible = compatible,
            Architecture = architecture,
            UsesMmu = policy.Mmu?.Value ?? !ArchitectureTable.LacksMmu(cpus, root),
            Policy = policy,
            Tree = tree,
            Banks = banks,
            Holes = holes,
            Reserved = reserved,
            Devices = devices,
            Buses = busList,
            Aliases = Aliases(root),
            Cpus = cpus,
        };
        var protection = ProtectionNode.Find(root, diagnostics);
        board = board with { Mpu = MpuReader.Read(root, cpus, protection, diagnostics) };
        if (protection is not null && !ProtectionNode.IsForDevicesOnly(protection))
            board = board with { Protection = new ProtectionReader(board, diagnostics).Read(protection) };
        return new BoardResult(board, diagnostics.ToImmutable());
    }

    /// <summary>File name without folder and extension: <c>boards/qcom/msm8974/msm8974.dts</c> is <c>msm8974</c>.</summary>
    internal static string NameOf(SourceFile source)
    {
        var start = source.Path.LastIndexOfAny(['/', '\\']) + 1;
        var dot = source.Path.LastIndexOf('.');
        return dot > start ? source.Path.Substring(start, dot - start) : source.Path.Substring(start);
    }

    /// <summary>Whether <c>mem=SIZE@START</c> gives memory that the tree does not.</summary>
    internal static bool HasMemoryByParameter(Policy policy) => policy.Bootargs.Mem.Any(m => m.Value.Start is not null);

    private static ImmutableArray<BoardAlias> Aliases(DeviceTreeNode root) => root.Child("aliases") is not { } node
        ? []
        : [.. node.Properties.Select(p => new BoardAlias(p.Name, p.ReadString() ?? "", p.SpanAt(0)))];
}
