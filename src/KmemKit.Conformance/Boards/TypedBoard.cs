using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.Conformance.Translations;

namespace KmemKit.Conformance.Boards;

/// <summary>What a board's generated type says, as a value that rules can hold against the board it was made from.</summary>
public sealed record TypedBoard : ITranslationSubject
{
    /// <summary>The board's name.</summary>
    public required string Name { get; init; }

    /// <summary>Usable RAM.</summary>
    public required ImmutableArray<BoardBank> Banks { get; init; }

    /// <summary>What is not usable RAM.</summary>
    public required ImmutableArray<BoardHole> Holes { get; init; }

    /// <summary>Reserved memory.</summary>
    public required ImmutableArray<BoardReservation> Reserved { get; init; }

    /// <summary>Virtual ranges.</summary>
    public required ImmutableArray<BoardVirtualRange> VirtualRanges { get; init; }

    /// <summary>Zones.</summary>
    public required ImmutableArray<BoardZone> Zones { get; init; }

    /// <summary>Segments of the linear map.</summary>
    public required ImmutableArray<BoardSegment> Segments { get; init; }

    /// <summary>The boot log.</summary>
    public required string BootLog { get; init; }

    /// <summary>PHYS_OFFSET, PAGE_OFFSET, the two ends of lowmem, page size, in this order.</summary>
    public required ImmutableArray<ulong> Constants { get; init; }

    /// <summary>The unchecked translation.</summary>
    public required Func<ulong, ulong> Unchecked { get; init; }

    /// <summary>The unchecked translation back.</summary>
    public required Func<ulong, ulong> UncheckedBack { get; init; }

    /// <summary>The checked translation.</summary>
    public required Func<ulong, ulong?> TryPhysToVirt { get; init; }

    /// <summary>The checked translation back.</summary>
    public required Func<ulong, ulong?> TryVirtToPhys { get; init; }

    bool ITranslationSubject.HasPhysToVirt => true;

    bool ITranslationSubject.Refuses => true;

    /// <inheritdoc/>
    public ulong? PhysToVirt(ulong address) => TryPhysToVirt(address);

    /// <inheritdoc/>
    public ulong? VirtToPhys(ulong address) => TryVirtToPhys(address);

    /// <summary>What a board's type says.</summary>
    /// <typeparam name="TBoard">The type.</typeparam>
    public static TypedBoard Of<TBoard>() where TBoard : struct, IBoard<TBoard> => new()
    {
        Name = TBoard.Name,
        Banks = [.. TBoard.Banks],
        Holes = [.. TBoard.Holes],
        Reserved = [.. TBoard.Reserved],
        VirtualRanges = [.. TBoard.VirtualRanges],
        Zones = [.. TBoard.Zones],
        Segments = [.. TBoard.Segments],
        BootLog = TBoard.BootLog,
        Constants = ConstantsOf(TBoard.PhysOffset, TBoard.PageOffset, TBoard.LowmemLimit, TBoard.HighMemory, TBoard.Pages),
        Unchecked = static address => TBoard.PhysToVirt(new PhysAddr(address)).Value,
        UncheckedBack = static address => TBoard.VirtToPhys(new VirtAddr(address)).Value,
        TryPhysToVirt = static address => TBoard.TryPhysToVirt(new PhysAddr(address), out var result) ? result.Value : null,
        TryVirtToPhys = static address => TBoard.TryVirtToPhys(new VirtAddr(address), out var result) ? result.Value : null,
    };

    internal static ImmutableArray<ulong> ConstantsOf(PhysAddr physOffset, VirtAddr pageOffset, AddressLimit lowmemLimit, AddressLimit highMemory, PageGeometry pages) =>
        [physOffset.Value, pageOffset.Value, lowmemLimit.Wrapped, highMemory.Wrapped, pages.PageSize];
}
