using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>A board as the generator would write it, by hand: two CPUs and 128 MiB.</summary>
internal readonly struct TypedBoard : IMmuBoard<TypedBoard>
{
    private static readonly MemoryLayout s_layout = BoardDefinitions.Compile(Definition).Layout!;
    private static readonly string[] s_compatible = ["test,typed"];

    public static BoardDefinition Definition => new("typed", """
        /dts-v1/;
        / {
            compatible = "test,typed";
            #address-cells = <1>;
            #size-cells = <1>;
            cpus {
                #address-cells = <1>;
                #size-cells = <0>;
                cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a7"; reg = <0>; };
                cpu@1 { device_type = "cpu"; compatible = "arm,cortex-a7"; reg = <1>; };
            };
            memory@80000000 { device_type = "memory"; reg = <0x80000000 0x8000000>; };
        };

        """, "CONFIG_ARM=y\nCONFIG_LINUX_VERSION=\"4.4\"\n", null);

    public static string Name => s_layout.Board.Name;

    public static string Model => s_layout.Board.Model;

    public static ReadOnlySpan<string> Compatible => s_compatible;

    public static string Profile => s_layout.Profile;

    public static PageGeometry Pages => s_layout.Pages;

    public static PhysAddr PhysOffset => s_layout.PhysOffset;

    public static VirtAddr PageOffset => s_layout.PageOffset;

    public static AddressLimit LowmemLimit => s_layout.LowmemLimit;

    public static AddressLimit HighMemory => s_layout.HighMemory;

    public static ReadOnlySpan<BoardBank> Banks => s_layout.Banks.Select(b => new BoardBank(b.Range, b.Kind == BankKind.Highmem)).ToArray();

    public static ReadOnlySpan<BoardHole> Holes => [];

    public static ReadOnlySpan<BoardReservation> Reserved => [];

    public static ReadOnlySpan<BoardVirtualRange> VirtualRanges => s_layout.Virtual.Select(v => new BoardVirtualRange(v.Name, v.Range)).ToArray();

    public static ReadOnlySpan<BoardZone> Zones => s_layout.Zones.Select(z => new BoardZone(z.Name, z.Node, z.Start, z.Spanned, z.Present)).ToArray();

    public static ReadOnlySpan<BoardSegment> Segments => s_layout.Linear.Segments.Select(s => new BoardSegment(s.Phys, s.Virt, s.Size)).ToArray();

    public static string BootLog => "";

    public static VirtAddr VmallocStart => s_layout.Virtual.Single(v => v.Name == "vmalloc").Range.Start;

    public static AddressLimit VmallocEnd => s_layout.Virtual.Single(v => v.Name == "vmalloc").Range.End;

    public static VirtAddr PhysToVirt(PhysAddr address) => TryPhysToVirt(address, out var result) ? result : default;

    public static PhysAddr VirtToPhys(VirtAddr address) => TryVirtToPhys(address, out var result) ? result : default;

    public static bool TryPhysToVirt(PhysAddr address, out VirtAddr result) => s_layout.Linear.PhysToVirt(address, out result) == TranslationStatus.Ok;

    public static bool TryVirtToPhys(VirtAddr address, out PhysAddr result) => s_layout.Linear.VirtToPhys(address, out result) == TranslationStatus.Ok;
}
