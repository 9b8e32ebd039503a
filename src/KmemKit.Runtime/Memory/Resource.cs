using System.Collections.Generic;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memory;

/// <summary>A claim on physical addresses: a node of the tree behind <c>/proc/iomem</c> (struct resource, include/linux/ioport.h).</summary>
public sealed class Resource
{
    private readonly List<Resource> _children = [];

    internal Resource(PhysRange range, string name, bool isBusy, IBusDevice? device)
    {
        Range = range;
        Name = name;
        IsBusy = isBusy;
        Device = device;
    }

    /// <summary>Physical addresses; never empty.</summary>
    public PhysRange Range { get; }

    /// <summary>Who has them.</summary>
    public string Name { get; }

    /// <summary>IORESOURCE_BUSY: a driver uses it, and no other may claim a part of it.</summary>
    public bool IsBusy { get; }

    /// <summary>What answers there on the bus; null where nothing does.</summary>
    public IBusDevice? Device { get; }

    /// <summary>The resource it lies in; null for the root and for one that is in no tree.</summary>
    public Resource? Parent { get; internal set; }

    /// <summary>Resources in it, by rising address.</summary>
    public IReadOnlyList<Resource> Children => _children;

    internal List<Resource> ChildList => _children;

    /// <summary>Name and range.</summary>
    public override string ToString() => $"{Name} {Range}";
}
