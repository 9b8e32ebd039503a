using System.Collections.Generic;
using System.Globalization;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout.Arm;

/// <summary>
/// How a 32-bit Arm kernel takes the firmware's memory in: whole pages, nothing beyond what phys_addr_t can say, <c>mem=</c> in place of it all.
/// </summary>
/// <remarks>Source: arch/arm/kernel/setup.c, arm_add_memory and early_mem.</remarks>
internal static class ArmBanks
{
    private const ulong PageSize = 4096;
    private const ulong FourGiB = 1UL << 32;
    private const ulong LpaeEnd = 1UL << 40;

    public static Ram Collect(Board board, ArmRules rules, ulong physOffset, bool lpae, DiagnosticBag diagnostics, List<string> messages)
    {
        var ram = new Ram();
        var adder = new Adder(ram, rules, physOffset, lpae, diagnostics, messages, board);
        if (board.Policy.Bootargs.Mem.IsDefaultOrEmpty)
        {
            foreach (var bank in board.Banks)
                adder.Add(bank.Range.Start.Value, bank.Range.End, bank.Span, bank.NumaNode);
            return ram;
        }
        // The first mem= discards the firmware's map; each one adds a bank. mem=N alone starts at PHYS_OFFSET.
        foreach (var (argument, span) in board.Policy.Bootargs.Mem)
        {
            var start = argument.Start ?? physOffset;
            var end = argument.Size > ulong.MaxValue - start ? AddressLimit.Top : new AddressLimit(start + argument.Size);
            adder.Add(start, end, span, 0);
        }
        ReportLost(board, ram, diagnostics);
        return ram;
    }

    private static void ReportLost(Board board, Ram ram, DiagnosticBag diagnostics)
    {
        var rest = new Ram();
        foreach (var bank in board.Banks)
            rest.Add(new RamPiece(bank.Range.Start.Value, bank.Range.End.IsTop ? ulong.MaxValue : bank.Range.End.Value, bank.Span, 0));
        foreach (var piece in ram.Pieces)
            rest.Remove(piece.Start, piece.End);
        if (!rest.IsEmpty)
        {
            diagnostics.Add(DiagnosticTable.Layout.MemParameterApplied, board.Policy.Bootargs.Mem[0].Span,
                "replaces the firmware's map", "0x" + rest.TotalSize.ToString("x", CultureInfo.InvariantCulture));
        }
    }

    private sealed class Adder(
        Ram ram, ArmRules rules, ulong physOffset, bool lpae, DiagnosticBag diagnostics, List<string> messages, Board board)
    {
        public void Add(ulong start, AddressLimit limit, SourceSpan span, int node)
        {
            var bank = PhysRange.FromBounds(new PhysAddr(start), limit);
            ulong end;
            if (lpae)
            {
                if (limit > LpaeEnd)
                {
                    diagnostics.Add(DiagnosticTable.Layout.BankBeyondPhysicalWidth, span, bank, 40, board.Name);
                    return;
                }
                end = limit.Value;
            }
            else if (start > uint.MaxValue)
            {
                messages.Add($"Ignoring memory at {Hex(start)} outside 32-bit physical address space");
                diagnostics.Add(DiagnosticTable.Layout.BankOutside32Bits, span, Hex(start), bank, bank.Size);
                return;
            }
            else if (limit >= FourGiB)
            {
                // ULONG_MAX, not 4 GiB, is the end that fits into 32 bits; the page mask then takes the whole last page.
                end = FourGiB - PageSize;
                messages.Add($"Truncating memory at {Hex(start)} to fit in 32-bit physical address space");
                diagnostics.Add(DiagnosticTable.Layout.BankTruncatedTo32Bits, span,
                    Hex(start), bank, PhysRange.FromBounds(bank.Start, end), limit.SizeFrom(end));
            }
            else
            {
                end = limit.Value;
            }

            var (first, last) = Ram.WholePages(start, end, PageGeometry.FourKiB, span, diagnostics);
            if (rules.DropsBelowPhysOffset && first < physOffset)
            {
                var below = last < physOffset ? last : physOffset;
                var text = $"Ignoring memory below PHYS_OFFSET: {Hex(first)}-{Hex(below)}";
                messages.Add(text);
                diagnostics.Add(DiagnosticTable.Layout.BankBelowPhysOffset, span, Hex(first), Hex(below), bank, new PhysAddr(physOffset));
                first = below;
            }
            ram.Add(new RamPiece(first, last, span, node));
        }

        private static string Hex(ulong value) => "0x" + value.ToString("x8", CultureInfo.InvariantCulture);
    }
}
