using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Board;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>Reads the processors under <c>/cpus</c> (Devicetree Specification 0.4, sections 3.7 and 3.8) and what they make of the architecture.</summary>
internal sealed class CpuReader(BusMap buses, DiagnosticBag diagnostics)
{
    public ImmutableArray<BoardCpu> Read(DeviceTreeNode root)
    {
        if (root.Child("cpus") is not { } cpus)
            return [];
        var result = ImmutableArray.CreateBuilder<BoardCpu>();
        foreach (var node in cpus.Children)
        {
            if (node.Property("device_type").ReadString() != "cpu" && node.BaseName != "cpu")
                continue;
            result.Add(new BoardCpu(IdOf(node, (ulong)result.Count), node.Property("compatible").ReadStrings(), node.Path, node.Span)
            {
                Labels = node.Labels,
                Enabled = node.IsEnabled(),
                Isa = (node.Property("riscv,isa") ?? node.Property("riscv,isa-base")).ReadString(),
                IsaExtensions = ExtensionsOf(node),
                MmuType = node.Property("mmu-type").ReadString(),
            });
        }
        return result.ToImmutable();
    }

    // Documentation/devicetree/bindings/riscv/extensions.yaml; the older riscv,isa has single letters first, then the others between underscores.
    private static ImmutableArray<string> ExtensionsOf(DeviceTreeNode node) => node.Property("riscv,isa-extensions") is { } listed
        ? [.. listed.ReadStrings().Where(name => name.Length > 1)]
        : [.. (node.Property("riscv,isa").ReadString() ?? "").Split('_').Skip(1).Where(name => name.Length > 1)];

    /// <summary>The policy's word, else the first processor that is known, else what the root or the parts of a core tell.</summary>
    public TargetArchitecture ArchitectureOf(Policy policy, ImmutableArray<BoardCpu> cpus, DeviceTreeNode root)
    {
        var known = cpus.Select(cpu => (Cpu: cpu, Runs: ArchitectureTable.OfCpu(cpu))).FirstOrDefault(c => !c.Runs.IsDefaultOrEmpty);
        if (policy.Architecture is not { } chosen)
            return known.Runs.IsDefaultOrEmpty ? WithoutCpu(root) : known.Runs[0];
        if (!known.Runs.IsDefaultOrEmpty && !known.Runs.Contains(chosen.Value))
        {
            diagnostics.Add(KmemDiagnostic
                .Create(Rules.ArchitectureContradiction, chosen.Span.IsKnown ? chosen.Span : known.Cpu.Span, chosen.Value, known.Cpu.NodePath,
                    known.Cpu.Compatible.FirstOrDefault() ?? known.Cpu.Isa, string.Join(" or ", known.Runs))
                .WithRelated("the processor is here", known.Cpu.Span));
        }
        return chosen.Value;
    }

    private static TargetArchitecture WithoutCpu(DeviceTreeNode root)
    {
        var byName = ArchitectureTable.OfBoard(root.Property("compatible").ReadStrings());
        if (byName != TargetArchitecture.Unknown)
            return byName;
        return root.DescendantsAndSelf().Any(n => ArchitectureTable.IsPartOfArmCore(n.Property("compatible").ReadStrings()))
            ? TargetArchitecture.Arm
            : TargetArchitecture.Unknown;
    }

    /// <summary>The first number of <c>reg</c>; its place in the list where there is none. Later numbers are the threads of one core.</summary>
    private ulong IdOf(DeviceTreeNode node, ulong position)
    {
        if (node.Property("reg") is not { } reg)
            return position;
        var cells = buses.FormatOf(node.Parent!).AddressCells;
        var bytes = cells * sizeof(uint);
        if (cells is 1 or 2 && reg.Value.Length > 0 && reg.Value.Length % bytes == 0)
            return CellAddress.Read(reg, 0, cells).Value;
        var id = reg.TryReadU64(out var plain) ? plain : position;
        diagnostics.Add(Rules.BadCpuReg, reg.SpanAt(0), node.Path, id);
        return id;
    }
}
