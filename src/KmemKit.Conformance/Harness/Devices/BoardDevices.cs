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
    public static PhysRange RangeOf(Board board, string device) => NodeOf(board, device) is { Ranges: [var first, ..] } ? first.Range
        : throw new ArgumentException($"{board.Name}: {NodeOf(board, device).NodePath} has no addresses that the CPU reaches ({NodeOf(board, device).Span}).", nameof(device));

    /// <summary>The device.</summary>
    /// <param name="board">The board.</param>
    /// <param name="device">Label, node path, or name of the node with or without unit address.</param>
    public static BoardDevice NodeOf(Board board, string device)
    {
        ArgumentException.ThrowIfNullOrEmpty(device);
        var found = board.Devices.Where(d => d.Labels.Contains(device) || d.NodePath == device).ToArray();
        if (found.Length == 0)
            found = [.. board.Devices.Where(d => NodeName(d) == device || NodeName(d).Split('@')[0] == device)];
        return found.Length switch
        {
            1 => found[0],
            0 => throw new ArgumentException($"{board.Name} has no device {device}. It has {string.Join(", ", board.Devices.Select(Shown))}.", nameof(device)),
            _ => throw new ArgumentException($"{board.Name} has more than one device {device}: {string.Join(", ", found.Select(d => d.NodePath))}. Name one by its path.", nameof(device)),
        };
    }

    private static string NodeName(BoardDevice device) => device.NodePath[(device.NodePath.LastIndexOf('/') + 1)..];

    private static string Shown(BoardDevice device) => device.Labels.IsEmpty ? device.NodePath : device.Labels[0];
}
