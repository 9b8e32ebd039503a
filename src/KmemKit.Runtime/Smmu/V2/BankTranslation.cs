using System;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Smmu.Stages;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>Where an address goes in a context bank.</summary>
/// <param name="Walk">Its tables; null where <paramref name="Status"/> says why not.</param>
/// <param name="Address">The address as the tables have it, its sign extended.</param>
/// <param name="Status">The fault; none else.</param>
/// <param name="Level">The fault's level.</param>
internal readonly record struct BankChoice(StageWalk? Walk, ulong Address, ContextFaultStatus Status, int Level);

/// <summary>A context bank's translation, taken apart from its registers once after each change of them (Arm IHI 0062, 1.6, 3.7.2, 16.5 and 17.3).</summary>
internal sealed class BankTranslation
{
    private readonly SmmuV2Features _features;
    private readonly StageWalk? _lower;
    private readonly StageWalk? _upper;
    private readonly int _signPosition;
    // AArch32: addresses of TTBR0 end before the first, those of TTBR1 start at the second.
    private readonly ulong _lowerEnd;
    private readonly ulong _upperStart;

    private BankTranslation(ContextBank bank, SmmuV2Features features)
    {
        _features = features;
        IsAArch64 = bank.Attribute2.IsAArch64;
        IsStage2 = bank.IsStage2;
        var (wide, output) = (IsAArch64 ? 48 : 40, IsStage2 ? features.OutputAddressBits : features.IntermediateAddressBits);
        // Without a stage 2 the output of stage 1 is a physical address (1.6.1, effective IPA size).
        if (bank.Attribute.Type == ContextBankType.Stage1)
            output = Math.Min(output, features.OutputAddressBits);
        OutputBits = Math.Min(wide, output);
        if (!bank.Has(ContextBankControl.Enable))
            return;
        IsEnabled = true;
        if (IsStage2)
        {
            _lower = IsAArch64 ? Stage2(bank) : LongStage2(bank);
        }
        else if (IsAArch64)
        {
            Asid = AsidOf(bank, bank.Tcr2.HasWideAsid ? 0xFFFFu : 0xFF);
            _signPosition = bank.Tcr2.SignPosition;
            _lower = Stage1(bank, isUpper: false);
            _upper = Stage1(bank, isUpper: true);
        }
        else if (bank.Tcr.HasLongDescriptors)
        {
            Asid = AsidOf(bank, 0xFF);
            (_lower, _upper, _lowerEnd, _upperStart) = Long(bank);
        }
        else
        {
            Asid = (ushort)(bank.ContextId & 0xFF);
            (_lower, _upper, _lowerEnd, _upperStart) = Short(bank);
        }
    }

    /// <summary>SCTLR.M.</summary>
    public bool IsEnabled { get; }

    public bool IsAArch64 { get; }

    public bool IsStage2 { get; }

    /// <summary>Bits that an output may have, whatever the tables say.</summary>
    public int OutputBits { get; }

    public ushort Asid { get; }

    public static BankTranslation Of(ContextBank bank, SmmuV2Features features) => bank.Translation ??= new BankTranslation(bank, features);

    /// <summary>Stage 2 where its translation is off, or the address is one that it has not: what it does with it.</summary>
    public ContextFaultStatus CheckIntermediate(ulong ipa)
    {
        if (!IsAArch64 && ipa >> 40 != 0)
            return IsEnabled ? ContextFaultStatus.Translation : ContextFaultStatus.AddressSize;
        if (!IsEnabled)
            return ipa >> OutputBits != 0 ? ContextFaultStatus.AddressSize : ContextFaultStatus.None;
        return ipa >> _features.IntermediateAddressBits != 0 ? ContextFaultStatus.Translation : ContextFaultStatus.None;
    }

    /// <summary>Stage 2's tables, where it is enabled.</summary>
    public StageWalk Second => _lower!;

    /// <summary>Which tables an input address of stage 1 belongs to.</summary>
    public BankChoice Choose(ulong address)
    {
        if (!IsAArch64)
            return address >> 32 != 0 ? new BankChoice(null, address, ContextFaultStatus.Translation, 1) : IsEnabled ? ChooseShort(address) : Passed(address);
        return IsEnabled ? ChooseLong(address) : Passed(address);
    }

    private BankChoice Passed(ulong address) => address >> OutputBits != 0
        ? new BankChoice(null, address, ContextFaultStatus.AddressSize, IsAArch64 ? 0 : 1)
        : new BankChoice(null, address, ContextFaultStatus.None, 0);

