using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>What happened to a mapping.</summary>
public enum MappingChangeKind
{
    /// <summary>It was taken away.</summary>
    Unmap,

    /// <summary>It got other attributes.</summary>
    Protect,

    /// <summary>Large leaves became small ones.</summary>
    Split,

    /// <summary>Small leaves became large ones.</summary>
    Join,

    /// <summary>A descriptor was written by hand.</summary>
    Write,
}

/// <summary>A change of live translations, which TLBs may still hold as they were.</summary>
/// <param name="Number">Counted from 1 in the order of changes and invalidations together.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Scope">Which translations.</param>
public readonly record struct MappingChange(long Number, MappingChangeKind Kind, TlbScope Scope)
{
    /// <inheritdoc/>
    public override string ToString() =>
        $"change {Number}, {Kind} of [{Scope.First}, {Scope.Last}]{(Scope.Asid is { } asid ? $" of ASID {asid}" : "")}";
}

/// <summary>What kind of mistake with translations was seen.</summary>
public enum TranslationBugKind
{
    /// <summary>A CPU used a translation that the tables no longer have: an invalidation is missing.</summary>
    StaleEntry,

    /// <summary>A live descriptor was replaced without break-before-make, or made anew before its old translation was invalidated.</summary>
    BreakBeforeMake,

    /// <summary>A TLB held two translations for one address.</summary>
    Conflict,
}

/// <summary>A mistake with translations; the machine went on as hardware would.</summary>
/// <param name="Kind">What kind.</param>
/// <param name="Message">Everything that is known about it, in one line.</param>
/// <param name="Change">The last change of what it is about; null where none is known.</param>
public sealed record TranslationBug(TranslationBugKind Kind, string Message, MappingChange? Change = null);
