using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Smmu.Stages;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>Translation of a device's access (Arm IHI 0062, chapter 2 and 3.8.4).</summary>
public sealed partial class SmmuV2
{
    /// <summary>What becomes of an access: where it goes, or its end, which software is told of.</summary>
    /// <param name="transaction">The access; it lies in one granule. A substream is nothing that an SMMUv2 knows.</param>
    public override SmmuResult Translate(in SmmuTransaction transaction)
    {
        SmmuResult result;
        bool tells;
        using (_gate.Hold())
        {
            _statistics.Transactions++;
            result = Process(transaction, null);
            tells = _raised.Count > 0;
        }
        if (tells)
            RaiseInterrupts();
        // Software may have answered while it handled the interrupt.
        return result.Stall?.Result ?? result;
    }

    // From the start, as an access comes in or is tried again; waiting is what its master waits for.
    private SmmuResult Process(in SmmuTransaction transaction, StalledTransaction? waiting)
    {
        if ((_cr0 & SmmuV2Control.ClientPortDisable) != 0)
            return Pass(transaction.Address);
        var group = GroupOf(transaction.StreamId);
        switch (group)
        {
            case NoGroup:
                return (_cr0 & SmmuV2Control.UnidentifiedStreamFault) != 0 ? FailGlobally(transaction, GlobalFaultStatus.UnidentifiedStream, false) : Pass(transaction.Address);
            case Conflict:
                return (_cr0 & SmmuV2Control.StreamMatchConflictFault) != 0 ? FailGlobally(transaction, GlobalFaultStatus.StreamMatchConflict, false) : Pass(transaction.Address);
        }
        var target = _target[group];
        var own = transaction with { Privilege = target.Override(transaction.Privilege), Access = target.Override(transaction.Access) };
        switch (target.Type)
        {
            case StreamToContextType.Bypass:
                return Pass(transaction.Address);
            case StreamToContextType.Fault:
                return FailGlobally(own, GlobalFaultStatus.InvalidContext, false);
        }
        if (FindInvalid(target.Bank) is { Status: not GlobalFaultStatus.None } invalid)
            return FailGlobally(own, invalid.Status, invalid.IsNested);
        var first = _banks[target.Bank];
        var second = first.Attribute.Type == ContextBankType.Nested ? _banks[first.Attribute.Stage2Bank] : null;
        // A fault that is recorded already may keep all others back (3.7.3).
        if ((KeepsBack(first) ? first : second is not null && KeepsBack(second) ? second : null) is { } held)
            return held.IsStalled ? Wait(held, transaction, waiting) : Terminate(held);
        var result = Translate(own, first, second, out var fault);
        return fault is { } failed ? Fail(transaction, own, failed, waiting) : result;
    }

    // 1.6.2: what is beyond the output size is cut off.
    private SmmuResult Pass(ulong address) =>
        new(SmmuOutcome.Translated, new PhysAddr(address & ((1UL << Features.OutputAddressBits) - 1)), 12, default);

    // In the order of 3.8.4.
    private (GlobalFaultStatus Status, bool IsNested) FindInvalid(int number)
    {
        if (number >= _banks.Length)
            return (GlobalFaultStatus.UnimplementedContextBank, false);
        var bank = _banks[number];
        var isThere = bank.Attribute.Type switch
        {
            ContextBankType.Stage2 => Features.Stage2,
            ContextBankType.Stage1 => Features.Stage1 && number >= Features.Stage2Banks,
            ContextBankType.Nested => Features.Nested && number >= Features.Stage2Banks,
            _ => false,
        };
        if (!isThere)
            return (GlobalFaultStatus.InvalidContext, true);
        if (bank.Attribute.Type != ContextBankType.Nested)
            return default;
        if (bank.Attribute.Stage2Bank >= _banks.Length)
            return (GlobalFaultStatus.UnimplementedContextBank, true);
        var behind = _banks[bank.Attribute.Stage2Bank];
        return !behind.IsStage2 || (bank.Attribute2.IsAArch64 && !behind.Attribute2.IsAArch64) ? (GlobalFaultStatus.InvalidContext, true) : default;
    }

