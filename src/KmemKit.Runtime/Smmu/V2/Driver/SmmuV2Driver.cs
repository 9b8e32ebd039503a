using System;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Memory;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Smmu.V2.Driver;

/// <summary>Software's side of an SMMUv2: stream mapping groups, context banks, and what devices may not.</summary>
/// <remarks>
/// What the SMMU has is read from its identification registers; how wide StreamIDs are, from what a match register keeps. Source: drivers/iommu/arm/arm-smmu of Linux for the order
/// of steps, Arm IHI 0062 for their meaning.
/// </remarks>
public sealed partial class SmmuV2Driver : SmmuDriver
{
    // A synchronisation that takes longer is one that never ends.
    private const int MostPolls = 1 << 20;

    private readonly SmmuV2 _smmu;
    private readonly Lock _gate = new();
    private readonly StreamGroup?[] _groups;
    private readonly bool[] _banks;

    private SmmuV2Driver(SmmuV2 smmu, uint streamMatchMask)
    {
        _smmu = smmu;
        Features = SmmuV2Features.FromRegisters(ReadRegister(R.Idr0), ReadRegister(R.Idr1), ReadRegister(R.Idr2));
        _groups = new StreamGroup?[Features.StreamMappingGroups];
        _banks = new bool[Features.ContextBanks];
        StreamMask = Features.StreamMatching ? 0x7FFF : uint.MaxValue;
        StreamMatchMask = streamMatchMask;
    }

    /// <summary>Turns an SMMU on (arm_smmu_device_reset): whatever was in its registers, its TLBs are invalidated, and every stream is aborted.</summary>
    /// <param name="smmu">The SMMU.</param>
    /// <param name="streamMatchMask"><c>stream-match-mask</c>: bits of every StreamID that do not count.</param>
    /// <param name="letsOthersPass">Streams that nothing is attached to pass through, as with <c>arm-smmu.disable_bypass=0</c>; else they are aborted.</param>
    /// <exception cref="ArgumentException">There is a mask, and the SMMU matches none.</exception>
    public static SmmuV2Driver Start(SmmuV2 smmu, uint streamMatchMask = 0, bool letsOthersPass = false)
    {
        ArgumentNullException.ThrowIfNull(smmu);
        var driver = new SmmuV2Driver(smmu, streamMatchMask);
        if (streamMatchMask != 0 && !driver.Features.StreamMatching)
            throw new ArgumentException("The SMMU indexes its groups by StreamID: there is nothing to mask.", nameof(streamMatchMask));
        driver.Reset(letsOthersPass);
        return driver;
    }

    /// <inheritdoc/>
    public override SmmuV2 Smmu => _smmu;

    /// <summary>What the identification registers say.</summary>
    public SmmuV2Features Features { get; }

    /// <summary>Bits of a StreamID that a match register keeps; all where StreamIDs are indexes.</summary>
    public uint StreamMask { get; private set; }

    /// <summary>Bits of every StreamID that do not count.</summary>
    public uint StreamMatchMask { get; }

    /// <inheritdoc/>
    public override TranslatedDomain<TGranule>? TryCreateDomain<TGranule>(Cpu cpu, PhysicalMemory memory, PhysRange? aperture = null, int inputBits = 39) =>
        SmmuV2Domain.TryCreate<TGranule>(this, cpu, memory, aperture, inputBits);

    /// <summary>Turns the SMMU off: all groups and banks are closed, and transactions are aborted without a word.</summary>
    public override void Dispose()
    {
        _smmu.ContextInterrupt -= ReadContextFault;
        _smmu.GlobalInterrupt -= ReadGlobalFault;
        WriteRegister(R.Cr0, (uint)(SmmuV2Control.GlobalFaultReport | SmmuV2Control.UnidentifiedStreamFault | SmmuV2Control.StreamMatchConflictFault));
        CloseGroups();
        CloseBanks();
        InvalidateEverything();
    }

