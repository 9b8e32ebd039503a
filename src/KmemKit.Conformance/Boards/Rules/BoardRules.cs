using System.Collections.Immutable;
using System.Linq;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Boards.Rules;

/// <summary>Everything that holds for a board.</summary>
public static class BoardRules
{
    /// <summary>The rules, by category.</summary>
    public static ImmutableArray<Rule<BoardSubject>> All { get; } =
    [
        .. MapRules.All, .. TypeRules.All, .. ProofRules.Translation, .. TableRules.All, .. ProofRules.Protection, .. SmmuRules.All, .. ProofRules.Allocators, .. KernelRules.All,
        .. ArtifactRules.All, .. MachineArtifactRules.All,
    ];

    /// <summary>Runs all of them.</summary>
    public static ImmutableArray<RuleResult> Run(BoardSubject board, RuleOptions options)
    {
        options.CheckSkips(All.Select(r => r.Id));
        board.Prepare(options.Budget);
        return [.. All.Select(r => r.Run(board, board.Name, options))];
    }
}
