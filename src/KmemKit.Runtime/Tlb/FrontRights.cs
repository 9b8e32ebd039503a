using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>What an access may do, in the form in which a page's tags are made: the page's address, or'ed with nothing or with all bits (<see cref="FrontEntry.Never"/>).</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct FrontRights
{
    // In the order of the tags.
    private readonly ulong _read;
    private readonly ulong _write;
    private readonly ulong _fetch;
    private readonly ulong _page;

    public FrontRights(AccessRights allowed)
    {
        _read = (allowed & AccessRights.Read) != 0 ? 0 : FrontEntry.Never;
        _write = (allowed & AccessRights.Write) != 0 ? 0 : FrontEntry.Never;
        _fetch = (allowed & AccessRights.Execute) != 0 ? 0 : FrontEntry.Never;
        _page = 0;
    }

    /// <summary>Whether accesses of a kind are allowed.</summary>
    /// <param name="access">One of Read, Write, Execute.</param>
    public bool Allow(AccessRights access) => (access == AccessRights.Read ? _read : access == AccessRights.Write ? _write : _fetch) == 0;

    /// <summary>The four tags of a page: read, write, fetch, and whatever is allowed.</summary>
    public Vector256<ulong> TagsOf(ulong page) => Vector256.LoadUnsafe(in _read) | Vector256.Create(page);
}
