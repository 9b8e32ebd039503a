using System;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Layout.SixtyFour;

/// <summary>What a 64-bit linear map reaches: RAM outside [start, start + size) is dropped, and said.</summary>
internal static class LinearWindow
{
    /// <summary>Takes RAM outside the window out of <paramref name="ram"/> and returns it.</summary>
    public static Ram Apply(Ram ram, ulong start, ulong size, DiagnosticBag diagnostics)
    {
        var ignored = new Ram();
        var end = size > ulong.MaxValue - start ? ulong.MaxValue : start + size;
        foreach (var piece in ram.Pieces)
        {
            if (piece.End <= end)
                continue;
            var lost = piece with { Start = Math.Max(piece.Start, end) };
            ignored.Add(lost);
            diagnostics.Add(DiagnosticTable.Layout.RamBeyondLinearMap, piece.Span, lost.Range, new PhysAddr(start), new PhysAddr(end), new PhysAddr(lost.Size));
        }
        ram.Remove(end, ulong.MaxValue);
        return ignored;
    }
}
