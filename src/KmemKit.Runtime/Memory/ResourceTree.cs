using System;
using System.Collections.Generic;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memory;

/// <summary>The tree of claims on physical addresses (iomem_resource, kernel/resource.c).</summary>
/// <remarks>
/// <para>Invariant: children lie in their parent, are sorted, and do not overlap. Three ways in:</para>
/// <list type="bullet">
/// <item><see cref="Request(PhysRange, string, bool, Resource)"/> puts a resource right below a parent; whatever is there already is in the way.</item>
/// <item><see cref="Insert"/> finds the level itself, and takes resources that lie inside the new one below it.</item>
/// <item><see cref="RequestRegion"/> is a driver's way: it goes down through resources that nobody uses, and a busy one stops it.</item>
/// </list>
/// <para>Reading and claiming at once from several threads is safe; the list of children that a reader walks by itself is not.</para>
/// </remarks>
public sealed class ResourceTree
{
    private readonly object _lock = new();

    /// <summary>The whole 64-bit space; it has no line of its own in <c>/proc/iomem</c>.</summary>
    public Resource Root { get; } = new(new PhysRange(PhysAddr.Zero, AddressLimit.Top), "PCI mem", isBusy: false, device: null);

    /// <summary>Puts a resource right below <paramref name="parent"/>, by default the root (request_resource).</summary>
    /// <exception cref="ResourceException">EINVAL: the range is empty. EBUSY: a child overlaps it, or the parent does not contain it.</exception>
    public Resource Request(PhysRange range, string name, bool busy = false, Resource? parent = null)
    {
        var resource = Make(range, name, busy, null);
        lock (_lock)
        {
            if (FindConflict(parent ?? Root, range) is { } conflict)
                throw Busy(resource, conflict);
            Link(parent ?? Root, resource);
        }
        return resource;
    }

    /// <summary>
    /// Puts a resource at the level where it belongs: below the smallest resource that contains it, above those that it contains (insert_resource). One of
    /// the same range comes to lie below it.
    /// </summary>
    /// <exception cref="ResourceException">EINVAL: the range is empty. EBUSY: another resource overlaps it in part.</exception>
    public Resource Insert(PhysRange range, string name, bool busy = false)
    {
        var resource = Make(range, name, busy, null);
        lock (_lock)
        {
            var parent = Root;
            while (FindConflict(parent, range) is { } conflict)
            {
                // Not in the parent at all, or another of the same range: that one goes below.
                if (conflict == parent || conflict.Range == range || !conflict.Range.Contains(range))
                    break;
                parent = conflict;
            }
            Adopt(parent, resource);
        }
        return resource;
    }

    /// <summary>Claims addresses for a driver (request_mem_region).</summary>
    /// <exception cref="ResourceException">EINVAL: the range is empty. EBUSY: a busy resource, or one that overlaps it in part, is in the way.</exception>
    public Resource RequestRegion(PhysRange range, string name, IBusDevice? device = null)
    {
        var resource = Make(range, name, busy: true, device);
        lock (_lock)
        {
            var parent = Root;
            while (FindConflict(parent, range) is { } conflict)
            {
                if (conflict == parent || conflict.IsBusy)
                    throw Busy(resource, conflict);
                parent = conflict;
            }
            Link(parent, resource);
        }
        return resource;
    }

    /// <summary>Gives back a region that <see cref="RequestRegion"/> claimed (release_mem_region).</summary>
    /// <exception cref="ResourceException">ENOENT: no busy resource has exactly these addresses.</exception>
    public void ReleaseRegion(PhysRange range)
    {
        lock (_lock)
        {
            var parent = Root;
            while (!range.IsEmpty && ChildAt(parent, range.Start) is { } child && child.Range.Contains(range))
            {
                if (!child.IsBusy)
                {
                    parent = child;
                    continue;
                }
                if (child.Range != range)
                    break;
                // As in the kernel, what was claimed inside it goes with it.
                Unlink(child);
                return;
            }
        }
        throw new ResourceException(ResourceError.NotFound, range, null, $"Trying to free nonexistent resource {range}: no driver has claimed exactly that.");
    }

    /// <summary>Takes a resource and all in it out of the tree (release_resource).</summary>
    /// <exception cref="ResourceException">ENOENT: it is not in this tree.</exception>
    public void Release(Resource resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        lock (_lock)
        {
            if (resource.Parent is null || !IsBelowRoot(resource))
                throw new ResourceException(ResourceError.NotFound, resource.Range, null, $"{resource} is not in the resource tree.");
            Unlink(resource);
        }
    }

    /// <summary>The innermost resource with a device that contains <paramref name="address"/>; null where there is none.</summary>
    public Resource? FindDevice(PhysAddr address)
    {
        lock (_lock)
        {
            Resource? found = null;
            for (var at = ChildAt(Root, address); at is not null; at = ChildAt(at, address))
                found = at.Device is null ? found : at;
            return found;
        }
    }

    private static Resource Make(PhysRange range, string name, bool busy, IBusDevice? device)
    {
        ArgumentNullException.ThrowIfNull(name);
        return range.IsEmpty
            ? throw new ResourceException(ResourceError.Invalid, range, null, $"{name} asks for no address at all at {range.Start}.")
            : new Resource(range, name, busy, device);
    }

    private static ResourceException Busy(Resource resource, Resource conflict) => new(
        ResourceError.Busy, resource.Range, conflict, $"{resource.Name} cannot have {resource.Range}: {conflict.Name} has {conflict.Range}.");

    // The parent itself where it does not contain the range; else the first child that overlaps it.
    private static Resource? FindConflict(Resource parent, PhysRange range)
    {
        if (!parent.Range.Contains(range))
            return parent;
        var index = FirstEndingAbove(parent, range.Start);
        return index < parent.ChildList.Count && parent.ChildList[index].Range.Overlaps(range) ? parent.ChildList[index] : null;
    }

    private static Resource? ChildAt(Resource parent, PhysAddr address)
    {
        var index = FirstEndingAbove(parent, address);
        return index < parent.ChildList.Count && parent.ChildList[index].Range.Contains(address) ? parent.ChildList[index] : null;
    }

    private static int FirstEndingAbove(Resource parent, PhysAddr address)
    {
        int low = 0, high = parent.ChildList.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (parent.ChildList[middle].Range.End > address.Value)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }

    private static void Link(Resource parent, Resource resource)
    {
        parent.ChildList.Insert(FirstEndingAbove(parent, resource.Range.Start), resource);
        resource.Parent = parent;
    }

    private static void Adopt(Resource parent, Resource resource)
    {
        var first = FirstEndingAbove(parent, resource.Range.Start);
        var end = first;
        for (; end < parent.ChildList.Count && parent.ChildList[end].Range.Overlaps(resource.Range); end++)
        {
            if (!resource.Range.Contains(parent.ChildList[end].Range))
                throw Busy(resource, parent.ChildList[end]);
        }
        List<Resource> adopted = parent.ChildList.GetRange(first, end - first);
        parent.ChildList.RemoveRange(first, end - first);
        foreach (var child in adopted)
        {
            resource.ChildList.Add(child);
            child.Parent = resource;
        }
        Link(parent, resource);
    }

    private static void Unlink(Resource resource)
    {
        resource.Parent!.ChildList.Remove(resource);
        resource.Parent = null;
    }

    private bool IsBelowRoot(Resource resource)
    {
        var top = resource;
        while (top.Parent is { } parent)
            top = parent;
        return top == Root;
    }
}
