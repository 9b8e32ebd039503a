using KmemKit.Architecture.Smmu.V2;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>The registers of a context bank (Arm IHI 0062, chapters 16 and 17).</summary>
public sealed partial class SmmuV2
{
    private const ContextFaultStatus WritableStatus = ContextFaultStatus.Multiple | (ContextFaultStatus)0x1FE;

    private static ulong ReadBank(ContextBank bank, int at, int size)
    {
        if (size == 8)
            return WideRegister(at) == at ? ReadWide(bank, at) : 0;
        if (WideRegister(at) is var wide and >= 0)
            return at == wide ? ReadWide(bank, wide) & uint.MaxValue : ReadWide(bank, wide) >> 32;
        return at switch
        {
            R.BankControl => (uint)bank.Control,
            R.BankAuxiliaryControl => bank.Auxiliary,
            R.BankTcr2 when !bank.IsStage2 => bank.Tcr2.Value,
            R.BankTcr => bank.Tcr.Value,
            R.BankContextId when !bank.IsStage2 => bank.ContextId,
            R.BankMair0 when !bank.IsStage2 => bank.Mair0,
            R.BankMair1 when !bank.IsStage2 => bank.Mair1,
            R.BankFaultStatus => (uint)(bank.Status | FormatOf(bank)),
            R.BankFaultSyndrome0 => bank.Syndrome0,
            // TLBSTATUS: a synchronisation is done when it is written.
            _ => 0,
        };
    }

    // The 64-bit register that an offset is the first or the second half of; -1 for none.
    private static int WideRegister(int at) => (at & ~7) is var wide && wide is R.BankTtbr0 or R.BankTtbr1 or R.BankFaultAddress or R.BankIpaFaultAddress ? at & ~7 : -1;

    private static ulong ReadWide(ContextBank bank, int at) => at switch
    {
        R.BankTtbr0 => bank.Ttbr0,
        R.BankTtbr1 => bank.IsStage2 ? 0 : bank.Ttbr1,
        R.BankFaultAddress => bank.FaultAddress,
        _ => bank.IsStage2 ? bank.IpaFaultAddress : 0,
    };

    private void WriteBank(ContextBank bank, int at, int size, ulong value)
    {
        if (TryPost(bank, at, size, value))
            return;
        if (WideRegister(at) is var wide and >= 0)
        {
            var whole = ReadWide(bank, wide);
            WriteWide(bank, wide, size == 8 ? value : at == wide ? (whole & ~0xFFFF_FFFFUL) | value : (whole & 0xFFFF_FFFFUL) | (value << 32));
        }
        else if (size == 4)
        {
            WriteNarrow(bank, at, (uint)(value & uint.MaxValue));
        }
    }

    private void WriteWide(ContextBank bank, int at, ulong value)
    {
        switch (at)
        {
            case R.BankTtbr0:
                bank.Ttbr0 = value;
                ForgetTranslation(bank);
                break;
            case R.BankTtbr1 when !bank.IsStage2:
                bank.Ttbr1 = value;
                ForgetTranslation(bank);
                break;
            case R.BankFaultAddress:
                bank.FaultAddress = value;
                break;
            case R.BankIpaFaultAddress when bank.IsStage2:
                bank.IpaFaultAddress = value;
                break;
        }
    }

    private void WriteNarrow(ContextBank bank, int at, uint value)
    {
        switch (at)
        {
            case R.BankControl:
                bank.Control = (ContextBankControl)value;
                ForgetTranslation(bank);
                UpdateLine(bank);
                break;
            case R.BankAuxiliaryControl:
                bank.Auxiliary = value;
                break;
            case R.BankResume:
                Resume(bank, isTerminated: (value & 1) != 0);
                break;
            case R.BankTcr2 when !bank.IsStage2:
                bank.Tcr2 = new ContextBankTcr2(value);
                ForgetTranslation(bank);
                break;
            case R.BankTcr:
                bank.Tcr = new ContextBankTcr(value);
                ForgetTranslation(bank);
                break;
            case R.BankContextId when !bank.IsStage2:
                bank.ContextId = value;
                ForgetTranslation(bank);
                break;
            case R.BankMair0 when !bank.IsStage2:
                bank.Mair0 = value;
                ForgetTranslation(bank);
                break;
            case R.BankMair1 when !bank.IsStage2:
                bank.Mair1 = value;
                ForgetTranslation(bank);
                break;
            case R.BankFaultStatus:
                // SS and Format stay as they are.
                bank.Status &= ~((ContextFaultStatus)value & WritableStatus);
                UpdateLine(bank);
                break;
            case R.BankFaultStatusRestore:
                bank.Status = (bank.Status & ContextFaultStatus.Stalled) | ((ContextFaultStatus)value & WritableStatus);
                ForgetAnswers();
                UpdateLine(bank);
                break;
            case R.BankFaultSyndrome0:
                bank.Syndrome0 = value;
                break;
            case R.BankTlbSync:
                Sync(bank);
                break;
        }
    }

    // Which tables the bank has now: software does not change that under a fault (16.5.9).
    private static ContextFaultStatus FormatOf(ContextBank bank) => bank.Attribute2.IsAArch64
        ? ContextFaultStatus.AArch64Format
        : bank.IsStage2 || bank.Tcr.HasLongDescriptors ? ContextFaultStatus.LongFormat : ContextFaultStatus.None;

    private void ForgetTranslation(ContextBank bank)
    {
        bank.Translation = null;
        ForgetAnswers();
    }
}
