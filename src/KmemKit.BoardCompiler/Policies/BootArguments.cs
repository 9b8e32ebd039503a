using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>One <c>mem=</c> or <c>memmap=</c>-like pair: <c>SIZE[@START]</c>.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Start">Where; null where the parameter has no <c>@</c>.</param>
public readonly record struct MemoryArgument(ulong Size, ulong? Start);

/// <summary>An amount that is written in bytes or as a percentage of memory (<c>kernelcore=30%</c>).</summary>
/// <param name="Bytes">The amount in bytes; null where it is a percentage.</param>
/// <param name="Percent">The amount in percent; null where it is in bytes.</param>
/// <param name="Mirror"><c>kernelcore=mirror</c>.</param>
public readonly record struct MemoryAmount(ulong? Bytes, int? Percent, bool Mirror = false);

/// <summary>A <c>cma=SIZE[@START[-END]]</c> request.</summary>
/// <param name="Size">Bytes; 0 turns the default area off.</param>
/// <param name="Start">First allowed address; null where not given.</param>
/// <param name="End">Allowed up to, and without, this address; null where not given.</param>
public readonly record struct CmaArgument(ulong Size, ulong? Start, ulong? End);

/// <summary>The kernel parameters that shape memory (Documentation/admin-guide/kernel-parameters.txt), from <c>/chosen/bootargs</c> and overrides.</summary>
public sealed record BootArguments
{
    /// <summary>The whole command line as given; empty where there is none.</summary>
    public string Text { get; init; } = "";

    /// <summary><c>mem=</c>, every one in order: on ARM the first discards the firmware's map.</summary>
    public ImmutableArray<Setting<MemoryArgument>> Mem { get; init; } = ImmutableArray<Setting<MemoryArgument>>.Empty;

    /// <summary><c>vmalloc=</c> in bytes.</summary>
    public Setting<ulong>? Vmalloc { get; init; }

    /// <summary><c>highmem=</c> in bytes (x86-32: exactly this much highmem).</summary>
    public Setting<ulong>? Highmem { get; init; }

    /// <summary><c>nohighmem</c>.</summary>
    public Setting<bool>? NoHighmem { get; init; }

    /// <summary><c>cma=</c>.</summary>
    public Setting<CmaArgument>? Cma { get; init; }

    /// <summary><c>kernelcore=</c>: memory that stays unmovable.</summary>
    public Setting<MemoryAmount>? Kernelcore { get; init; }

    /// <summary><c>movablecore=</c>: memory for ZONE_MOVABLE.</summary>
    public Setting<MemoryAmount>? Movablecore { get; init; }

    /// <summary><c>no4lvl</c> (RISC-V): neither four nor five levels of page tables.</summary>
    public Setting<bool>? NoFourLevel { get; init; }

    /// <summary><c>no5lvl</c> (RISC-V, x86-64): no five levels of page tables.</summary>
    public Setting<bool>? NoFiveLevel { get; init; }

    /// <summary><c>slub_debug=</c>.</summary>
    public Setting<SlubDebugOptions>? SlubDebug { get; init; }
}
