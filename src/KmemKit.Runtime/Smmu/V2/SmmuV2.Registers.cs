using KmemKit.Architecture.Smmu.V2;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>
/// The register file (Arm IHI 0062, chapters 8 to 10): global spaces 0 and 1, and the pages of context banks. Accesses of 4 bytes, and of 8 to the 64-bit registers; others, and
/// those to what is not there, read 0 and write nothing.
/// </summary>
public sealed partial class SmmuV2
{
    private const GlobalFaultStatus KnownGlobalFaults = GlobalFaultStatus.Multiple | (GlobalFaultStatus)0x1FF;

    // GSE, GCFGFRE, GCFGFIE, EXIDENABLE and TRANSIENTCFG are not there.
    private const uint KnownControl = 0x0FFF_FD07;

    private SmmuV2Control _cr0 = SmmuV2Control.ClientPortDisable;
    private GlobalFaultStatus _globalStatus;
    private uint _acr, _globalSyndrome0, _globalSyndrome1;
    private ulong _globalAddress;

    /// <inheritdoc/>
    public override ulong Read(ulong offset, int size)
    {
        using (_gate.Hold())
        {
            var (page, at) = (offset >> Features.RegisterPageShift, (int)(offset & ((1UL << Features.RegisterPageShift) - 1)));
            if ((size != 4 && size != 8) || (at & (size - 1)) != 0)
                return 0;
            if (BankAt(page) is { } bank)
                return ReadBank(bank, at, size);
            return (page, size) switch
            {
                (0, 4) => ReadGlobal0(at),
                (0, 8) => at == R.FaultAddress ? _globalAddress : 0,
                (1, 4) => ReadGlobal1(at),
                _ => 0,
            };
        }
    }

    /// <inheritdoc/>
    public override void Write(ulong offset, int size, ulong value)
    {
        bool tells;
        using (_gate.Hold())
        {
            var (page, at) = (offset >> Features.RegisterPageShift, (int)(offset & ((1UL << Features.RegisterPageShift) - 1)));
            if ((size == 4 || size == 8) && (at & (size - 1)) == 0)
            {
                if (BankAt(page) is { } bank)
                    WriteBank(bank, at, size, value);
                else if (page == 0 && size == 8 && at == R.FaultAddress)
                    _globalAddress = value;
                else if (page == 0 && size == 4)
                    WriteGlobal0(at, (uint)(value & uint.MaxValue));
                else if (page == 1 && size == 4)
                    WriteGlobal1(at, (uint)(value & uint.MaxValue));
            }
            tells = _raised.Count > 0;
        }
        if (tells)
            RaiseInterrupts();
    }

    // Behind the global half; pages of banks that are not there hold nothing.
    private ContextBank? BankAt(ulong page)
    {
        var first = 2UL << Features.RegisterPageIndexBits;
        return page >= first && page - first < (ulong)_banks.Length ? _banks[page - first] : null;
    }

    private uint ReadGlobal0(int at) => at switch
    {
        R.Cr0 => (uint)_cr0,
        R.Acr => _acr,
        R.Idr0 => Features.Idr0,
        R.Idr1 => Features.Idr1,
        R.Idr2 => Features.Idr2,
        R.FaultAddress => (uint)(_globalAddress & uint.MaxValue),
        R.FaultAddress + 4 => (uint)(_globalAddress >> 32),
        R.FaultStatus => (uint)_globalStatus,
        R.FaultSyndrome0 => _globalSyndrome0,
        R.FaultSyndrome1 => _globalSyndrome1,
        _ when TryIndex(at, R.StreamMatch(0), _match.Length, out var group) => Features.StreamMatching ? _match[group].Value : 0,
        _ when TryIndex(at, R.StreamToContext(0), _target.Length, out var group) => _target[group].Value,
        _ => 0,
    };

    private void WriteGlobal0(int at, uint value)
    {
        switch (at)
        {
            case R.Cr0:
                _cr0 = (SmmuV2Control)(value & (KnownControl | (Features.Vmid16 ? (uint)SmmuV2Control.Vmid16Enable : 0)));
                ForgetTranslations();
                UpdateGlobalLine();
                break;
            case R.Acr:
                _acr = value;
                break;
            case R.FaultAddress:
                _globalAddress = (_globalAddress & ~0xFFFF_FFFFUL) | value;
                break;
            case R.FaultAddress + 4:
                _globalAddress = (_globalAddress & 0xFFFF_FFFFUL) | ((ulong)value << 32);
                break;
            case R.FaultStatus:
                _globalStatus &= ~(GlobalFaultStatus)value;
                UpdateGlobalLine();
                break;
            case R.FaultStatusRestore:
                _globalStatus = (GlobalFaultStatus)value & KnownGlobalFaults;
                UpdateGlobalLine();
                break;
            case R.FaultSyndrome0:
                _globalSyndrome0 = value;
                break;
            case R.FaultSyndrome1:
                _globalSyndrome1 = value;
                break;
            case R.TlbiVmid or R.TlbiVmidS1 or R.TlbiAllNsnh or R.TlbiAllH:
                PostGlobal(at, value);
                break;
            case R.TlbGlobalSync:
                SyncAll();
                break;
            case var _ when Features.StreamMatching && TryIndex(at, R.StreamMatch(0), _match.Length, out var group):
                WriteMatch(group, value);
                break;
            case var _ when TryIndex(at, R.StreamToContext(0), _target.Length, out var group):
                WriteTarget(group, value);
                break;
        }
    }

    private uint ReadGlobal1(int at)
    {
        if (TryIndex(at, 0, _banks.Length, out var bank))
            return _banks[bank].Attribute.Value;
        if (TryIndex(at, 0x400, _banks.Length, out bank))
            return _banks[bank].RestrictedSyndrome;
        return TryIndex(at, 0x800, _banks.Length, out bank) ? _banks[bank].Attribute2.Value : 0;
    }

    private void WriteGlobal1(int at, uint value)
    {
        if (TryIndex(at, 0, _banks.Length, out var bank))
            WriteAttribute(_banks[bank], value);
        else if (TryIndex(at, 0x400, _banks.Length, out bank))
            _banks[bank].RestrictedSyndrome = value & 0xFFFF;
        else if (TryIndex(at, 0x800, _banks.Length, out bank))
            WriteAttribute2(_banks[bank], value);
    }

    // HYPC, bit 10 of stage 1 alone, is not there; where each bank has its own interrupt, nor is IRPTNDX (3.6.2).
    private void WriteAttribute(ContextBank bank, uint value)
    {
        var attribute = new ContextBankAttribute(Features.ContextInterrupts == 1 ? value & 0x00FF_FFFF : value);
        bank.Attribute = attribute.Type == ContextBankType.Stage1 ? new ContextBankAttribute(attribute.Value & ~(1u << 10)) : attribute;
        ForgetTranslations();
    }

    // VA64 is fixed where there are tables of one kind only; MONC is not there.
    private void WriteAttribute2(ContextBank bank, uint value)
    {
        var isAArch64 = Features.Granules != 0 && ((value & 1) != 0 || Features.AArch32 == AArch32Formats.None);
        bank.Attribute2 = new ContextBankAttribute2((isAArch64 ? 1u : 0) | (Features.Vmid16 ? value & 0xFFFF_0000 : 0));
        ForgetTranslations();
    }

    // What banks mean depends on each other and on sCR0.
    private void ForgetTranslations()
    {
        foreach (var bank in _banks)
            bank.Translation = null;
        ForgetAnswers();
    }

    private static bool TryIndex(int at, int first, int count, out int index)
    {
        index = (at - first) >> 2;
        return at >= first && index < count;
    }
}
