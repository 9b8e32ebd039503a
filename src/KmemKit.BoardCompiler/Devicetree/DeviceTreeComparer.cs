using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>What counts as a difference between two trees.</summary>
[Flags]
public enum DeviceTreeComparison
{
    /// <summary>Everything a blob holds: nodes, properties, values, reservations, boot CPU, and the order of all of them.</summary>
    Exact = 0,

    /// <summary>The order of properties, of subnodes and of reservations does not count.</summary>
    IgnoreOrder = 1,

    /// <summary>The boot CPU does not count; source does not hold it.</summary>
    IgnoreBootCpu = 2,
}

/// <summary>The first difference between two trees.</summary>
/// <param name="Path">The node concerned.</param>
/// <param name="Property">The property concerned; null where the node itself differs.</param>
/// <param name="Description">What the left and the right tree have there.</param>
public sealed record DeviceTreeDifference(string Path, string? Property, string Description)
{
    /// <inheritdoc/>
    public override string ToString() => Property is null ? $"{Path}: {Description}" : $"{Path}: {Property}: {Description}";
}

/// <summary>Says whether two trees mean the same. Labels, markers and places in files do not count: a blob does not hold them.</summary>
public static class DeviceTreeComparer
{
    /// <summary>The first difference in depth-first order, or null where the trees are the same.</summary>
    /// <param name="left">One tree.</param>
    /// <param name="right">The other.</param>
    /// <param name="comparison">What does not count.</param>
    public static DeviceTreeDifference? FirstDifference(
        DeviceTree left, DeviceTree right, DeviceTreeComparison comparison = DeviceTreeComparison.Exact)
    {
        if (left is null)
            throw new ArgumentNullException(nameof(left));
        if (right is null)
            throw new ArgumentNullException(nameof(right));
        var ignoreOrder = (comparison & DeviceTreeComparison.IgnoreOrder) != 0;
        if ((comparison & DeviceTreeComparison.IgnoreBootCpu) == 0 && left.BootCpuId != right.BootCpuId)
            return new DeviceTreeDifference("/", null, $"boot CPU 0x{left.BootCpuId:x} against 0x{right.BootCpuId:x}");
        return ReservationDifference(left.Reservations, right.Reservations, ignoreOrder) ?? NodeDifference(left.Root, right.Root, ignoreOrder);
    }

    private static DeviceTreeDifference? ReservationDifference(
        ImmutableArray<MemoryReservation> left, ImmutableArray<MemoryReservation> right, bool ignoreOrder)
    {
        if (ignoreOrder)
            (left, right) = (Sorted(left), Sorted(right));
        for (var i = 0; i < Math.Max(left.Length, right.Length); i++)
        {
            var (first, second) = (Text(left, i), Text(right, i));
            if (first != second)
                return new DeviceTreeDifference("/", null, $"memory reservation {i}: {first} against {second}");
        }
        return null;

        static ImmutableArray<MemoryReservation> Sorted(ImmutableArray<MemoryReservation> entries) =>
            [.. entries.OrderBy(entry => entry.Address.Value).ThenBy(entry => entry.Size)];

        static string Text(ImmutableArray<MemoryReservation> entries, int index) =>
            index < entries.Length ? $"0x{entries[index].Address.Value:x} size 0x{entries[index].Size:x}" : "none";
    }

    private static DeviceTreeDifference? NodeDifference(DeviceTreeNode left, DeviceTreeNode right, bool ignoreOrder)
    {
        var pending = new Stack<(DeviceTreeNode Left, DeviceTreeNode Right)>();
        pending.Push((left, right));
        while (pending.Count > 0)
        {
            (left, right) = pending.Pop();
            var properties = Paired(left, left.Properties, right.Properties, property => property.Name, "property", ignoreOrder, out var difference);
            if (difference is not null)
                return difference;
            foreach (var (first, second) in properties)
            {
                if (!first.Value.Span.SequenceEqual(second.Value.Span))
                    return new DeviceTreeDifference(left.Path, first.Name, ValueDifference(first.Value.Span, second.Value.Span));
            }
            var children = Paired(left, left.Children, right.Children, node => node.Name, "subnode", ignoreOrder, out difference);
            if (difference is not null)
                return difference;
            for (var i = children.Count - 1; i >= 0; i--)
                pending.Push(children[i]);
        }
        return null;
    }

    private static List<(T Left, T Right)> Paired<T>(
        DeviceTreeNode node, IReadOnlyList<T> left, IReadOnlyList<T> right, Func<T, string> name, string kind, bool ignoreOrder,
        out DeviceTreeDifference? difference)
    {
        if (ignoreOrder)
        {
            left = [.. left.OrderBy(name, StringComparer.Ordinal)];
            right = [.. right.OrderBy(name, StringComparer.Ordinal)];
        }
        var pairs = new List<(T, T)>(left.Count);
        difference = null;
        for (var i = 0; i < Math.Max(left.Count, right.Count); i++)
        {
            var first = i < left.Count ? name(left[i]) : null;
            var second = i < right.Count ? name(right[i]) : null;
            if (first != second)
            {
                difference = new DeviceTreeDifference(node.Path, null, $"{kind} {i}: {first ?? "none"} against {second ?? "none"}");
                return pairs;
            }
            pairs.Add((left[i], right[i]));
        }
        return pairs;
    }

    private static string ValueDifference(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (left.Length != right.Length)
            return $"{left.Length} bytes against {right.Length}";
        var at = 0;
        while (left[at] == right[at])
            at++;
        return $"byte {at} is 0x{left[at]:x2} against 0x{right[at]:x2}";
    }
}
