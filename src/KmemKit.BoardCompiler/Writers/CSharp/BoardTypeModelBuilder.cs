using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Writers.CSharp;

/// <summary>Decides what a board's C# type is called and says; <see cref="BoardTypeWriter"/> prints it.</summary>
public static class BoardTypeModelBuilder
{
    // Members of the nested class of devices that are not labels, and what every class inherits.
    private static readonly string[] Inherited =
        ["Equals", "Finalize", "GetHashCode", "GetType", "MemberwiseClone", "ReferenceEquals", "ToString"];

    private static readonly string[] DeviceClass = ["Devices", "Bases", "Count", "PathOf", "Paths", "Sizes", .. Inherited];

    private static readonly string[] ReservedClass = ["ReservedMemory", .. Inherited];

    /// <summary>The type of a board.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="ns">Namespace of the type.</param>
    /// <param name="typeName">Name of the type: an identifier that is not one of <see cref="BoardTypeWriter.MemberNames"/>.</param>
    /// <param name="madeFrom">The files that the head of the code names.</param>
    /// <param name="definition">What it can be compiled from again (<see cref="BoardDefinitions"/>).</param>
    /// <param name="mpuPlan">The regions of the protection unit; null where there is no plan.</param>
    public static BoardTypeModel Build(
        MemoryLayout layout, string ns, string typeName, string madeFrom, BoardDefinition definition, MpuPlan? mpuPlan = null)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var board = layout.Board;
        var nameOf = PlaceNames.RelativeTo(board);
        string From(SourceSpan span) => PlaceNames.Of(span, nameOf);

        var devices = DeviceRows(board, From);
        return new BoardTypeModel
        {
            Namespace = ns,
            TypeName = typeName,
            MadeFrom = madeFrom,
            Name = board.Name,
            Definition = definition,
            Model = board.Model,
            Compatible = board.Compatible.ToEquatableArray(),
            Profile = layout.Profile,
            HasMmu = board.Policy.Mmu is not { Value: false },
            Pages = layout.Pages,
            PhysicalBits = AddressWidth.PhysicalBits(layout),
            VirtualBits = AddressWidth.VirtualBits(layout),
            PhysOffset = layout.PhysOffset,
            PageOffset = layout.PageOffset,
            LowmemLimit = layout.LowmemLimit,
            HighMemory = layout.HighMemory,
            Vmalloc = layout.Virtual.FirstOrDefault(v => v.Name == "vmalloc")?.Range ?? new VirtRange(layout.PageOffset, 0),
            Banks = layout.Banks.Select(b => new BankRow(b.Range, b.Kind, NodeOf(board, b), From(b.Span))).ToEquatableArray(),
            Holes = layout.Holes.Select(h => new HoleRow(h.Range, h.Kind, From(h.Span))).ToEquatableArray(),
            Reserved = ReservedRows(layout, From),
            Virtual = layout.Virtual.ToEquatableArray(),
            Zones = layout.Zones.ToEquatableArray(),
            Segments = layout.Linear.Segments.ToEquatableArray(),
            LinearRam = layout.Linear.Ram.ToEquatableArray(),
            Devices = devices,
            DeviceMembers = DeviceMembers(board, devices),
            Mpu = mpuPlan is not null && board.Protection is { } protection ? MpuModel.Of(mpuPlan, protection) : null,
            BootLog = BootLog(layout),
        };
    }

    // What the kernel says, in its order: complaints about the banks, what there is, and the layout block.
    private static string BootLog(MemoryLayout layout) =>
        string.Concat(layout.Messages.Select(m => m + "\n")) + LayoutTextWriter.MemoryLine(layout) + "\n" + KernelBlockWriter.Write(layout);

    // The memory node whose bank has the layout's bank in it. A bank that the layout made from several nodes, or moved, belongs to none.
    private static string NodeOf(Board board, LayoutBank bank)
    {
        foreach (var source in board.Banks)
        {
            if (source.Range.Contains(bank.Range))
                return source.NodePath;
        }
        return "";
    }

    private static EquatableArray<ReservedRow> ReservedRows(MemoryLayout layout, Func<SourceSpan, string> from)
    {
        var regions = NamedRange.Reserved(layout);
        var identifiers = CSharpName.Assign([.. regions.Select(r => r.Name)], ReservedClass);
        return layout.Reserved.Select((placed, i) => new ReservedRow(
            identifiers[i], placed.Region.Name, placed.Region.NodePath, placed.Range, placed.Region.NoMap, placed.Region.Reusable,
            from(placed.Region.Span))).ToEquatableArray();
    }

    private static EquatableArray<DeviceRow> DeviceRows(Board board, Func<SourceSpan, string> from)
    {
        var rows = new List<DeviceRow>();
        foreach (var device in board.Devices)
        {
            foreach (var range in device.Ranges)
            {
                // Cells can hold no more than 2^64-1; only a translation of the whole address space gives 2^64, and that is no device.
                var size = range.Range.Size.IsTop ? ulong.MaxValue : range.Range.Size.Value;
                rows.Add(new DeviceRow(
                    device.NodePath, range.Range.Start, size, range.Name ?? "",
                    device.Compatible.Length > 0 ? device.Compatible[0] : "", device.Enabled, from(range.Span)));
            }
        }
        return rows.ToEquatableArray();
    }

    // A device's first range has the label's name; the further ones the label's and their own (reg-names), or their number.
    private static EquatableArray<DeviceMember> DeviceMembers(Board board, EquatableArray<DeviceRow> rows)
    {
        var names = new List<string>();
        var targets = new List<int>();
        var row = 0;
        foreach (var device in board.Devices)
        {
            foreach (var label in device.Labels)
            {
                for (var i = 0; i < device.Ranges.Length; i++)
                {
                    var rangeName = rows[row + i].RangeName;
                    names.Add(i == 0 ? label : label + "_" + (rangeName.Length > 0 ? rangeName : i.ToString(CultureInfo.InvariantCulture)));
                    targets.Add(row + i);
                }
            }
            row += device.Ranges.Length;
        }
        var identifiers = CSharpName.Assign(names, DeviceClass);
        return identifiers.Select((identifier, i) => new DeviceMember(identifier, targets[i])).ToEquatableArray();
    }
}
