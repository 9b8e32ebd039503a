using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>A node of a devicetree (Devicetree Specification 0.4, section 2.2).</summary>
/// <remarks>Built by the front end, which alone may change it; immutable from then on.</remarks>
public sealed class DeviceTreeNode
{
    // Shared until something is added: most nodes have no subnodes, and lists are half of what a tree costs.
    private static readonly List<DeviceTreeProperty> NoProperties = [];
    private static readonly List<DeviceTreeNode> NoChildren = [];

    private List<DeviceTreeProperty> _properties = NoProperties;
    private List<DeviceTreeNode> _children = NoChildren;

    internal DeviceTreeNode(string name, SourceSpan span)
    {
        Name = name;
        Span = span;
    }

    /// <summary>Name with unit address, such as <c>memory@80000000</c>; empty for the root.</summary>
    public string Name { get; }

    /// <summary>The name in front of the <c>@</c>.</summary>
    public string BaseName => Name.IndexOf('@') is >= 0 and var at ? Name.Substring(0, at) : Name;

    /// <summary>The unit address behind the <c>@</c>; null where there is none.</summary>
    public string? UnitAddress => Name.IndexOf('@') is >= 0 and var at ? Name.Substring(at + 1) : null;

    /// <summary>Labels, in the order written.</summary>
    public ImmutableArray<string> Labels { get; internal set; } = ImmutableArray<string>.Empty;

    /// <summary>Properties, in the order written.</summary>
    public IReadOnlyList<DeviceTreeProperty> Properties => _properties;

    /// <summary>Subnodes, in the order written.</summary>
    public IReadOnlyList<DeviceTreeNode> Children => _children;

    /// <summary>The node this is a subnode of; null for the root.</summary>
    public DeviceTreeNode? Parent { get; private set; }

    /// <summary>The node's name where it was first written.</summary>
    public SourceSpan Span { get; }

    /// <summary>The full path, <c>/</c> for the root.</summary>
    public string Path
    {
        get
        {
            if (Parent is null)
                return "/";
            return Parent.Parent is null ? "/" + Name : Parent.Path + "/" + Name;
        }
    }

    /// <summary>The property of that name, or null.</summary>
    public DeviceTreeProperty? Property(string name)
    {
        foreach (var property in _properties)
        {
            if (property.Name == name)
                return property;
        }
        return null;
    }

    /// <summary>The subnode of that full name, or null.</summary>
    public DeviceTreeNode? Child(string name)
    {
        foreach (var child in _children)
        {
            if (child.Name == name)
                return child;
        }
        return null;
    }

    /// <summary>This node and all below it, depth first, in the order written.</summary>
    public IEnumerable<DeviceTreeNode> DescendantsAndSelf()
    {
        var stack = new Stack<DeviceTreeNode>();
        stack.Push(this);
        while (stack.Count > 0)
        {
            var node = stack.Pop();
            yield return node;
            for (var i = node._children.Count - 1; i >= 0; i--)
                stack.Push(node._children[i]);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Path;

    internal List<DeviceTreeProperty> MutableProperties =>
        ReferenceEquals(_properties, NoProperties) ? _properties = [] : _properties;

    internal List<DeviceTreeNode> MutableChildren => ReferenceEquals(_children, NoChildren) ? _children = [] : _children;

    // The front end knows the numbers beforehand: exact lists, no growth.
    internal void Reserve(int properties, int children)
    {
        if (properties > 0)
            _properties = new List<DeviceTreeProperty>(properties);
        if (children > 0)
            _children = new List<DeviceTreeNode>(children);
    }

    internal void AddChild(DeviceTreeNode child)
    {
        child.Parent = this;
        MutableChildren.Add(child);
    }
}
