using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>A tree of tables: what one base register points to.</summary>
/// <param name="Register">The base register: <c>TTBR0_EL1</c>, <c>TTBR0</c>, <c>CR3</c>, <c>satp</c>.</param>
/// <param name="Format">Its format.</param>
public sealed record TableTree(string Register, ITranslationFormat Format);

/// <summary>The trees that translate a board's addresses together.</summary>
/// <remarks>Invariant: an input address is in the range of at most one of the trees.</remarks>
public sealed record TableRegime
{
    /// <summary>Name of the format, without regard to input sizes: <c>vmsav8-64-4k</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Trees that have something to map, those of the lowest addresses first.</summary>
    public required ImmutableArray<TableTree> Trees { get; init; }

    /// <summary>The tree that an address is in; -1 where it is in none.</summary>
    public int TreeOf(VirtAddr address)
    {
        for (var i = 0; i < Trees.Length; i++)
        {
            if (Trees[i].Format.Translates(address.Value))
                return i;
        }
        return -1;
    }
}
