using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Conformance.Boards.Subjects;
using KmemKit.Conformance.Rules;
using KmemKit.Conformance.Streams;

namespace KmemKit.Conformance.Boards.Rules;

/// <summary>What holds for the SMMUs of every board: the suite of SMMUs, put to the tables of each, read by the reference walker and by the runtime's own SMMU; and the place of the tables.</summary>
internal static class SmmuRules
{
    public static ImmutableArray<Rule<BoardSubject>> All { get; } =
    [
        .. StreamRules.All.Select(inner => new Rule<BoardSubject>(inner.Id, inner.Category, inner.Says, (board, proof) => Isolate(inner, board, proof))),
        new("smmu-tables-safe", "Smmu", "The tables of the SMMUs lie in lowmem, aligned, in memory that nobody else has, and no stream that is translated may write them.", TablesSafe),
    ];

    private static void Isolate(Rule<SmmuContext> inner, BoardSubject board, Proof proof)
    {
        if (board.Streams is not { } plan)
        {
            proof.HasNothing(NoSmmu);
            return;
        }
        var reasons = new List<string>();
        foreach (var smmu in plan.Smmus)
        {
            var map = BoardMaps.Streams(board, smmu);
            proof.Part = smmu.Smmu.Name + ", tables";
            ProofRules.Run(inner, new SmmuContext(new StreamImageSubject(smmu, plan.Base, board.StreamImage), map), proof, reasons);
            if (smmu.Smmu.Version != SmmuVersion.V3 || board.StreamImage.IsEmpty)
                continue;
            proof.Part = smmu.Smmu.Name + ", booted";
            using var booted = new BootedSmmu(smmu, plan.Base, board.StreamImage);
            ProofRules.Run(inner, new SmmuContext(booted, map), proof, reasons);
        }
        proof.Part = "";
        ProofRules.Settle(proof, reasons);
    }

    private static void TablesSafe(BoardSubject board, Proof proof)
    {
        if (board.Streams is not { Bytes: > 0 } plan)
        {
            proof.HasNothing(board.Streams is null ? NoSmmu : "All that the board's SMMUs are told is in registers.");
            return;
        }
        var range = plan.Range;
        proof.Expect(range.Start.IsAligned(plan.Alignment), range.Start.Value, $"the tables aligned to 0x{plan.Alignment:x}", $"{range}");
        proof.Expect(board.Layout.Banks.Any(b => b.Range.Contains(range)), range.Start.Value, "the tables in RAM", $"{range}");
        proof.Expect((ulong)board.StreamImage.Length == plan.Bytes, null, $"0x{plan.Bytes:x} bytes", $"0x{board.StreamImage.Length:x}");
        foreach (var reserved in board.Layout.Reserved)
            proof.Expect(!reserved.Range.Overlaps(range), range.Start.Value, $"the tables beside {reserved.Region.Name} {reserved.Range}", $"{range}", BoardSubject.PlaceOf(reserved.Region.Span));
        if (board.Tables is { } tables)
            proof.Expect(!tables.Range.Overlaps(range), range.Start.Value, $"the tables beside the kernel's page tables {tables.Range}", $"{range}");
        foreach (var smmu in plan.Smmus)
        {
            foreach (var request in smmu.Requests)
            {
                foreach (var grant in request.Grants.Where(g => (g.Access & AccessRights.Write) != 0))
                {
                    proof.Expect(!grant.Phys.Overlaps(range), grant.Phys.Start.Value, $"{request.Master.Name} of {smmu.Smmu.Name} not to write the tables at {range}", $"{grant.Name} {grant.Phys}",
                        BoardSubject.PlaceOf(grant.Span));
                }
            }
        }
    }

    private const string NoSmmu = "The board has no SMMU that is planned.";
}
