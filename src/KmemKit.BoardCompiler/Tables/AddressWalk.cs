using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>One descriptor on the way to an address.</summary>
/// <param name="Level">Level, by the architecture's numbering.</param>
/// <param name="Table">Physical address of the table.</param>
/// <param name="Index">Entry in it.</param>
/// <param name="Address">Physical address of the descriptor.</param>
/// <param name="Descriptor">Its value.</param>
/// <param name="Kind">What the walk takes it for.</param>
/// <param name="Target">The table or the memory it leads to; 0 for none.</param>
/// <param name="Shape">The leaf's shape, where it is one.</param>
/// <param name="Attributes">What the leaf says, limits of the tables above included; default for others.</param>
public sealed record WalkStep(
    int Level, ulong Table, int Index, ulong Address, ulong Descriptor, DescriptorKind Kind, ulong Target, LeafShape Shape, PageAttributes Attributes);

/// <summary>Why a virtual address is mapped as it is, or not: the walk, the region of the plan, what decided it.</summary>
/// <param name="Address">The address.</param>
/// <param name="Tree">The tree it is in; null where it is in none.</param>
/// <param name="Steps">The walk, from the root.</param>
/// <param name="Output">Where it leads; null where it is not mapped.</param>
/// <param name="Region">The region of the map; null where there is none.</param>
/// <param name="Meaning">What the address is to the layout.</param>
public sealed record AddressWalk(
    VirtAddr Address, TableTree? Tree, ImmutableArray<WalkStep> Steps, PhysAddr? Output, MapRegion? Region, AddressMeaning Meaning)
{
    /// <summary>Walks the image of a plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="address">Any virtual address.</param>
    public static AddressWalk Of(PageTablePlan plan, VirtAddr address)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        var meaning = AddressClassifier.ClassifyVirtual(plan.Map.Layout, address);
        var region = plan.Map.At(address);
        var number = plan.Regime.TreeOf(address);
        if (number < 0)
            return new AddressWalk(address, null, [], null, region, meaning);
        var tree = plan.Regime.Trees[number];
        var memory = new TableImageMemory(plan.Base, ImmutableArray.Create(TableImage.Write(plan)));
        var steps = ReadSteps(tree.Format, ref memory, plan.AddressOf(plan.Roots[number]).Value, address.Value);
        var found = Walker.Walk(tree.Format, ref memory, plan.AddressOf(plan.Roots[number]).Value, address.Value);
        return new AddressWalk(address, tree, steps, found.IsMapped ? new PhysAddr(found.Output) : null, region, meaning);
    }

    internal static ImmutableArray<WalkStep> ReadSteps(ITranslationFormat format, ref TableImageMemory memory, ulong root, ulong address)
    {
        var steps = ImmutableArray.CreateBuilder<WalkStep>();
        var table = root;
        ulong limits = 0;
        for (var level = format.RootLevel; ; level = format.NextLevel(level))
        {
            var index = format.Index(address, level);
            var at = table + (ulong)(index * format.DescriptorSize);
            if (!memory.TryRead(at, format.DescriptorSize, out var descriptor))
                return steps.ToImmutable();
            var kind = format.KindOf(descriptor, level);
            if (kind == DescriptorKind.Table)
            {
                var below = format.TableAddress(descriptor, level);
                steps.Add(new WalkStep(level, table, index, at, descriptor, kind, below, default, default));
                limits |= format.Limits(descriptor, level);
                table = below;
                continue;
            }
            var isLeaf = kind == DescriptorKind.Leaf;
            steps.Add(new WalkStep(level, table, index, at, descriptor, kind, isLeaf ? format.LeafAddress(descriptor, level) : 0,
                isLeaf ? format.ShapeOf(descriptor, level) : default, isLeaf ? format.DecodeLeaf(descriptor, level, limits) : default));
            return steps.ToImmutable();
        }
    }
}
