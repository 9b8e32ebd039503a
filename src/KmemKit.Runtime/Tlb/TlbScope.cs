using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>Which translations an invalidation reaches: each part that is null reaches all.</summary>
/// <remarks>
/// What an architecture calls its operations and what they reach is in <see cref="X86Invalidation"/>, <see cref="ArmInvalidation"/>,
/// <see cref="Aarch64Invalidation"/> and <see cref="RiscVInvalidation"/>; this is the form that a TLB understands.
/// </remarks>
/// <param name="First">First address of a range; a translation of any size that has an address of the range is reached.</param>
/// <param name="Last">Its last address.</param>
/// <param name="Asid">Only this address space (ASID, PCID).</param>
/// <param name="Globals">Whether global translations are reached as well, where <paramref name="Asid"/> names an address space.</param>
/// <param name="NonGlobals">Whether other than global ones are reached.</param>
/// <param name="Vmid">Only this guest (VMID).</param>
public readonly record struct TlbScope(VirtAddr? First, VirtAddr? Last, ushort? Asid, bool Globals, bool NonGlobals, ushort? Vmid)
{
    /// <summary>Everything.</summary>
    public static TlbScope All => new(null, null, null, true, true, null);

    /// <summary>All addresses of an address space.</summary>
    public static TlbScope AddressSpace(ushort asid, bool globals) => new(null, null, asid, globals, true, null);

    /// <summary>An address in one address space, or in all.</summary>
    public static TlbScope Address(VirtAddr address, ushort? asid, bool globals) => new(address, address, asid, globals, true, null);

    /// <summary>A range in one address space, or in all.</summary>
    public static TlbScope Range(VirtAddr first, VirtAddr last, ushort? asid, bool globals) => new(first, last, asid, globals, true, null);

    /// <summary>Whether it reaches a translation.</summary>
    /// <param name="first">The translation's first address.</param>
    /// <param name="last">The translation's last address.</param>
    /// <param name="asid">Its address space.</param>
    /// <param name="global">Whether it is global.</param>
    /// <param name="vmid">Its guest.</param>
    public bool Reaches(VirtAddr first, VirtAddr last, ushort asid, bool global, ushort vmid)
    {
        if (First is { } from && last < from)
            return false;
        if (Last is { } to && first > to)
            return false;
        if (Vmid is { } guest && guest != vmid)
            return false;
        return global ? Globals : NonGlobals && (Asid is not { } space || space == asid);
    }

    /// <summary>Whether every translation that <paramref name="other"/> reaches is reached by this one as well.</summary>
    public bool Covers(in TlbScope other) =>
        (First is not { } from || (other.First is { } otherFrom && otherFrom >= from))
        && (Last is not { } to || (other.Last is { } otherTo && otherTo <= to))
        && (Vmid is not { } guest || other.Vmid == guest)
        && (!other.Globals || Globals)
        && (!other.NonGlobals || (NonGlobals && (Asid is not { } space || other.Asid == space)));
}