    private SmmuResult Translate(in SmmuTransaction transaction, ContextBank first, ContextBank? second, out BankFault? fault)
    {
        fault = null;
        var stage2 = first.IsStage2 ? first : second;
        var guest = stage2 is null ? default : SecondStageOf(stage2);
        var (ipa, shift, attributes) = (transaction.Address, 12, default(PageAttributes));
        if (!first.IsStage2)
        {
            var translation = BankTranslation.Of(first, Features);
            var choice = translation.Choose(transaction.Address);
            if (choice.Status != ContextFaultStatus.None)
            {
                fault = new BankFault(first, choice.Status, choice.Level);
                return default;
            }
            if (choice.Walk is { } walk)
            {
                var found = _first.Translate(walk, choice.Address, translation.Asid, VmidOf(first), transaction.Access, transaction.Privilege, guest);
                if (found.Cause == FaultCause.None && found.Output >> translation.OutputBits != 0)
                    found = found with { Cause = FaultCause.AddressSize };
                if (found.Cause != FaultCause.None)
                {
                    fault = FaultOf(found, first, second);
                    return default;
                }
                (ipa, shift, attributes) = (found.Output, found.Shift, found.Attributes);
            }
        }
        if (stage2 is null)
            return new SmmuResult(SmmuOutcome.Translated, new PhysAddr(ipa), shift, attributes);
        return TranslateBehind(transaction, first, stage2, ipa, shift, attributes, out fault);
    }

    private SmmuResult TranslateBehind(
        in SmmuTransaction transaction, ContextBank first, ContextBank stage2, ulong ipa, int shift, in PageAttributes attributes, out BankFault? fault)
    {
        fault = null;
        var translation = BankTranslation.Of(stage2, Features);
        var nested = ReferenceEquals(first, stage2) ? null : first;
        if (translation.CheckIntermediate(ipa) is var status and not ContextFaultStatus.None)
        {
            fault = new BankFault(stage2, status, 1) { Ipa = ipa, Stage1 = nested };
            return default;
        }
        if (!translation.IsEnabled)
            return new SmmuResult(SmmuOutcome.Translated, new PhysAddr(ipa), shift, attributes);
        var found = SecondStageOf(stage2).Translate(ipa, transaction.Access, transaction.Privilege);
        if (found.Cause == FaultCause.None && found.Output >> translation.OutputBits != 0)
            found = found with { Cause = FaultCause.AddressSize };
        if (found.Cause != FaultCause.None)
        {
            fault = FaultOf(found with { Ipa = ipa }, first, stage2);
            return default;
        }
        return new SmmuResult(SmmuOutcome.Translated, new PhysAddr(found.Output), Math.Min(shift, found.Shift), nested is null ? found.Attributes : attributes);
    }

    // Nothing where stage 2 does not translate: then tables of stage 1 are where they say.
    private SecondStage SecondStageOf(ContextBank bank)
    {
        var translation = BankTranslation.Of(bank, Features);
        return translation.IsEnabled ? new SecondStage(_second, translation.Second, VmidOf(bank), bank.Has(ContextBankControl.ProtectedTableWalk)) : default;
    }

    // A fault of stage 2 is recorded in its bank, whoever asked (3.7.2).
    private static BankFault FaultOf(in StageFault found, ContextBank first, ContextBank? second)
    {
        var isBehind = found.IsStage2 && second is not null && !ReferenceEquals(first, second);
        return new BankFault(found.IsStage2 ? second ?? first : first, StatusOf(found.Cause), found.Level)
        {
            IsExternalOnWalk = found.Cause == FaultCause.ExternalAbortOnWalk,
            Ipa = found.Ipa,
            Stage1 = isBehind ? first : null,
            IsStage1Walk = isBehind && found.IsStage1Walk,
        };
    }

    private static ContextFaultStatus StatusOf(FaultCause cause) => cause switch
    {
        FaultCause.Permission => ContextFaultStatus.Permission,
        FaultCause.AccessFlag => ContextFaultStatus.AccessFlag,
        FaultCause.AddressSize => ContextFaultStatus.AddressSize,
        FaultCause.ExternalAbortOnWalk => ContextFaultStatus.External,
        _ => ContextFaultStatus.Translation,
    };
}
