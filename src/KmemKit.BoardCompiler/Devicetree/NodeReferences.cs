using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>Nodes by their phandles.</summary>
internal sealed class NodeReferences
{
    private readonly Dictionary<uint, DeviceTreeNode> _nodes = [];

    /// <summary>Reads the phandles of a tree; of two equal ones the last counts.</summary>
    public NodeReferences(DeviceTreeNode root)
    {
        foreach (var node in root.DescendantsAndSelf())
        {
            if ((node.Property("phandle") ?? node.Property("linux,phandle")) is { } property && property.TryReadU32(out var phandle))
                _nodes[phandle] = node;
        }
    }

    /// <summary>The node of a phandle; null where there is none.</summary>
    public DeviceTreeNode? Find(uint phandle) => _nodes.TryGetValue(phandle, out var node) ? node : null;
}
