using System;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu.Stages;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>What an SMMU did so far.</summary>
public sealed record SmmuV2Statistics
{
    /// <summary>Accesses that were not answered by a port's own cache.</summary>
    public ulong Transactions { get; internal set; }

    /// <summary>Accesses that ended in an abort or read-as-zero.</summary>
    public ulong Terminated { get; internal set; }

    /// <summary>TLB invalidations posted.</summary>
    public ulong TlbInvalidations { get; internal set; }

    /// <summary>Synchronisations of them, of a bank or global.</summary>
    public ulong Syncs { get; internal set; }

    /// <summary>Faults recorded in context banks.</summary>
    public ulong ContextFaults { get; internal set; }

    /// <summary>Global faults recorded.</summary>
    public ulong GlobalFaults { get; internal set; }

    /// <summary>Faults that found another one recorded, and left no more than a bit (MULTI) or nothing.</summary>
    public ulong LostFaults { get; internal set; }
}

/// <summary>An SMMUv2 as devices, the bus and software see it: registers, tables in simulated RAM, TLBs that are stale until they are invalidated.</summary>
/// <remarks>
/// <para>Modelled: the non-secure world; stream matching and indexing, context banks of stage 1, stage 2 and both, tables of VMSAv8-64 and of AArch32 with long and short
/// descriptors in either byte order, TLBs by ASID and VMID, global and context faults with their records, termination and stalls, hit-under-fault, interrupts.
/// Not modelled, and said so by the identification registers or by fields that read zero: the secure world, hypervisor contexts, 16-bit StreamIDs, extended stream matching,
/// broadcast invalidations, address translation operations, performance counters.</para>
/// <para>An invalidation is posted by its register and done at the next synchronisation of its bank or of all, not before: a TLB may hold a translation until then (5.4.2), so this one
/// does. Of more than <see cref="MostPosted"/> in a bank the oldest is done. Source: Arm IHI 0062.</para>
/// <para>Threads: accesses and register writes may come from any thread at once; one at a time is in the SMMU. Interrupts are raised outside of it.</para>
/// </remarks>
public sealed partial class SmmuV2 : SystemMmu
{
    /// <summary>Invalidations that wait in a bank at most.</summary>
    public const int MostPosted = 64;

    private readonly TlbModel _stage1;
    private readonly TlbModel _stage2;
    private readonly StageTranslator _first;
    private readonly StageTranslator _second;
    private readonly ContextBank[] _banks;
    private readonly SmmuV2Statistics _statistics = new();
    private OwnedGate _gate;

    /// <summary>An SMMU after reset: transactions pass (sCR0.CLIENTPD).</summary>
    /// <param name="memory">RAM that it reads tables from.</param>
    /// <param name="features">What it implements.</param>
    /// <param name="tlb">Size of each of its TLBs; null for 512 entries of 4 ways.</param>
    /// <param name="unknownSeed">What fields hold whose reset value is UNKNOWN (9.2, 16.2): anything, by this seed; null for 0.</param>
    public SmmuV2(PhysicalMemory memory, SmmuV2Features? features = null, TlbProfile? tlb = null, int? unknownSeed = null)
        : base(memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Features = features ?? new SmmuV2Features();
        tlb ??= new TlbProfile("smmu", 512, 4);
        // Each by itself: their invalidations are register writes, which this class takes apart.
        _stage1 = new TlbModel(tlb, new TlbDomain());
        _stage2 = new TlbModel(tlb, new TlbDomain());
        (_first, _second) = (new StageTranslator(memory, _stage1), new StageTranslator(memory, _stage2));
        _match = new StreamMatchRegister[Features.StreamMappingGroups];
        _target = new StreamToContextRegister[Features.StreamMappingGroups];
        _banks = new ContextBank[Features.ContextBanks];
        for (var i = 0; i < _banks.Length; i++)
            _banks[i] = new ContextBank(i);
        if (unknownSeed is { } seed)
            ResetUnknown(new Random(seed));
    }

    /// <summary>What it implements.</summary>
    public SmmuV2Features Features { get; }

    /// <summary>What it did so far.</summary>
    public SmmuV2Statistics Statistics
    {
        get
        {
            using (_gate.Hold())
                return _statistics with { };
        }
    }

    /// <summary>Hits and misses of the stage 1 TLB.</summary>
    public TlbStatistics Stage1Tlb => _stage1.Statistics;

    /// <summary>Hits and misses of the stage 2 TLB.</summary>
    public TlbStatistics Stage2Tlb => _stage2.Statistics;

    /// <summary>Raised, on the thread of the access or register write, when the interrupt of a context bank, whose number it gets, comes up.</summary>
    public event Action<int>? ContextInterrupt;

    /// <summary>Raised when the interrupt of global faults comes up.</summary>
    public event Action? GlobalInterrupt;

    // All but CLIENTPD and the enables of faults and interrupts, which have values (tables 9-2 and 16-2).
    private void ResetUnknown(Random random)
    {
        for (var i = 0; i < _match.Length; i++)
        {
            WriteMatch(i, Any());
            WriteTarget(i, Any());
        }
        foreach (var bank in _banks)
        {
            WriteAttribute(bank, Any());
            WriteAttribute2(bank, Any());
            bank.Control = (ContextBankControl)Any() & ~(ContextBankControl.FaultInterrupt | ContextBankControl.FaultReport);
            (bank.Tcr, bank.Tcr2) = (new ContextBankTcr(Any()), new ContextBankTcr2(Any()));
            (bank.Ttbr0, bank.Ttbr1, bank.ContextId) = (((ulong)Any() << 32) | Any(), Any(), Any());
            (bank.Mair0, bank.Mair1, bank.FaultAddress, bank.Syndrome0) = (Any(), Any(), Any(), Any());
            bank.Status = (ContextFaultStatus)Any() & WritableStatus;
        }
        _cr0 |= (SmmuV2Control)Any() & (SmmuV2Control.UnidentifiedStreamFault | SmmuV2Control.StreamMatchConflictFault);
        (_globalStatus, _globalAddress, _globalSyndrome0) = ((GlobalFaultStatus)Any() & KnownGlobalFaults, Any(), Any());

        uint Any() => unchecked((uint)random.NextInt64());
    }
}
