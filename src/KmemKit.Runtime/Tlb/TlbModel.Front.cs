using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Threading;

namespace KmemKit.Runtime.Tlb;

/// <summary>The table of pages in front of the array.</summary>
public sealed unsafe partial class TlbModel
{
    // Whether the front has pages of the translation: the unprivileged's; the privileged's is the bit above.
    private const ulong InFrontOfUser = 1UL << 61;

    // Log2 of the pages that are quicker forgotten one by one than all together.
    private const int FewPages = 5;

    private bool _frontUsed;

    /// <summary>Pages of both privileges, the unprivileged first.</summary>
    internal FrontEntry* Front { get; }

    /// <summary>The CPU works in another address space, or under other controls: the answers that were worked out do not hold any longer.</summary>
    internal void DropFront()
    {
        Enter();
        ForgetFront();
        Leave();
    }

    /// <summary><see cref="DropFront"/> by another thread than the CPU's.</summary>
    internal void DropFrontFromOutside()
    {
        _gate.EnterFromOutside();
        ForgetFront();
        _gate.LeaveFromOutside();
    }

    /// <summary>Works out a page's answers. Inside <see cref="Enter"/>.</summary>
    /// <param name="front">Where accesses of the privilege look for the page.</param>
    /// <param name="place">Place of its translation.</param>
    /// <param name="privilege">Whose accesses.</param>
    /// <param name="page">The page, 4 KiB.</param>
    /// <param name="rights">What the front shall answer.</param>
    /// <param name="host">Host address of its RAM.</param>
    /// <param name="output">Physical address of it.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void FillFront(FrontEntry* front, int place, int privilege, ulong page, in FrontRights rights, nuint host, ulong output)
    {
        _hits += front->Hits;
        front->Hits = 0;
        front->Host = unchecked(host - (nuint)page);
        front->Output = unchecked(output - page);
        rights.TagsOf(page).Store(&front->Read);
        _contexts[place] |= InFrontOfUser << privilege;
        _frontUsed = true;
    }

    // The pages of a translation that goes.
    private void ForgetFrontPages(int place, int shift)
    {
        if (shift > FrontEntry.PageShift + FewPages)
        {
            ForgetFront();
            return;
        }
        for (var i = 0UL; i < 1UL << (shift - FrontEntry.PageShift); i++)
            ForgetFrontPage(place, FirstOf(place) + (i << FrontEntry.PageShift));
    }

    // The same by the CPU itself, for a page that makes room at nearly every miss. Whether the front still has it is a matter of chance, which no branch shall depend on:
    // the tags are or'ed with all bits where it has, and with none where not.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ForgetFrontPageByOwner(int place)
    {
        var page = FirstOf(place);
        var front = Front + (int)((page >> FrontEntry.PageShift) & (FrontEntry.Count - 1));
        var context = _contexts[place];
        if ((context & InFrontOfUser) != 0)
            ForgetIfOf(front, page);
        if ((context & (InFrontOfUser << 1)) != 0)
            ForgetIfOf(front + FrontEntry.Count, page);
    }

    // Its hits stay where they are until the entry is filled again or forgotten.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ForgetIfOf(FrontEntry* front, ulong page)
    {
        var isOf = Vector256.Equals(Vector256.Create(front->Page), Vector256.Create(page));
        (Vector256.Load(&front->Read) | isOf).Store(&front->Read);
    }

    private void ForgetFrontPage(int place, ulong page)
    {
        var front = Front + (int)((page >> FrontEntry.PageShift) & (FrontEntry.Count - 1));
        var context = _contexts[place];
        // An entry that is another page's by now stays.
        if ((context & InFrontOfUser) != 0 && front->Page == page)
            Forget(front);
        if ((context & (InFrontOfUser << 1)) != 0 && front[FrontEntry.Count].Page == page)
            Forget(front + FrontEntry.Count);
    }

    private void ForgetFront()
    {
        if (!_frontUsed && Front->Page == FrontEntry.Never)
            return;
        _frontUsed = false;
        for (var i = 0; i < 2 * FrontEntry.Count; i++)
            Forget(Front + i);
    }

    private void Forget(FrontEntry* front)
    {
        _hits += front->Hits;
        front->Hits = 0;
        front->Page = FrontEntry.Never;
        Volatile.Write(ref front->Read, FrontEntry.Never);
        Volatile.Write(ref front->Write, FrontEntry.Never);
        Volatile.Write(ref front->Fetch, FrontEntry.Never);
    }
}