    private void Reset(bool letsOthersPass)
    {
        // Nothing of what is there may fault while it is taken apart; CLIENTPD stays as it is until all is closed.
        WriteRegister(R.FaultStatus, ReadRegister(R.FaultStatus));
        ProbeStreamWidth();
        CloseGroups();
        CloseBanks();
        InvalidateEverything();
        _smmu.ContextInterrupt += ReadContextFault;
        _smmu.GlobalInterrupt += ReadGlobalFault;
        WriteRegister(R.Cr0, (uint)(SmmuV2Control.GlobalFaultReport | SmmuV2Control.GlobalFaultInterrupt | SmmuV2Control.StreamMatchConflictFault | SmmuV2Control.PrivateVmids
            | SmmuV2Control.PrivateTlbMaintenance | (letsOthersPass ? SmmuV2Control.None : SmmuV2Control.UnidentifiedStreamFault)));
    }

    // arm_smmu_test_smr_masks: bits that are not there do not stay. The group is not valid meanwhile.
    private void ProbeStreamWidth()
    {
        if (!Features.StreamMatching || _groups.Length == 0)
            return;
        WriteRegister(R.StreamMatch(0), 0x7FFF);
        StreamMask = ReadRegister(R.StreamMatch(0)) & 0x7FFF;
    }

    private void CloseGroups()
    {
        for (var i = 0; i < _groups.Length; i++)
        {
            WriteRegister(R.StreamToContext(i), StreamToContextRegister.Fault.Value);
            if (Features.StreamMatching)
                WriteRegister(R.StreamMatch(i), 0);
            _groups[i] = null;
        }
    }

    private void CloseBanks()
    {
        for (var i = 0; i < _banks.Length; i++)
        {
            CloseBank(i);
            _banks[i] = false;
        }
    }

    private void CloseBank(int bank)
    {
        // What is stalled ends with an abort. A stream that came here by mistake would fault, and not pass (3.8, invalid context).
        WriteRegister(R.BankAttribute(bank, Features.RegisterPageShift), (uint)ContextBankType.Stage1Stage2Fault << 16);
        WriteBank(bank, R.BankControl, (uint)ContextBankControl.FaultReport);
        WriteBank(bank, R.BankFaultStatus, uint.MaxValue);
        WriteBank(bank, R.BankResume, 1);
        WriteBank(bank, R.BankControl, 0);
    }

    private void InvalidateEverything()
    {
        WriteRegister(R.TlbiAllH, 0);
        WriteRegister(R.TlbiAllNsnh, 0);
        WriteRegister(R.TlbGlobalSync, 0);
        for (var i = 0; (ReadRegister(R.TlbGlobalStatus) & 1) != 0; i++)
            ThrowIfStuck(i);
    }

    /// <summary>Waits until what a bank posted is done.</summary>
    internal void SyncBank(int bank)
    {
        WriteBank(bank, R.BankTlbSync, 0);
        for (var i = 0; (ReadBank(bank, R.BankTlbStatus) & 1) != 0; i++)
            ThrowIfStuck(i);
    }

    private static void ThrowIfStuck(int polls)
    {
        if (polls == MostPolls)
            throw new InvalidOperationException("A synchronisation of the SMMU's TLBs does not end.");
    }

    private uint ReadRegister(int offset) => (uint)_smmu.Read((ulong)offset, 4);

    private void WriteRegister(int offset, uint value) => _smmu.Write((ulong)offset, 4, value);

    private uint ReadBank(int bank, int offset) => (uint)_smmu.Read(Features.BankOffset(bank) + (ulong)offset, 4);

    private ulong ReadBankWide(int bank, int offset) => _smmu.Read(Features.BankOffset(bank) + (ulong)offset, 8);

    internal void WriteBank(int bank, int offset, uint value) => _smmu.Write(Features.BankOffset(bank) + (ulong)offset, 4, value);

    internal void WriteBankWide(int bank, int offset, ulong value) => _smmu.Write(Features.BankOffset(bank) + (ulong)offset, 8, value);
}
