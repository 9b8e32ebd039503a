using System;
using System.Collections.Generic;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu.Stages;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>What an SMMU did so far.</summary>
public sealed record SmmuV3Statistics
{
    /// <summary>Accesses that were not answered by a port's own cache.</summary>
    public ulong Transactions { get; internal set; }

    /// <summary>Accesses that ended in an abort or read-as-zero.</summary>
    public ulong Terminated { get; internal set; }

    /// <summary>Commands done.</summary>
    public ulong Commands { get; internal set; }

    /// <summary>CMD_SYNC among them.</summary>
    public ulong Syncs { get; internal set; }

    /// <summary>TLB invalidations among them.</summary>
    public ulong TlbInvalidations { get; internal set; }

    /// <summary>Configuration invalidations among them.</summary>
    public ulong ConfigInvalidations { get; internal set; }

    /// <summary>Records written to the event queue.</summary>
    public ulong Events { get; internal set; }

    /// <summary>Records that were lost because the queue was full.</summary>
    public ulong LostEvents { get; internal set; }
}

/// <summary>An SMMUv3 as devices, the bus and software see it: registers, queues and tables in simulated RAM, caches that are stale until they are invalidated.</summary>
/// <remarks>
/// <para>Modelled: the non-secure world, stream tables of one and two levels, context descriptors of one and two levels with substreams, stage 1, stage 2 and both,
/// VMSAv8-64 tables, configuration cache, TLBs by StreamWorld and for stage 2, command, event and PRI queues with their errors, stalls.
/// Not modelled, and said so by the identification registers: AArch32 tables, hardware update of flags, ATS, MPAM, the secure world.</para>
/// <para>A command is done when its producer index is written: the queue never lags, but what is not commanded is not done. Source: Arm IHI 0070.</para>
/// <para>Threads: accesses and register writes may come from any thread at once; one at a time is in the SMMU. Interrupts are raised outside of it.</para>
/// </remarks>
public sealed unsafe partial class SmmuV3 : SystemMmu
{
    private readonly PhysicalMemory _memory;
    private readonly TlbModel _el1;
    private readonly TlbModel _el2;
    private readonly TlbModel _stage2;
    private readonly StageTranslator _el1Stage;
    private readonly StageTranslator _el2Stage;
    private readonly StageTranslator _stage2Stage;
    private readonly SmmuV3Statistics _statistics = new();
    private OwnedGate _gate;

    /// <summary>An SMMU after reset: off, transactions pass.</summary>
    /// <param name="memory">RAM that it reads tables from.</param>
    /// <param name="features">What it implements.</param>
    /// <param name="tlb">Size of each of its TLBs; null for 512 entries of 4 ways.</param>
    /// <exception cref="ArgumentException">A feature is asked for that is not modelled.</exception>
    public SmmuV3(PhysicalMemory memory, SmmuV3Features? features = null, TlbProfile? tlb = null)
        : base(memory)
    {
        ArgumentNullException.ThrowIfNull(memory);
        Features = features ?? new SmmuV3Features();
        if (Features.HardwareUpdate != 0 || Features.AArch32Tables || Features.Ats)
            throw new ArgumentException("Hardware update of flags, AArch32 tables and ATS are not modelled.", nameof(features));
        _memory = memory;
        tlb ??= new TlbProfile("smmu", 512, 4);
        // Each by itself: their invalidations are commands, which this class takes apart.
        _el1 = new TlbModel(tlb, new TlbDomain());
        _el2 = new TlbModel(tlb, new TlbDomain());
        _stage2 = new TlbModel(tlb, new TlbDomain());
        (_el1Stage, _el2Stage, _stage2Stage) = (new StageTranslator(memory, _el1), new StageTranslator(memory, _el2), new StageTranslator(memory, _stage2));
        memory.Disposing += () => _commandHost = _shortHost = null;
    }

    /// <summary>What it implements.</summary>
    public SmmuV3Features Features { get; }

    /// <summary>What it did so far.</summary>
    public SmmuV3Statistics Statistics
    {
        get
        {
            using (_gate.Hold())
            {
                return _statistics with
                {
                    Commands = _statistics.Commands + (2 * _shortInvalidations),
                    Syncs = _statistics.Syncs + _shortInvalidations,
                    TlbInvalidations = _statistics.TlbInvalidations + _shortInvalidations,
                };
            }
        }
    }

    /// <summary>Hits and misses of the NS-EL1 stage 1 TLB.</summary>
    public TlbStatistics Stage1Tlb
    {
        get
        {
            using (_gate.Hold())
                return _el1.Statistics;
        }
    }

    /// <summary>Hits and misses of the stage 2 TLB.</summary>
    public TlbStatistics Stage2Tlb => _stage2.Statistics;

    /// <summary>Raised, on the thread of the access or register write, when the event queue becomes other than empty.</summary>
    public event Action? EventQueueInterrupt;

    /// <summary>Raised when the PRI queue has a last request of a group.</summary>
    public event Action? PriQueueInterrupt;

    /// <summary>Raised when an error of SMMU_GERROR becomes active.</summary>
    public event Action? GlobalErrorInterrupt;

    /// <summary>Raised when a CMD_SYNC that asks for it completes.</summary>
    public event Action? SyncInterrupt;

    /// <summary>Raised for each answer to a page request group.</summary>
    public event Action<Command>? PageResponded;
}
