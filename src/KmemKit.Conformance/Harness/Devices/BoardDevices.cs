using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;

namespace KmemKit.Conformance.Harness.Devices;

/// <summary>Finds a device of a board by what people call it.</summary>
internal static class BoardDevices
{
    /// <summary>The device's first range.</summary>
    /// <param name="board">The board.</param>
    /// <param name="device">Label, node path, or name of the node with or without unit address.</param>
    public static PhysRange RangeOf(Board board, string device)
    {
        ArgumentException.ThrowIfNullOrEmpty(device);
        var found = board.Devices.Where(d => d.Labels.Contains(device) || d.NodePath == device).ToArray();
        if (found.Length == 0)
            found = [.. board.Devices.Where(d => NodeName(d) == device || NodeName(d).Split('@')[0] == device)];
        return found.Length switch
        {
            1 when !found[0].Ranges.IsEmpty => found[0].Ranges[0].Range,
            1 => throw new ArgumentException($"{board.Name}: {found[0].NodePath} has no addresses that the CPU reaches ({found[0].Span}).", nameof(device)),
            0 => throw new ArgumentException($"{board.Name} has no device {device}. It has {string.Join(", ", board.Devices.Select(Shown))}.", nameof(device)),
            _ => throw new ArgumentException($"{board.Name} has more than one device {device}: {string.Join(", ", found.Select(d => d.NodePath))}. Name one by its path.", nameof(device)),
        };
    }

    private static string NodeName(BoardDevice device) => device.NodePath[(device.NodePath.LastIndexOf('/') + 1)..];

    private static string Shown(BoardDevice device) => device.Labels.IsEmpty ? device.NodePath : device.Labels[0];
}
