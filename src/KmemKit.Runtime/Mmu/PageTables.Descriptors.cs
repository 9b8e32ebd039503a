using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>Descriptors one by one, for code that does what no operation here does (<c>set_pte</c>).</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    /// <summary>
    /// Puts a descriptor in the place of the one that decides about an address. Nothing is invalidated: that is the caller's. Where break-before-make is demanded
    /// and this is none, it is reported (<see cref="TlbDomain.BugReported"/>) and done all the same, as hardware would.
    /// </summary>
    /// <param name="address">The address.</param>
    /// <param name="descriptor">What to write; not checked beyond that.</param>
    /// <returns>What was there.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The tree does not translate the address.</exception>
    public ulong SetDescriptor(VirtAddr address, ulong descriptor)
    {
        var found = Walk(address);
        if (found.DescriptorAddress == 0)
            throw new ArgumentOutOfRangeException(nameof(address), address, $"{_name} does not translate it.");
        var table = Host(found.DescriptorAddress);
        var old = Read(table, 0);
        var bytes = 1UL << _format.LevelShift(found.Level);
        var first = address.Value & ~(bytes - 1);
        var scope = ScopeOf(first, first + (bytes - 1));
        if (BreakBeforeMake.IsNeeded(_format, old, descriptor, found.Level, found.Limits))
            Domain.Report(new TranslationBug(TranslationBugKind.BreakBeforeMake, $"{address}: {old:x} is live and is replaced by {descriptor:x}, which a TLB may hold together: make it invalid and invalidate first."));
        if (Domain.IsWatching)
        {
            if (_format.KindOf(descriptor, found.Level) != DescriptorKind.Invalid && _format.KindOf(old, found.Level) == DescriptorKind.Invalid)
                Domain.Changes!.Make(first, first + (bytes - 1), _format.LeafAddress(descriptor, found.Level), IsShared ? null : Asid, _breaks);
            else
                Domain.Changes!.Break(MappingChangeKind.Write, scope);
        }
        Write(table, 0, descriptor);
        Mirror(first, bytes);
        return old;
    }
}
