using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Conformance.Boards;
using KmemKit.Tests.Shared;

namespace KmemKit.Conformance.Tests.Boards;

/// <summary>The boards of <c>boards/</c> as what the rules look at.</summary>
internal static class RepositorySubjects
{
    public static BoardSubject Of(string board, params string[] config) => BoardSubject.Of(board == SmmuMutations.SmmuV2
        ? new BoardInput(new SourceFile("smmu-v2.dts", SmmuMutations.SmmuV2Source)) { Defconfig = new SourceFile("smmu-v2_defconfig", "CONFIG_ARM64=y\nCONFIG_MMU=y\nCONFIG_LINUX_VERSION=\"6.1\"\n") }
        : RepositoryBoards.Input(board, config));
}
