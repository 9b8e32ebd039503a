namespace KmemKit.Architecture.Mpu;

/// <summary>How memory behaves, in the terms of the Armv7 and Armv8 architectures, from the strictest to the fastest.</summary>
public enum MpuMemoryType
{
    /// <summary>Nothing is said: the format has no memory types (RISC-V PMP), or nobody may access.</summary>
    Unspecified,

    /// <summary>Strongly-ordered; Device-nGnRnE; neither cached nor buffered on the PMSAv5 parts.</summary>
    StronglyOrdered,

    /// <summary>Device; Device-nGnRE; buffered and not cached on the PMSAv5 parts.</summary>
    Device,

    /// <summary>Normal, not cacheable.</summary>
    NormalNonCacheable,

    /// <summary>Normal, write-through, no write-allocate.</summary>
    NormalWriteThrough,

    /// <summary>Normal, write-back, no write-allocate.</summary>
    NormalWriteBack,

    /// <summary>Normal, write-back, write-allocate.</summary>
    NormalWriteBackWriteAllocate,
}

/// <summary>What a region says about its addresses.</summary>
/// <param name="Privileged">Rights of privileged code.</param>
/// <param name="User">Rights of unprivileged code.</param>
/// <param name="Memory">Memory type.</param>
/// <param name="Shareable">Whether other masters see it coherently; only Normal and Device memory can be other than shareable.</param>
public readonly record struct MpuAttributes(AccessRights Privileged, AccessRights User, MpuMemoryType Memory, bool Shareable)
{
    /// <summary>Nobody may do anything.</summary>
    public static MpuAttributes Deny { get; }

    /// <summary>Rights of one privilege.</summary>
    public AccessRights RightsOf(Privilege privilege) => privilege == Privilege.Privileged ? Privileged : User;

    /// <summary>Whether it is one of the Normal types.</summary>
    public bool IsNormal => Memory >= MpuMemoryType.NormalNonCacheable;

    /// <inheritdoc/>
    public override string ToString() =>
        $"privileged \"{Privileged.ToText()}\", user \"{User.ToText()}\", {Memory}{(Shareable ? ", shareable" : "")}";
}

/// <summary>Which accesses a region answers.</summary>
public enum MpuSpace
{
    /// <summary>All.</summary>
    Unified,

    /// <summary>Loads and stores only (ARM940T).</summary>
    Data,

    /// <summary>Instruction fetches only (ARM940T).</summary>
    Instruction,
}
