using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Smmu.V2.Driver;

/// <summary>Interrupts of an SMMUv2: what is recorded is read, cleared, and told.</summary>
public sealed partial class SmmuV2Driver
{
    /// <summary>Called with each fault of a context bank, on the thread whose access or register write made it. A stalled access is answered by <see cref="Resume"/>.</summary>
    public event Action<ContextFault>? ContextFaultReceived;

    /// <summary>Called with each global fault.</summary>
    public event Action<GlobalFault>? GlobalFaultReceived;

    /// <summary>Lets the access that is stalled in a bank go on, or ends it; those that wait behind it are tried then (SMMU_CBn_RESUME). Where none is, nothing happens.</summary>
    /// <param name="bank">The bank.</param>
    /// <param name="isTerminated">Whether it ends.</param>
    public void Resume(int bank, bool isTerminated)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bank);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(bank, Features.ContextBanks);
        WriteBank(bank, R.BankResume, isTerminated ? 1u : 0);
    }

    // arm_smmu_context_fault: until nothing is recorded any more, for what comes between reading and clearing leaves a bit of its own. The order is that of 16.5.28: cleared before it
    // is resumed.
    private void ReadContextFault(int bank)
    {
        for (; ;)
        {
            var status = (ContextFaultStatus)ReadBank(bank, R.BankFaultStatus) & ~ContextFaultStatus.Format;
            if ((status & ~ContextFaultStatus.Stalled) == ContextFaultStatus.None)
                return;
            var fault = new ContextFault(
                bank, status, new ContextFaultSyndrome(ReadBank(bank, R.BankFaultSyndrome0)), ReadBankWide(bank, R.BankFaultAddress),
                (uint)_smmu.Read((ulong)R.BankRestrictedSyndrome(bank, Features.RegisterPageShift), 4) & 0xFFFF, ReadBankWide(bank, R.BankIpaFaultAddress));
            WriteBank(bank, R.BankFaultStatus, (uint)status);
            // Of a fault that came second there is no record.
            if ((status & ~(ContextFaultStatus.Stalled | ContextFaultStatus.Multiple)) == ContextFaultStatus.None)
                continue;
            ContextFaultReceived?.Invoke(fault);
            var access = fault.Syndrome.IsInstruction ? AccessRights.Execute : fault.Syndrome.IsWrite ? AccessRights.Write : AccessRights.Read;
            Tell(new DeviceFault(KindOf(status), fault.StreamId, new BusAddr(fault.Address), access, (status & ContextFaultStatus.Stalled) != 0));
        }
    }

    private void ReadGlobalFault()
    {
        for (; ;)
        {
            var status = (GlobalFaultStatus)ReadRegister(R.FaultStatus);
            if (status == GlobalFaultStatus.None)
                return;
            var fault = new GlobalFault(
                status, new GlobalFaultSyndrome(ReadRegister(R.FaultSyndrome0)), _smmu.Read(R.FaultAddress, 8), ReadRegister(R.FaultSyndrome1) & 0xFFFF);
            WriteRegister(R.FaultStatus, (uint)status);
            if (status == GlobalFaultStatus.Multiple)
                continue;
            GlobalFaultReceived?.Invoke(fault);
            var access = fault.Syndrome.IsInstruction ? AccessRights.Execute : fault.Syndrome.IsWrite ? AccessRights.Write : AccessRights.Read;
            Tell(new DeviceFault(DeviceFaultKind.Configuration, fault.StreamId, new BusAddr(fault.Address), access, IsStalled: false));
        }
    }

    private static DeviceFaultKind KindOf(ContextFaultStatus status) => (status & ~(ContextFaultStatus.Stalled | ContextFaultStatus.Multiple)) switch
    {
        ContextFaultStatus.Permission => DeviceFaultKind.Permission,
        ContextFaultStatus.AccessFlag => DeviceFaultKind.AccessFlag,
        ContextFaultStatus.AddressSize or ContextFaultStatus.UnsupportedUpstreamTransaction => DeviceFaultKind.AddressSize,
        ContextFaultStatus.External => DeviceFaultKind.External,
        _ => DeviceFaultKind.Translation,
    };
}
