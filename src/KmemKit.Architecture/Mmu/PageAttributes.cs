using System.Text;

namespace KmemKit.Architecture.Mmu;

/// <summary>Who else sees accesses in order: the SH field of Arm's long descriptors.</summary>
public enum Shareability : byte
{
    /// <summary>Nobody, or the architecture keeps all observers coherent without saying so (x86, RISC-V).</summary>
    None = 0,

    /// <summary>Outer Shareable.</summary>
    Outer = 2,

    /// <summary>Inner Shareable: all processors of the operating system.</summary>
    Inner = 3,
}

/// <summary>What a leaf says about its memory, in one form for all formats.</summary>
/// <remarks>
/// The rights are those that descriptor and table limits give under the format's fixed controls (WXN, SMEP, NXE...). What the processor's state takes away at
/// each access (SMAP with EFLAGS.AC, PAN, SUM, MXR) is applied by <see cref="ITranslationFormat.RightsOf"/>. A value that a format cannot keep exactly is
/// refused by its encoder; what it has no bit for and no opinion on, <see cref="ITranslationFormat.Canonical"/> sets to the default.
/// </remarks>
public readonly record struct PageAttributes
{
    /// <summary>Rights and memory type; accessed and global, not dirty, not shareable.</summary>
    public PageAttributes(AccessRights privileged, AccessRights user, MemoryType memory, Shareability shareability = Shareability.None)
    {
        Privileged = privileged;
        User = user;
        Memory = memory;
        Shareability = shareability;
        IsGlobal = true;
        IsAccessed = true;
    }

    /// <summary>Rights of privileged code.</summary>
    public AccessRights Privileged { get; init; }

    /// <summary>Rights of unprivileged code.</summary>
    public AccessRights User { get; init; }

    /// <summary>Memory type.</summary>
    public MemoryType Memory { get; init; }

    /// <summary>Shareability.</summary>
    public Shareability Shareability { get; init; }

    /// <summary>Whether every address space shares the entry: not tagged with the ASID (G; nG clear).</summary>
    public bool IsGlobal { get; init; }

    /// <summary>Access flag: whether the page was used since software cleared it (A, AF).</summary>
    public bool IsAccessed { get; init; }

    /// <summary>Whether the page was written since software cleared it (D); false where the format does not record it.</summary>
    public bool IsDirty { get; init; }

    /// <summary>Whether the output is in the Non-secure address space although the walk is Secure (NS).</summary>
    public bool IsNonSecure { get; init; }

    /// <summary>ARM domain or x86 protection key, 0 to 15.</summary>
    public byte Domain { get; init; }

    /// <summary>The bits that the architecture leaves to software, packed from the lowest; how many there are is the format's <see cref="ITranslationFormat.SoftwareBits"/>.</summary>
    public ushort Software { get; init; }

    /// <summary>Rights of one privilege.</summary>
    public AccessRights RightsOf(Privilege privilege) => privilege == Privilege.Privileged ? Privileged : User;

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder();
        text.Append("privileged \"").Append(Privileged.ToText()).Append("\", user \"").Append(User.ToText()).Append("\", ").Append(Memory.ToText());
        if (Shareability != Shareability.None)
            text.Append(Shareability == Shareability.Inner ? ", inner shareable" : ", outer shareable");
        if (!IsGlobal)
            text.Append(", not global");
        if (!IsAccessed)
            text.Append(", not accessed");
        if (IsDirty)
            text.Append(", dirty");
        if (IsNonSecure)
            text.Append(", non-secure");
        if (Domain != 0)
            text.Append(", domain ").Append(Domain);
        if (Software != 0)
            text.Append(", software ").Append(Software);
        return text.ToString();
    }
}

/// <summary>What a table descriptor takes away from everything below it, and what it holds for its leaves. The default takes nothing.</summary>
/// <param name="PrivilegedRemoved">Rights that privileged code loses (APTable, PXNTable, UXNTable; x86 W and NX).</param>
/// <param name="UserRemoved">Rights that unprivileged code loses.</param>
/// <param name="Domain">ARM short descriptors: domain of all pages of the table.</param>
/// <param name="IsNonSecure">NSTable: all below is Non-secure.</param>
public readonly record struct TableAttributes(
    AccessRights PrivilegedRemoved = AccessRights.None, AccessRights UserRemoved = AccessRights.None, byte Domain = 0, bool IsNonSecure = false);
