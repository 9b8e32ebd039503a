using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Boards.Rules;

/// <summary>What holds for the generated type of every board: it says what the board says.</summary>
internal static class TypeRules
{
    private const string Kind = "Type";

    public static ImmutableArray<Rule<BoardSubject>> All { get; } =
    [
        new("type-is-the-board", Kind, "Every table and constant of the generated type is that of the board.", IsTheBoard),
        new("type-unchecked-agrees", Kind, "For all RAM of the linear map the unchecked translations of the generated type say what the checked ones say.", UncheckedAgrees),
    ];

    private static void IsTheBoard(BoardSubject board, Proof proof)
    {
        if (board.Type is not { } type)
        {
            proof.HasNothing("The board has no generated type here.");
            return;
        }
        var layout = board.Layout;
        proof.Expect(type.Name == board.Name, null, $"the name {board.Name}", type.Name);
        Same(proof, "bank", layout.Banks.Select(b => (new BoardBank(b.Range, b.Kind == BankKind.Highmem), BoardSubject.PlaceOf(b.Span))), type.Banks);
        Same(proof, "hole", layout.Holes.Select(h => (new BoardHole(h.Range, Enum.Parse<BoardHoleKind>(h.Kind.ToString())), BoardSubject.PlaceOf(h.Span))), type.Holes);
        Same(proof, "reserved region", layout.Reserved.Select(r => (new BoardReservation(r.Region.Name, r.Region.NodePath, r.Range, r.Region.NoMap, r.Region.Reusable), BoardSubject.PlaceOf(r.Region.Span))), type.Reserved);
        Same(proof, "virtual range", layout.Virtual.Select(v => (new BoardVirtualRange(v.Name, v.Range), "")), type.VirtualRanges);
        Same(proof, "zone", layout.Zones.Select(z => (new BoardZone(z.Name, z.Node, z.Start, z.Spanned, z.Present), "")), type.Zones);
        Same(proof, "segment", layout.Linear.Segments.Select(s => (new BoardSegment(s.Phys, s.Virt, s.Size), "")), type.Segments);
        Same(proof, "constant", TypedBoard.ConstantsOf(layout.PhysOffset, layout.PageOffset, layout.LowmemLimit, layout.HighMemory, layout.Pages).Select(c => (c, "")), type.Constants);
    }

    private static void Same<T>(Proof proof, string what, IEnumerable<(T Value, string Place)> expected, ImmutableArray<T> found) where T : struct
    {
        var wanted = expected.ToList();
        proof.Expect(wanted.Count == found.Length, null, $"{wanted.Count} of {what}", $"{found.Length}");
        for (var i = 0; i < Math.Min(wanted.Count, found.Length); i++)
            proof.Expect(EqualityComparer<T>.Default.Equals(wanted[i].Value, found[i]), null, $"{what} {i} as {wanted[i].Value}", $"{found[i]}", wanted[i].Place);
    }

    private static void UncheckedAgrees(BoardSubject board, Proof proof)
    {
        if (board.Type is not { } type)
        {
            proof.HasNothing("The board has no generated type here.");
            return;
        }
        var random = proof.NewRandom();
        foreach (var ram in board.Map.Ram)
        {
            var size = ram.LastPhys - ram.Phys.Start.Value + 1;
            foreach (var offset in Enumerable.Range(0, proof.Budget.Samples).Select(_ => unchecked((ulong)random.NextInt64()) % size).Append(size - 1).Append(0UL))
            {
                var (phys, virt) = (ram.Phys.Start.Value + offset, ram.Virt.Value + offset);
                proof.Expect(type.Unchecked(phys) == virt, phys, $"PhysToVirt to say 0x{virt:x}", $"0x{type.Unchecked(phys):x}", ram.Place);
                proof.Expect(type.UncheckedBack(virt) == phys, virt, $"VirtToPhys to say 0x{phys:x}", $"0x{type.UncheckedBack(virt):x}", ram.Place);
                if (proof.IsFull)
                    return;
            }
        }
        if (board.Map.Ram.IsEmpty)
            proof.HasNothing("No RAM is mapped.");
    }
}
