using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Tests.Writers;

/// <summary>Layouts put together by hand, so that writers are tested without the planner.</summary>
internal static class SampleLayout
{
    public static readonly SourceFile Source = new("b/board.dts", "/dts-v1/;\n/ {\n\tmemory@0 { };\n};\n");

    public static Board Board(string name = "board", TargetArchitecture architecture = TargetArchitecture.Arm, ReclaimStrategy? reclaim = null)
    {
        var root = new DeviceTreeNode("", new SourceSpan(Source, 10, 1));
        return new Board
        {
            Name = name,
            Model = "Test board",
            Architecture = architecture,
            Tree = new DeviceTree(Source, root, [], 0),
            Policy = new Policy { Reclaim = reclaim is { } strategy ? new Setting<ReclaimStrategy>(strategy, default) : null },
        };
    }

    public static MemoryLayout With(Board board, params VirtualRange[] virtualRanges) => new()
    {
        Board = board,
        Profile = "linux-arm-3.4",
        Linear = LinearMap.Empty,
        Model = new MemoryModel(MemoryModelKind.Flat, 0, [], 0),
        Virtual = [.. virtualRanges],
    };

    public static SourceSpan Line(int line) => new(Source, Source.Text.Split('\n').Take(line - 1).Sum(l => l.Length + 1), 1);

    public static PhysRange Phys(ulong start, ulong end) => PhysRange.FromBounds(new PhysAddr(start), end);

    public static VirtRange Virt(ulong start, ulong end) => VirtRange.FromBounds(new VirtAddr(start), end);

    /// <summary>
    /// Lowmem 0-0x5b00000 and 0x5d00000-0x10000000 with a gap, highmem from 0x20000000 to 0x30000000, a no-map region at 0x10000000, PAGE_OFFSET 0xc0000000.
    /// </summary>
    public static MemoryLayout Full(Board? board = null)
    {
        var carveout = new ReservedRegion("modem", Phys(0x1000_0000, 0x1100_0000), Line(3)) { NoMap = true, NodePath = "/reserved-memory/modem" };
        var ramoops = new ReservedRegion("ramoops", Phys(0x600_0000, 0x610_0000), Line(3)) { NodePath = "/reserved-memory/ramoops" };
        var uart = new BoardDevice("/soc/serial@f991e000", [new DeviceRange(null, Phys(0xf991_e000, 0xf991_f000), Line(3))], Line(3)) { Labels = ["uart2"] };
        var bus = new BoardDevice("/soc", [new DeviceRange("window", Phys(0xf900_0000, 0xfa00_0000), Line(3))], Line(3));
        var ram = ImmutableArray.Create(Phys(0, 0x5b0_0000), Phys(0x5d0_0000, 0x1000_0000));
        return With(
            (board ?? Board()) with { Devices = [bus, uart] },
            new VirtualRange("vector", Virt(0xffff_0000, 0xffff_1000), SizeUnit.KB),
            new VirtualRange("fixmap", Virt(0xfff0_0000, 0xfffe_0000), SizeUnit.KB),
            new VirtualRange("vmalloc", Virt(0xd080_0000, 0xff00_0000), SizeUnit.MB),
            new VirtualRange("lowmem", Virt(0xc000_0000, 0xd000_0000), SizeUnit.MB),
            new VirtualRange("pkmap", Virt(0xbfe0_0000, 0xc000_0000), SizeUnit.MB),
            new VirtualRange("modules", Virt(0xbf00_0000, 0xbfe0_0000), SizeUnit.MB),
            new VirtualRange(".text", Virt(0xc000_8000, 0xc020_0001), SizeUnit.KBRoundedUp)) with
        {
            PageOffset = new VirtAddr(0xc000_0000),
            HighMemory = 0xd000_0000,
            LowmemLimit = 0x1000_0000,
            VmallocMin = new VirtAddr(0xd000_0000),
            Banks =
            [
                new LayoutBank(ram[0], BankKind.Lowmem, Line(3)), new LayoutBank(ram[1], BankKind.Lowmem, Line(3)),
                new LayoutBank(Phys(0x2000_0000, 0x3000_0000), BankKind.Highmem, Line(3)),
            ],
            Holes =
            [
                new PhysicalHole(Phys(0x5b0_0000, 0x5d0_0000), HoleKind.Gap, default),
                new PhysicalHole(Phys(0x1000_0000, 0x1100_0000), HoleKind.NoMap, Line(3)),
                new PhysicalHole(Phys(0x1100_0000, 0x2000_0000), HoleKind.Gap, default),
            ],
            Reserved = [new PlacedRegion(ramoops, Phys(0x600_0000, 0x610_0000)), new PlacedRegion(carveout, Phys(0x1000_0000, 0x1100_0000))],
            Linear = new LinearMap([new LinearSegment(new PhysAddr(0), new VirtAddr(0xc000_0000), 0x1000_0000)], ram),
            Zones = [new Zone("Normal", 0, new PageFrame(0), 0x10000, 0xfe00), new Zone("HighMem", 0, new PageFrame(0x10000), 0x20000, 0x10000)],
            LowPages = 0xfe00,
            HighPages = 0x10000,
            Messages = ["Truncating RAM at 0 to 1"],
        };
    }

    /// <summary>Each boundary of each range of the layout, and the addresses right below and behind.</summary>
    public static IEnumerable<ulong> Borders(MemoryLayout layout)
    {
        var borders = new SortedSet<ulong> { 0, uint.MaxValue, 1UL << 32, ulong.MaxValue };
        foreach (var range in layout.Banks.Select(b => b.Range).Concat(layout.Holes.Select(h => h.Range)).Concat(layout.Reserved.Select(r => r.Range)))
            Add(range.Start.Value, range.End);
        foreach (var range in layout.Virtual.Select(v => v.Range).Concat(layout.Linear.Segments.Select(s => s.VirtRange)))
            Add(range.Start.Value, range.End);
        foreach (var device in layout.Board.Devices.SelectMany(d => d.Ranges))
            Add(device.Range.Start.Value, device.Range.End);
        return borders;

        void Add(ulong start, AddressLimit end)
        {
            borders.Add(start);
            borders.Add(unchecked(start - 1));
            if (end != 0)
                borders.Add(end.Last);
            if (!end.IsTop)
                borders.Add(end.Value);
        }
    }
}
