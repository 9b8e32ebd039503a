using System;
using System.Globalization;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Steps that every architecture takes with a board's banks before it decides anything.</summary>
internal static class BankCollection
{
    /// <summary>The lowest address of RAM as the board (or, without banks, <c>mem=</c>) gives it; 0 where there is none.</summary>
    public static ulong FirstByte(Board board)
    {
        ulong? first = null;
        foreach (var bank in board.Banks)
            first = Math.Min(first ?? ulong.MaxValue, bank.Range.Start.Value);
        if (first is null)
        {
            foreach (var (argument, _) in board.Policy.Bootargs.Mem)
            {
                if (argument.Start is { } start)
                    first = Math.Min(first ?? ulong.MaxValue, start);
            }
        }
        return first ?? 0;
    }

    /// <summary>
    /// The banks of an architecture whose physical addresses have <paramref name="bits"/> bits; a bank that reaches beyond is an error.
    /// <c>mem=N</c> limits the end of RAM (x86) or its amount (arm64, <paramref name="memIsAmount"/>), <c>mem=N@S</c> means nothing there.
    /// </summary>
    public static Ram Collect(Board board, int bits, bool memIsAmount, DiagnosticBag diagnostics)
    {
        var ram = Banks(board, bits, diagnostics);
        LimitByMem(board, ram, memIsAmount, diagnostics);
        return ram;
    }

    /// <summary>The banks by rising address, without regard to <c>mem=</c>.</summary>
    public static Ram Banks(Board board, int bits, DiagnosticBag diagnostics)
    {
        var ram = new Ram();
        foreach (var bank in board.Banks)
        {
            if (bank.Range.End > (bits == 64 ? AddressLimit.Top : new AddressLimit(1UL << bits)) || bank.Range.End.IsTop)
                diagnostics.Add(DiagnosticTable.Layout.BankBeyondPhysicalWidth, bank.Span, bank.Range, bits, board.Name);
            else
                ram.Add(new RamPiece(bank.Range.Start.Value, bank.Range.End.Value, bank.Span, bank.NumaNode));
        }
        ram.Sort();
        return ram;
    }

    /// <summary>What <c>mem=</c> leaves, as <see cref="Collect"/> says.</summary>
    public static void LimitByMem(Board board, Ram ram, bool memIsAmount, DiagnosticBag diagnostics)
    {
        foreach (var (argument, span) in board.Policy.Bootargs.Mem)
        {
            if (argument.Start is not null)
            {
                diagnostics.Add(DiagnosticTable.Layout.ParameterWithoutEffect, span, "mem=SIZE@START", "only 32-bit Arm kernels take a start");
                continue;
            }
            var end = memIsAmount ? EndOfFirst(ram, argument.Size) : argument.Size;
            var lost = ram.Remove(end, ulong.MaxValue);
            if (lost != 0)
            {
                diagnostics.Add(DiagnosticTable.Layout.MemParameterApplied, span, $"ends memory at {new PhysAddr(end)}",
                    "0x" + lost.ToString("x", CultureInfo.InvariantCulture));
            }
        }
    }

    /// <summary>
    /// Drops what lies beyond a linear map of <paramref name="size"/> bytes from <paramref name="start"/>, which is not above the lowest bank, with a finding each.
    /// </summary>
    /// <returns>What was dropped.</returns>
    public static Ram DropBeyondLinearMap(Ram ram, ulong start, ulong size, DiagnosticBag diagnostics)
    {
        var end = size > ulong.MaxValue - start ? ulong.MaxValue : start + size;
        var ignored = new Ram();
        ram.MoveFrom(end, ignored);
        foreach (var lost in ignored.Pieces)
        {
            diagnostics.Add(DiagnosticTable.Layout.RamBeyondLinearMap, lost.Span,
                lost.Range, new PhysAddr(start), new PhysAddr(end), new PhysAddr(lost.Size));
        }
        return ignored;
    }

    /// <summary>Takes the holes that exist before the kernel decides about lowmem (<c>qcom,memblock-remove</c>) out of <paramref name="ram"/>.</summary>
    public static void TakeHoles(Board board, Ram ram, DiagnosticBag diagnostics)
    {
        foreach (var hole in board.Holes)
        {
            var end = hole.Range.End.IsTop ? ulong.MaxValue : hole.Range.End.Value;
            if (ram.Remove(hole.Range.Start.Value, end) == 0)
                diagnostics.Add(DiagnosticTable.Layout.HoleOutsideMemory, hole.Span, hole.Range, hole.NodePath);
        }
    }

    /// <summary>False, with a diagnostic, where nothing is left.</summary>
    public static bool CheckAny(Board board, Ram ram, DiagnosticBag diagnostics)
    {
        if (!ram.IsEmpty)
            return true;
        var reason = board.Banks.IsDefaultOrEmpty ? "" : ": its banks are empty, ignored, or removed by mem= or a hole";
        diagnostics.Add(DiagnosticTable.Layout.LayoutWithoutMemory, board.Tree.Root.Span, board.Name, reason);
        return false;
    }

    private static ulong EndOfFirst(Ram ram, ulong amount)
    {
        foreach (var piece in ram.Pieces)
        {
            if (amount <= piece.Size)
                return piece.Start + amount;
            amount -= piece.Size;
        }
        return ulong.MaxValue;
    }
}