    // 1.6.4: what does not fit the bus is no address of this SMMU; then the sign is extended, and the top bits say whose it is.
    private BankChoice ChooseLong(ulong address)
    {
        var bus = _features.InputAddressBits;
        if (bus < 64)
        {
            var isNegative = bus == 49 && unchecked((long)address) < 0;
            if ((isNegative ? ~address : address) >> (bus == 49 ? bus - 1 : bus) != 0)
                return new BankChoice(null, address, ContextFaultStatus.UnsupportedUpstreamTransaction, 0);
        }
        if (_signPosition >= 0 && _signPosition < bus)
        {
            var sent = bus < 64 ? address & ((1UL << bus) - 1) : address;
            if (sent >> _signPosition > 1)
                return new BankChoice(null, address, ContextFaultStatus.Translation, 0);
            address = unchecked((ulong)((long)(sent << (63 - _signPosition)) >> (63 - _signPosition)));
        }
        var walk = unchecked((long)address) < 0 ? _upper : _lower;
        return walk is not null && walk.Translates(address)
            ? new BankChoice(walk, address, ContextFaultStatus.None, 0)
            : new BankChoice(null, address, ContextFaultStatus.Translation, 0);
    }

    private BankChoice ChooseShort(ulong address)
    {
        var walk = address >= _upperStart ? _upper : address < _lowerEnd ? _lower : null;
        return walk is not null ? new BankChoice(walk, address, ContextFaultStatus.None, 0) : new BankChoice(null, address, ContextFaultStatus.Translation, 1);
    }

    private static ushort AsidOf(ContextBank bank, uint mask) => (ushort)((bank.Tcr.HasUpperAsid ? bank.Ttbr1 : bank.Ttbr0) >> 48 & mask);

    private static WalkSettings SettingsOf(ContextBank bank, FaultCause refusal, int level) => new()
    {
        IgnoresAccessFlag = bank.Has(ContextBankControl.AccessFlagFaultDisable),
        IsBigEndian = bank.Has(ContextBankControl.BigEndian),
        Refusal = new TranslationFault(refusal, level),
    };

    // A walk that is off comes before a root that is nowhere (table 3-3).
    private static FaultCause RefusalOf(bool isOff, ulong root, int bits) => isOff ? FaultCause.Translation : root >> bits != 0 ? FaultCause.AddressSize : FaultCause.None;

    private static ulong RootOf(ulong ttbr) => ttbr & 0xFFFF_FFFF_FFFF;

    private static TranslationControls WriteNever(ContextBank bank) => bank.Has(ContextBankControl.WriteExecuteNever) ? TranslationControls.Wxn : TranslationControls.None;

    private StageWalk? Stage1(ContextBank bank, bool isUpper)
    {
        var input = 64 - (isUpper ? bank.Tcr.T1Size : bank.Tcr.T0Size);
        if (input is < 25 or > 48)
            return null;
        var granule = GranuleOf(isUpper ? bank.Tcr.UpperGranuleShift : bank.Tcr.LowerGranuleShift);
        var bits = Math.Min(OutputBits, SmmuV2Features.AddressSize(bank.Tcr2.OutputCode));
        var root = RootOf(isUpper ? bank.Ttbr1 : bank.Ttbr0);
        var settings = SettingsOf(bank, RefusalOf(isUpper ? bank.Tcr.DisablesUpper : bank.Tcr.DisablesLower, root, bits), 0);
        return StageWalk.Stage1(granule, input, bits, isUpper, bank.Mair0 | ((ulong)bank.Mair1 << 32), WriteNever(bank), root, settings);
    }

    // One that is not there is taken for one that is (16.5.38, TG0).
    private int GranuleOf(int shift)
    {
        foreach (var other in (ReadOnlySpan<int>)[shift, 12, 14, 16])
        {
            if (_features.HasGranule(other))
                return other;
        }
        return shift;
    }

