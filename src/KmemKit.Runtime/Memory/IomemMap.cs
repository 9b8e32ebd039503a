using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Runtime.Memory;

/// <summary>A board's resources as the kernel has them when its drivers start.</summary>
/// <param name="Tree">The tree.</param>
/// <param name="Refused">Devices whose addresses another resource has already: the kernel leaves such a device out.</param>
public sealed record IomemResult(ResourceTree Tree, ImmutableArray<ResourceException> Refused);

/// <summary>Fills the resource tree from a layout.</summary>
/// <remarks>
/// RAM as memblock has it, busy, so that no driver can claim it (arch/arm/kernel/setup.c, request_standard_resources); on arm64 <c>no-map</c> RAM as
/// <c>reserved</c>. Then each enabled device's ranges under the name of its node, not busy until a driver claims them (drivers/of/platform.c before 4.15,
/// which is what the seeds' kernels print).
/// </remarks>
public static class IomemMap
{
    internal const string SystemRam = "System RAM";

    /// <summary>The resources of <paramref name="layout"/>'s board.</summary>
    public static IomemResult FromLayout(MemoryLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var tree = new ResourceTree();
        foreach (var region in Memblock.Memblock.FromLayout(layout).Memory)
        {
            if (!region.Flags.HasFlag(Memblock.MemblockFlags.NoMap))
                tree.Request(region.Range, SystemRam, busy: true);
            else if (layout.Board.Architecture == TargetArchitecture.Arm64)
                tree.Request(region.Range, "reserved");
        }
        var refused = ImmutableArray.CreateBuilder<ResourceException>();
        foreach (var device in layout.Board.Devices)
        {
            if (device.Enabled)
                AddDevice(tree, device, refused);
        }
        return new IomemResult(tree, refused.ToImmutable());
    }

    private static void AddDevice(ResourceTree tree, BoardDevice device, ImmutableArray<ResourceException>.Builder refused)
    {
        foreach (var range in device.Ranges)
        {
            if (range.Range.IsEmpty)
                continue;
            try
            {
                tree.Insert(range.Range, device.NodePath);
            }
            catch (ResourceException conflict)
            {
                refused.Add(conflict);
            }
        }
    }
}
