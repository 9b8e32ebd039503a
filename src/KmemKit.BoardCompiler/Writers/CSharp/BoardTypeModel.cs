using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.BoardCompiler.Writers.CSharp;

/// <summary>
/// What the C# type of a board says, every name decided: a value without tree, files or spans, equal to another exactly if the generated code is the same.
/// </summary>
/// <remarks>Places in the source are kept as text (<c>msm8974.dts:12</c>, relative to the board's folder), because that is all the code shows of them.</remarks>
public sealed record BoardTypeModel
{
    /// <summary>Namespace of the type.</summary>
    public required string Namespace { get; init; }

    /// <summary>Name of the type, an identifier.</summary>
    public required string TypeName { get; init; }

    /// <summary>What the board is made from, for the head of each file: <c>msm8974.dts, msm8974_defconfig</c>.</summary>
    public required string MadeFrom { get; init; }

    /// <summary>The board's name.</summary>
    public required string Name { get; init; }

    /// <summary>What it can be compiled from again.</summary>
    public required BoardDefinition Definition { get; init; }

    /// <summary><c>model</c> of the root.</summary>
    public required string Model { get; init; }

    /// <summary><c>compatible</c> of the root.</summary>
    public EquatableArray<string> Compatible { get; init; }

    /// <summary>Which layout rules apply.</summary>
    public required string Profile { get; init; }

    /// <summary>Whether the kernel runs with an MMU (<c>IMmuBoard</c>) or without (<c>IMpuBoard</c>, with a protection plan <c>IProtectedBoard</c>).</summary>
    public bool HasMmu { get; init; }

    /// <summary>Page size.</summary>
    public PageGeometry Pages { get; init; }

    /// <summary>Width of the kernel's <c>phys_addr_t</c>: 32 or 64.</summary>
    public int PhysicalBits { get; init; }

    /// <summary>Width of a virtual address: 32 or 64.</summary>
    public int VirtualBits { get; init; }

    /// <summary>PHYS_OFFSET.</summary>
    public PhysAddr PhysOffset { get; init; }

    /// <summary>PAGE_OFFSET.</summary>
    public VirtAddr PageOffset { get; init; }

    /// <summary>Physical end of lowmem.</summary>
    public AddressLimit LowmemLimit { get; init; }

    /// <summary>Virtual end of lowmem.</summary>
    public AddressLimit HighMemory { get; init; }

    /// <summary>The vmalloc range; empty where the layout has none.</summary>
    public VirtRange Vmalloc { get; init; }

    /// <summary>Usable RAM.</summary>
    public EquatableArray<BankRow> Banks { get; init; }

    /// <summary>Holes.</summary>
    public EquatableArray<HoleRow> Holes { get; init; }

    /// <summary>Reserved memory.</summary>
    public EquatableArray<ReservedRow> Reserved { get; init; }

    /// <summary>Virtual ranges.</summary>
    public EquatableArray<VirtualRange> Virtual { get; init; }

    /// <summary>Zones.</summary>
    public EquatableArray<Zone> Zones { get; init; }

    /// <summary>Segments of the linear map.</summary>
    public EquatableArray<LinearSegment> Segments { get; init; }

    /// <summary>RAM that the linear map reaches.</summary>
    public EquatableArray<PhysRange> LinearRam { get; init; }

    /// <summary>Every address range of every device, in the order of the tree.</summary>
    public EquatableArray<DeviceRow> Devices { get; init; }

    /// <summary>Identifiers of device ranges: one per label and range.</summary>
    public EquatableArray<DeviceMember> DeviceMembers { get; init; }

    /// <summary>The protection plan; null where the board has no policy, or an MMU.</summary>
    public MpuModel? Mpu { get; init; }

    /// <summary>The boot log about memory.</summary>
    public required string BootLog { get; init; }
}

/// <summary>A row of the banks.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="Kind">Lowmem or highmem.</param>
/// <param name="NodePath">The memory node; empty where no single node gives it.</param>
/// <param name="From"><c>file:line</c>; empty where no file says it.</param>
public sealed record BankRow(PhysRange Range, BankKind Kind, string NodePath, string From);

/// <summary>A row of the holes.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="Kind">Why.</param>
/// <param name="From"><c>file:line</c>; empty for a plain gap.</param>
public sealed record HoleRow(PhysRange Range, HoleKind Kind, string From);

/// <summary>A reserved region.</summary>
/// <param name="Identifier">Its member's name.</param>
/// <param name="Name">Node name without unit address.</param>
/// <param name="NodePath">Path of the node; empty for <c>/memreserve/</c>.</param>
/// <param name="Range">Physical addresses.</param>
/// <param name="NoMap"><c>no-map</c>.</param>
/// <param name="Reusable"><c>reusable</c>.</param>
/// <param name="From"><c>file:line</c>.</param>
public sealed record ReservedRow(string Identifier, string Name, string NodePath, PhysRange Range, bool NoMap, bool Reusable, string From);

/// <summary>An address range of a device.</summary>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Base">First physical address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="RangeName"><c>reg-names</c> entry; empty where there is none.</param>
/// <param name="Compatible">The most specific <c>compatible</c>; empty where there is none.</param>
/// <param name="Enabled">Whether the tree leaves it enabled.</param>
/// <param name="From"><c>file:line</c>.</param>
public sealed record DeviceRow(
    string NodePath, PhysAddr Base, ulong Size, string RangeName, string Compatible, bool Enabled, string From);

/// <summary>The member that names a device's range.</summary>
/// <param name="Identifier">Its name.</param>
/// <param name="Row">Index of the range in <see cref="BoardTypeModel.Devices"/>.</param>
public readonly record struct DeviceMember(string Identifier, int Row);
