using System.Collections.Generic;
using KmemKit.Architecture.Smmu.V2;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>A context bank as the SMMU has it: registers, and what waits in it.</summary>
internal sealed class ContextBank(int number)
{
    public int Number { get; } = number;

    public ContextBankAttribute Attribute { get; set; }

    public ContextBankAttribute2 Attribute2 { get; set; }

    public uint RestrictedSyndrome { get; set; }

    public ContextBankControl Control { get; set; }

    public uint Auxiliary { get; set; }

    public ContextBankTcr Tcr { get; set; }

    public ContextBankTcr2 Tcr2 { get; set; }

    public ulong Ttbr0 { get; set; }

    public ulong Ttbr1 { get; set; }

    public uint ContextId { get; set; }

    public uint Mair0 { get; set; }

    public uint Mair1 { get; set; }

    public ContextFaultStatus Status { get; set; }

    public ulong FaultAddress { get; set; }

    public uint Syndrome0 { get; set; }

    public ulong IpaFaultAddress { get; set; }

    /// <summary>Whether its interrupt line is up.</summary>
    public bool IsAsserted { get; set; }

    /// <summary>The registers taken apart; null after a change of them.</summary>
    public BankTranslation? Translation { get; set; }

    /// <summary>The access whose fault is recorded, until SMMU_CBn_RESUME.</summary>
    public StalledTransaction? Stalled { get; set; }

    /// <summary>Accesses that wait for the one that is stalled, in the order they came.</summary>
    public List<StalledTransaction> Waiting { get; } = [];

    /// <summary>Invalidations that are posted and not yet done.</summary>
    public Queue<PostedInvalidation> Posted { get; } = [];

    public bool IsStage2 => Attribute.Type == ContextBankType.Stage2;

    /// <summary>A fault is recorded; Format says nothing.</summary>
    public bool HasFault => (Status & ~ContextFaultStatus.Format) != 0;

    public bool IsStalled => (Status & ContextFaultStatus.Stalled) != 0;

    public bool Has(ContextBankControl bit) => (Control & bit) != 0;
}
