namespace KmemKit.Conformance.Translations;

/// <summary>A translation between physical and virtual addresses as the suite sees it: generated code, a C macro behind P/Invoke, page tables, a model.</summary>
public interface ITranslationSubject
{
    /// <summary>Whether <see cref="PhysToVirt"/> answers; page tables go one way only.</summary>
    bool HasPhysToVirt { get; }

    /// <summary>Whether what is not RAM of the map is refused; a macro that only adds an offset refuses nothing, and is asked about RAM only.</summary>
    bool Refuses { get; }

    /// <summary>Where an address is mapped (<c>__phys_to_virt</c>).</summary>
    /// <returns>Null where it is refused.</returns>
    ulong? PhysToVirt(ulong address);

    /// <summary>What an address is mapped to (<c>__virt_to_phys</c>).</summary>
    /// <returns>Null where it is refused.</returns>
    ulong? VirtToPhys(ulong address);
}
