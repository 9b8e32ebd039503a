using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>Faults: how they are recorded, what becomes of the access and of those behind it, and who is told (Arm IHI 0062, chapter 3).</summary>
public sealed partial class SmmuV2
{
    // Number of a context bank whose interrupt came up, or this for the global one.
    private const int Global = -1;

    private readonly Queue<int> _raised = [];
    private bool _isGlobalAsserted;

    /// <summary>Accesses that wait for software now, those behind a stalled one included.</summary>
    public int StalledCount
    {
        get
        {
            using (_gate.Hold())
            {
                var count = 0;
                foreach (var bank in _banks)
                    count += (bank.Stalled is null ? 0 : 1) + bank.Waiting.Count;
                return count;
            }
        }
    }

    // CheckForFaultsInBank of 3.7.3: without hit-under-fault nothing goes on until software has cleared the fault; what is not stalled is terminated.
    private static bool KeepsBack(ContextBank bank) => bank.HasFault && !bank.Has(ContextBankControl.HitUnderFault);

    private SmmuResult Fail(in SmmuTransaction transaction, in SmmuTransaction own, in BankFault fault, StalledTransaction? waiting)
    {
        var bank = fault.Bank;
        if (bank.HasFault)
        {
            if (bank.IsStalled)
                return Wait(bank, transaction, waiting);
            _statistics.LostFaults++;
            bank.Status |= ContextFaultStatus.Multiple;
            return Terminate(bank);
        }
        Record(own, fault);
        if (!bank.Has(ContextBankControl.Stall) || (_cr0 & SmmuV2Control.StallDisable) != 0)
            return Terminate(bank);
        bank.Status |= ContextFaultStatus.Stalled;
        bank.Stalled = waiting ?? new StalledTransaction(transaction, 0, aborts: false);
        return Stalled(bank.Stalled);
    }

    private void Record(in SmmuTransaction own, in BankFault fault)
    {
        var bank = fault.Bank;
        var syndrome = ContextFaultSyndrome.Create(
            fault.Level, own.Access == AccessRights.Write, own.Privilege == Privilege.Privileged, own.Access == AccessRights.Execute, fault.IsExternalOnWalk);
        if (fault.Stage1 is { } stage1)
            syndrome = syndrome.BehindStage1(stage1.Number, fault.IsStage1Walk);
        bank.Status |= fault.Status;
        (bank.FaultAddress, bank.Syndrome0, bank.RestrictedSyndrome) = (own.Address, syndrome.Value, own.StreamId & 0xFFFF);
        if (bank.IsStage2)
            bank.IpaFaultAddress = fault.Ipa & ~0xFFFUL;
        _statistics.ContextFaults++;
        // What translates no more while the fault is there must not be answered by a port.
        ForgetAnswers();
        UpdateLine(bank);
        if (bank.Has(ContextBankControl.FaultInterrupt) && !HasInterrupt(bank))
            RecordGlobally(own, GlobalFaultStatus.UnimplementedContextInterrupt, fault.Stage1 is not null);
    }

    private SmmuResult FailGlobally(in SmmuTransaction own, GlobalFaultStatus status, bool isNested)
    {
        RecordGlobally(own, status, isNested);
        _statistics.Terminated++;
        return (_cr0 & SmmuV2Control.GlobalFaultReport) != 0 ? SmmuResult.Aborted : Ignored;
    }

    private void RecordGlobally(in SmmuTransaction own, GlobalFaultStatus status, bool isNested)
    {
        if (_globalStatus != GlobalFaultStatus.None)
        {
            _globalStatus |= GlobalFaultStatus.Multiple;
            _statistics.LostFaults++;
        }
        else
        {
            _globalStatus = status;
            _globalAddress = own.Address;
            _globalSyndrome0 = GlobalFaultSyndrome.Create(
                isNested, own.Access == AccessRights.Write, own.Privilege == Privilege.Privileged, own.Access == AccessRights.Execute).Value;
            _globalSyndrome1 = own.StreamId & 0xFFFF;
            _statistics.GlobalFaults++;
        }
        UpdateGlobalLine();
    }

    private static SmmuResult Ignored => new(SmmuOutcome.ReadZeroWriteIgnored, default, 0, default);

    private SmmuResult Terminate(ContextBank bank)
    {
        _statistics.Terminated++;
        return bank.Has(ContextBankControl.FaultReport) ? SmmuResult.Aborted : Ignored;
    }

    private static SmmuResult Wait(ContextBank bank, in SmmuTransaction transaction, StalledTransaction? waiting)
    {
        var own = waiting ?? new StalledTransaction(transaction, 0, aborts: false);
        bank.Waiting.Add(own);
        return Stalled(own);
    }

    private static SmmuResult Stalled(StalledTransaction own) => new(SmmuOutcome.Stalled, default, 0, default, own);

    // SMMU_CBn_RESUME: the stalled access ends or is tried again, and with it those that waited, in their order (16.5.28).
    private void Resume(ContextBank bank, bool isTerminated)
    {
        if (!bank.IsStalled)
            return;
        bank.Status &= ~ContextFaultStatus.Stalled;
        var stalled = bank.Stalled;
        StalledTransaction[] waiting = [.. bank.Waiting];
        bank.Stalled = null;
        bank.Waiting.Clear();
        if (isTerminated)
            stalled!.Result = Terminate(bank);
        else
            Retry(stalled!);
        foreach (var each in waiting)
            Retry(each);
    }

    private void Retry(StalledTransaction own)
    {
        if (Process(own.Transaction, own) is { Outcome: not SmmuOutcome.Stalled } result)
            own.Result = result;
    }

    private bool HasInterrupt(ContextBank bank) => Features.ContextInterrupts == 1 || bank.Attribute.Interrupt < Features.ContextInterrupts;

    // An interrupt is a level: it is up while a fault is there. SS alone keeps none up, which is the implementation's to say (3.6.3).
    private void UpdateLine(ContextBank bank)
    {
        var isAsserted = bank.Has(ContextBankControl.FaultInterrupt) && (bank.Status & WritableStatus) != 0 && HasInterrupt(bank);
        if (isAsserted && !bank.IsAsserted)
            _raised.Enqueue(bank.Number);
        bank.IsAsserted = isAsserted;
    }

    private void UpdateGlobalLine()
    {
        var isAsserted = (_cr0 & SmmuV2Control.GlobalFaultInterrupt) != 0 && _globalStatus != GlobalFaultStatus.None;
        if (isAsserted && !_isGlobalAsserted)
            _raised.Enqueue(Global);
        _isGlobalAsserted = isAsserted;
    }

    // Outside of the gate: handlers write registers.
    private void RaiseInterrupts()
    {
        for (; ;)
        {
            int line;
            using (_gate.Hold())
            {
                if (!_raised.TryDequeue(out line))
                    return;
            }
            if (line == Global)
                GlobalInterrupt?.Invoke();
            else
                ContextInterrupt?.Invoke(line);
        }
    }
}
