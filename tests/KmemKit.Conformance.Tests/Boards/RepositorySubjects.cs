using KmemKit.Conformance.Boards;
using KmemKit.Tests.Shared;

namespace KmemKit.Conformance.Tests.Boards;

/// <summary>The boards of <c>boards/</c> as what the rules look at.</summary>
internal static class RepositorySubjects
{
    public static BoardSubject Of(string board, params string[] config) => BoardSubject.Of(RepositoryBoards.Input(board, config));
}
