using System;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.RiscV;

/// <summary>A paging mode of RISC-V, by the bits of its virtual addresses.</summary>
/// <remarks>Source: The RISC-V Instruction Set Manual, volume II, 4.3 (Sv32) to 4.6 (Sv57).</remarks>
/// <param name="Bits">32, 39, 48 or 57.</param>
internal readonly record struct PagingMode(int Bits)
{
    public static readonly PagingMode Sv32 = new(32);
    public static readonly PagingMode Sv39 = new(39);
    public static readonly PagingMode Sv48 = new(48);
    public static readonly PagingMode Sv57 = new(57);

    /// <summary><c>sv39</c>, as formats of tables are named.</summary>
    public string Name => FormattableString.Invariant($"sv{Bits}");

    /// <summary><c>riscv,sv39</c>, as <c>mmu-type</c> says it.</summary>
    public string MmuType => "riscv," + Name;

    /// <summary>Levels of tables.</summary>
    public int Levels => Bits == 32 ? 2 : (Bits - 12) / 9;

    /// <summary>PGDIR_SIZE: bytes that an entry of the root table spans.</summary>
    public ulong RootEntryBytes => 1UL << (Bits == 32 ? 22 : Bits - 9);

    /// <summary>PMD_SIZE: bytes of the smallest superpage, which the kernel image is aligned to.</summary>
    public ulong SuperpageBytes => 1UL << (Bits == 32 ? 22 : 21);

    /// <summary>Where the kernel's half begins; with Sv32, which has no halves, 0.</summary>
    public ulong KernelHalf => Bits == 32 ? 0 : unchecked(0 - (1UL << (Bits - 1)));

    /// <summary>The mode of a 64-bit layout, by how far below the top its linear map begins.</summary>
    public static PagingMode Of(MemoryLayout layout)
    {
        if (layout.Board.Architecture == TargetArchitecture.RiscV32)
            return Sv32;
        var start = layout.PageOffset.Value;
        return start >= Sv39.KernelHalf ? Sv39 : start >= Sv48.KernelHalf ? Sv48 : Sv57;
    }
}
