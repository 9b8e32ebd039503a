using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Smmu;

/// <summary>An access of a device as it reaches an SMMU.</summary>
/// <param name="StreamId">Who.</param>
/// <param name="SubstreamId">For whom (PASID); null without.</param>
/// <param name="Address">Device address.</param>
/// <param name="Access">One of Read, Write, Execute.</param>
/// <param name="Privilege">As the device says.</param>
public readonly record struct SmmuTransaction(uint StreamId, uint? SubstreamId, ulong Address, AccessRights Access, Privilege Privilege = Privilege.User);

/// <summary>What becomes of a device's access.</summary>
public enum SmmuOutcome
{
    /// <summary>It goes to <see cref="SmmuResult.Address"/>.</summary>
    Translated,

    /// <summary>The device gets an error response.</summary>
    Abort,

    /// <summary>A read gives zeros, a write is dropped, and the device sees no error (CD.A 0, SCTLR.CFRE 0).</summary>
    ReadZeroWriteIgnored,

    /// <summary>It waits for software (CMD_RESUME, SMMU_CBn_RESUME).</summary>
    Stalled,
}

/// <summary>An SMMU's answer to an access.</summary>
/// <param name="Outcome">What becomes of it.</param>
/// <param name="Address">Physical address of the access.</param>
/// <param name="Shift">Log2 of the bytes around it that the same answer holds for.</param>
/// <param name="Attributes">How memory behaves there; default where nothing translates.</param>
/// <param name="Stall">The waiting access; null unless <see cref="SmmuOutcome.Stalled"/>.</param>
public readonly record struct SmmuResult(SmmuOutcome Outcome, PhysAddr Address, int Shift, PageAttributes Attributes, StalledTransaction? Stall = null)
{
    internal static SmmuResult Aborted => new(SmmuOutcome.Abort, default, 0, default);
}

/// <summary>An access that waits for CMD_RESUME or CMD_STALL_TERM, or for SMMU_CBn_RESUME.</summary>
public sealed class StalledTransaction
{
    internal StalledTransaction(in SmmuTransaction transaction, ushort tag, bool aborts)
    {
        Transaction = transaction;
        Tag = tag;
        Aborts = aborts;
    }

    /// <summary>The access.</summary>
    public SmmuTransaction Transaction { get; }

    /// <summary>STAG of its event record; 0 of an SMMUv2, where a context bank has one at most.</summary>
    public ushort Tag { get; }

    /// <summary>The answer, once software has given one.</summary>
    public SmmuResult? Result { get; internal set; }

    // Whether CMD_RESUME's terminate is an abort: CD.A when it faulted.
    internal bool Aborts { get; }
}