    private (StageWalk Lower, StageWalk? Upper, ulong LowerEnd, ulong UpperStart) Long(ContextBank bank)
    {
        var controls = WriteNever(bank) | (bank.Has(ContextBankControl.UnprivilegedWriteExecuteNever) ? TranslationControls.Uwxn : TranslationControls.None);
        var (t0, t1, mair) = (bank.Tcr.T0Size32, bank.Tcr.T1Size32, bank.Mair0 | ((ulong)bank.Mair1 << 32));
        // Table 1-7: where one of the two is 0, its range is what the other one leaves.
        var upperStart = t1 != 0 ? (1UL << 32) - (1UL << (32 - t1)) : t0 != 0 ? 1UL << (32 - t0) : 1UL << 32;
        var lowerEnd = t0 != 0 ? 1UL << (32 - t0) : 1UL << 32;
        var (root0, root1) = (RootOf(bank.Ttbr0), RootOf(bank.Ttbr1));
        var lower = StageWalk.Of(new ArmLpaeFormat(32 - t0, isUpper: false, mair, controls), root0, SettingsOf(bank, RefusalOf(bank.Tcr.DisablesLower, root0, OutputBits), 1));
        var upperSettings = SettingsOf(bank, RefusalOf(bank.Tcr.DisablesUpper, root1, OutputBits), 1);
        var upper = t1 != 0
            ? StageWalk.Of(new ArmLpaeFormat(32 - t1, isUpper: true, mair, controls), root1, upperSettings)
            : t0 != 0 ? StageWalk.Of(new ArmLpaeFormat(32, isUpper: false, mair, controls), root1, upperSettings) : null;
        return (lower, upper, lowerEnd, upperStart);
    }

    private (StageWalk? Lower, StageWalk? Upper, ulong LowerEnd, ulong UpperStart) Short(ContextBank bank)
    {
        if (_features.AArch32 != AArch32Formats.ShortAndLong)
            return default;
        var controls = WriteNever(bank) | TranslationControls.PrivilegedExecuteNever
            | (bank.Has(ContextBankControl.UnprivilegedWriteExecuteNever) ? TranslationControls.Uwxn : TranslationControls.None)
            | (bank.Has(ContextBankControl.AccessFlag) ? TranslationControls.AccessFlag : TranslationControls.None)
            | (bank.Has(ContextBankControl.TexRemap) ? TranslationControls.TexRemap : TranslationControls.None);
        var split = bank.Tcr.T0Size32;
        var boundary = 1UL << (32 - split);
        // There are no domains: all count as clients (2.7.2).
        var lower = StageWalk.Of(new ArmShortFormat(split, isUpper: false, controls, ArmShortFormat.AllClients, bank.Mair0, bank.Mair1),
            bank.Ttbr0 & uint.MaxValue, SettingsOf(bank, RefusalOf(bank.Tcr.DisablesShortLower, 0, OutputBits), 1));
        var upper = split == 0 ? null : StageWalk.Of(new ArmShortFormat(split, isUpper: true, controls, ArmShortFormat.AllClients, bank.Mair0, bank.Mair1),
            bank.Ttbr1 & uint.MaxValue, SettingsOf(bank, RefusalOf(bank.Tcr.DisablesShortUpper, 0, OutputBits), 1));
        return (lower, upper, boundary, split == 0 ? 1UL << 32 : boundary);
    }

    private StageWalk Stage2(ContextBank bank)
    {
        var (granule, input) = (GranuleOf(bank.Tcr.LowerGranuleShift), 64 - bank.Tcr.T0Size);
        var level = Stage2Geometry.StartLevel(granule, bank.Tcr.StartLevelCode);
        var bits = Math.Min(OutputBits, SmmuV2Features.AddressSize(bank.Tcr.OutputCode));
        var root = RootOf(bank.Ttbr0);
        if (input is < 25 or > 48 || level < 0 || Stage2Geometry.ConcatenationBits(granule, input, level) < 0)
            return StageWalk.Stage2(12, 25, 2, OutputBits, 0, SettingsOf(bank, FaultCause.Translation, 1));
        return StageWalk.Stage2(granule, input, level, bits, root, SettingsOf(bank, RefusalOf(false, root, bits), 0));
    }

    private StageWalk LongStage2(ContextBank bank)
    {
        var (input, root) = (32 - bank.Tcr.SignedT0Size, RootOf(bank.Ttbr0));
        // SL0 0 starts at level 2, 1 at level 1.
        if (input is < 25 or > 40 || new ArmLpaeStage2Format(input) is var format && format.RootLevel != 2 - bank.Tcr.StartLevelCode)
            return StageWalk.Of(new ArmLpaeStage2Format(25), 0, SettingsOf(bank, FaultCause.Translation, 1));
        return StageWalk.Of(format, root, SettingsOf(bank, RefusalOf(false, root, OutputBits), 1));
    }
}
