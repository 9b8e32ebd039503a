using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Smmu.Stages;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>Translation of a device's access (Arm IHI 0070, 3.4 and 3.12).</summary>
public sealed unsafe partial class SmmuV3
{
    /// <summary>What becomes of an access: where it goes, or its end, with the event that software is told.</summary>
    /// <param name="transaction">The access; it lies in one granule.</param>
    public override SmmuResult Translate(in SmmuTransaction transaction)
    {
        SmmuResult result;
        bool tells;
        using (_gate.Hold())
        {
            _statistics.Transactions++;
            result = (_cr0 & SmmuV3Control.SmmuEnable) == 0 ? TranslateDisabled(transaction) : TranslateEnabled(transaction);
            tells = _raiseEvent || _raiseError;
        }
        if (tells)
            RaiseInterrupts();
        // Software may have answered while it handled the interrupt.
        return result.Stall?.Result ?? result;
    }

    // SMMU_GBPA.ABORT, bit 20 (6.3.15).
    private SmmuResult TranslateDisabled(in SmmuTransaction transaction) => (_gbpa & (1u << 20)) != 0
        ? SmmuResult.Aborted
        : new SmmuResult(SmmuOutcome.Translated, new PhysAddr(transaction.Address), 12, default);

    private SmmuResult TranslateEnabled(in SmmuTransaction transaction)
    {
        if (FindContext(transaction, out var record) is not { } context)
        {
            // A StreamID outside the table is told only to those who ask for it (CR2.RECINVSID).
            if (record.Type != EventType.BadStreamId || (_cr2 & 2) != 0)
                Record(record);
            return SmmuResult.Aborted;
        }
        if (context.Entry.Config == SteConfig.Abort)
            return SmmuResult.Aborted;
        var privilege = Override(context.Entry, StreamTableEntryFields.PRIVCFG) switch
        {
            2 => Privilege.User,
            3 => Privilege.Privileged,
            _ => transaction.Privilege,
        };
        var access = Override(context.Entry, StreamTableEntryFields.INSTCFG) switch
        {
            2 when transaction.Access == AccessRights.Execute => AccessRights.Read,
            3 when transaction.Access == AccessRights.Read => AccessRights.Execute,
            _ => transaction.Access,
        };
        var address = transaction.Address;
        var fault = new StageFault(FaultCause.None, address, 12, default);
        if (context.Cd is { } cd)
            fault = TranslateStage1(context, cd, ref address, access, privilege);
        if (fault.Cause == FaultCause.None && context.Stage2 is not null)
        {
            var first = fault;
            fault = SecondStageOf(context).Translate(first.Output, access, privilege);
            fault = fault with
            {
                Ipa = first.Output, Shift = context.Cd is null ? fault.Shift : System.Math.Min(first.Shift, fault.Shift),
                Attributes = context.Cd is null || fault.Cause != FaultCause.None ? fault.Attributes : first.Attributes,
            };
        }
        if (fault.Cause == FaultCause.None && context.Cd is null && context.Stage2 is null && !Features.CanOutput(address))
            fault = fault with { Cause = FaultCause.AddressSize };
        return fault.Cause == FaultCause.None
            ? new SmmuResult(SmmuOutcome.Translated, new PhysAddr(fault.Output), fault.Shift, fault.Attributes)
            : End(transaction with { Access = access, Privilege = privilege }, context, fault);

        static ulong Override(in StreamTableEntry entry, KmemKit.Architecture.Smmu.StructureField field) => entry.Words[field];
    }

    private StageFault TranslateStage1(StreamContext context, in ContextDescriptor cd, ref ulong address, AccessRights access, Privilege privilege)
    {
        // Bit 55 selects the range, and the top byte is ignored where TBI says so (3.4.1).
        var isUpper = (address & (1UL << 55)) != 0;
        if (isUpper ? cd.IgnoresUpperTopByte : cd.IgnoresLowerTopByte)
            address = isUpper ? address | 0xFF00_0000_0000_0000 : address & 0x00FF_FFFF_FFFF_FFFF;
        var walk = isUpper ? context.Upper : context.Lower;
        if (walk is null || !walk.Translates(address))
            return StageFault.Of(FaultCause.Translation, 0);
        return context.IsEl2
            ? _el2Stage.Translate(walk, address, cd.Asid, 0, access, privilege)
            : _el1Stage.Translate(walk, address, cd.Asid, context.Entry.Vmid, access, privilege, SecondStageOf(context));
    }

    private SecondStage SecondStageOf(StreamContext context) => context.Stage2 is { } walk ? new SecondStage(_stage2Stage, walk, context.Entry.Vmid) : default;

    // 3.12: recorded or not, stalled or terminated, as the stage that faulted says.
    private SmmuResult End(in SmmuTransaction transaction, StreamContext context, in StageFault fault)
    {
        var byStage2 = fault.IsStage2 || context.Cd is null;
        var stage2 = byStage2 && context.Stage2 is not null ? context.Entry.Stage2 : null;
        var aborts = byStage2 || context.Cd!.Value.Aborts;
        var records = stage2?.RecordsFaults ?? context.Cd?.RecordsFaults ?? true;
        var stalls = stage2?.Stalls ?? (context.Cd is { } cd && cd.Stalls && context.Entry.Words[StreamTableEntryFields.S1STALLD] == 0);
        // External aborts never stall (7.3.12).
        stalls &= Features.StallModel != StallModel.TerminateOnly && fault.Cause != FaultCause.ExternalAbortOnWalk;
        var record = EventOf(transaction) with
        {
            Type = TypeOf(fault.Cause),
            IsStage2 = byStage2 && context.Stage2 is not null,
            Class = fault.IsTableWalk ? EventClass.TableWalk : EventClass.Input,
            IsTableRead = fault.IsTableWalk,
            IpaOrFetchAddress = fault.Cause == FaultCause.ExternalAbortOnWalk ? fault.Ipa : byStage2 && context.Stage2 is not null ? fault.Ipa & ~0xFFFUL : 0,
        };
        if (stalls && TryStall(transaction, aborts, ref record) is { } stalled)
        {
            Record(record);
            return new SmmuResult(SmmuOutcome.Stalled, default, 0, default, stalled);
        }
        if (records)
            Record(record);
        _statistics.Terminated++;
        return aborts ? SmmuResult.Aborted : new SmmuResult(SmmuOutcome.ReadZeroWriteIgnored, default, 0, default);
    }

    private static EventRecord EventOf(in SmmuTransaction transaction) => new()
    {
        StreamId = transaction.StreamId, SubstreamId = transaction.SubstreamId, InputAddress = transaction.Address,
        IsPrivileged = transaction.Privilege == Privilege.Privileged, IsInstruction = transaction.Access == AccessRights.Execute,
        IsRead = transaction.Access != AccessRights.Write, Class = EventClass.Input,
    };

    private static EventType TypeOf(FaultCause cause) => cause switch
    {
        FaultCause.Permission => EventType.Permission,
        FaultCause.AccessFlag => EventType.AccessFlag,
        FaultCause.AddressSize => EventType.AddressSize,
        FaultCause.ExternalAbortOnWalk => EventType.WalkExternalAbort,
        _ => EventType.Translation,
    };
}
