using System.Collections.Generic;
using System.Collections.Immutable;

namespace KmemKit.Architecture.Mpu.Pmsav7;

/// <summary>PMSAv6 (ARM1156T2-S) and PMSAv7 of the R and the M profile.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>PMSAv6: ARM DDI 0338G (ARM1156T2-S) 3.2.17: <c>DRBAR</c> base [31:5], <c>DRSR</c> size [5:1] and enable [0], <c>DRACR</c>; no subregions, and
/// no default map while the MPU is on: an undefined area is a background fault.</item>
/// <item>PMSAv7-R: ARM DDI 0363G 4.3.20, ARM DDI 0406C B5.1: the same with subregion disable bits [15:8] of DRSR in regions of 256 bytes and more, and
/// SCTLR.BR for the default map.</item>
/// <item>PMSAv7-M: ARM DDI 0403E B3.5: <c>RBAR</c> address [31:5] (VALID and REGION left 0: the region is selected by RNR); <c>RASR</c> XN [28],
/// AP [26:24], TEX [21:19], S [18], C [17], B [16], SRD [15:8], SIZE [5:1], ENABLE [0]. MPU_CTRL.PRIVDEFENA for the default map. The
/// private peripheral bus 0xe0000000-0xe00fffff answers by the default map always, and nothing is executed from 0xe0000000 up (B3.5.1).</item>
/// </list>
/// </remarks>
public sealed class Pmsav7Format : PowerOfTwoFormat
{
    private const int SubregionShift = 8;
    private const uint AddressMask = 0xffff_ffe0;
    private const int RasrTypeShift = 16;
    private const int RasrPermissionShift = 24;
    private const uint RasrExecuteNever = 1 << 28;
    private const int DracrPermissionShift = 8;
    private const uint DracrExecuteNever = 1 << 12;
    private const uint TypeMask = 0x3f;

    private readonly bool _isMicrocontroller;

    private Pmsav7Format(string name, bool isMicrocontroller, ulong smallestWithSubregions, int maximum, bool hasBackground) : base(name, 32)
    {
        _isMicrocontroller = isMicrocontroller;
        SmallestWithSubregions = smallestWithSubregions;
        MaximumRegionCount = maximum;
        HasPrivilegedBackground = hasBackground;
    }

    /// <summary>PMSAv6, ARM1156T2-S: 16 regions (ARM DDI 0338G 3.2.17 selects one of 16 sets of region registers), 32 bytes to 4 GiB.</summary>
    public static Pmsav7Format PmsaV6 { get; } = new("pmsav6", false, 0, 16, false);

    /// <summary>PMSAv7 of Cortex-R4, R5, R7 and R8.</summary>
    public static Pmsav7Format PmsaV7R { get; } = new("pmsav7-r", false, 256, 32, true);

    /// <summary>PMSAv7 of Cortex-M0+ (Armv6-M, which has it too), M3, M4 and M7.</summary>
    public static Pmsav7Format PmsaV7M { get; } = new("pmsav7-m", true, 256, 256, true);

    /// <inheritdoc/>
    public override ulong SmallestWithSubregions { get; }

    /// <inheritdoc/>
    public override int? FixedRegionCount => ReferenceEquals(this, PmsaV6) ? 16 : null;

    /// <inheritdoc/>
    public override int MaximumRegionCount { get; }

    /// <inheritdoc/>
    public override bool HasPrivilegedBackground { get; }

    /// <inheritdoc/>
    public override PhysRange Ungoverned => _isMicrocontroller ? DefaultMaps.PrivatePeripheralBus : base.Ungoverned;

    /// <inheritdoc/>
    public override PhysRange NeverExecuted => _isMicrocontroller ? DefaultMaps.SystemSpace : base.NeverExecuted;

    /// <inheritdoc/>
    public override ImmutableArray<string> RegionRegisters(int number) => _isMicrocontroller ? ["RBAR", "RASR"] : ["DRBAR", "DRSR", "DRACR"];

    /// <inheritdoc/>
    public override ImmutableArray<string> SharedRegisters(int regionCount) => [];

    /// <summary>RBAR reads with the number of the region in its low bits (ARM DDI 0403E B3.5.8).</summary>
    public override ulong KeptBits(string register) => register == "RBAR" ? AddressMask : base.KeptBits(register);

    /// <inheritdoc/>
    public override MpuAttributes DefaultMap(ulong address)
    {
        if (!HasPrivilegedBackground)
            return MpuAttributes.Deny;
        return _isMicrocontroller ? DefaultMaps.OfMProfile(address) : DefaultMaps.OfRProfile(address);
    }

    /// <inheritdoc/>
    public override MpuFault CheckAttributes(MpuAttributes attributes, MpuSpace space) =>
        space == MpuSpace.Unified ? Pmsav7Attributes.Check(attributes) : MpuFault.BadSpace;

    /// <inheritdoc/>
    public override MpuAttributes Canonical(MpuAttributes attributes, MpuSpace space) => Pmsav7Attributes.Canonical(attributes);

    private protected override MpuRegisterFile EncodeChecked(List<MpuRegion> regions, bool privilegedBackground)
    {
        var each = ImmutableArray.CreateBuilder<MpuRegionRegisters>(regions.Count);
        foreach (var region in regions)
        {
            var address = (uint)region.Range.Start.Value & AddressMask;
            var size = (uint)region.SubregionDisable << SubregionShift | SizeAndEnable(region);
            var permission = Pmsav7Attributes.AccessPermission(region.Attributes)!.Value;
            var type = Pmsav7Attributes.Type(region.Attributes);
            var never = Pmsav7Attributes.IsExecuteNever(region.Attributes);
            ImmutableArray<MpuRegister> values = _isMicrocontroller
                ?
                [
                    new("RBAR", address),
                    new("RASR", (never ? RasrExecuteNever : 0) | permission << RasrPermissionShift | type << RasrTypeShift | size),
                ]
                :
                [
                    new("DRBAR", address), new("DRSR", size),
                    new("DRACR", (never ? DracrExecuteNever : 0) | permission << DracrPermissionShift | type),
                ];
            each.Add(new MpuRegionRegisters(region.Number, MpuSpace.Unified, values));
        }
        return new MpuRegisterFile([], each.ToImmutable(), privilegedBackground);
    }

    private protected override MpuTable DecodeChecked(MpuRegisterFile registers, List<MpuRegionRegisters> sorted)
    {
        var regions = ImmutableArray.CreateBuilder<MpuRegion>();
        foreach (var each in sorted)
        {
            var (baseName, sizeName, controlName) = _isMicrocontroller ? ("RBAR", "RASR", "RASR") : ("DRBAR", "DRSR", "DRACR");
            var size = (uint)each[sizeName];
            if ((size & EnableBit) == 0)
                continue;
            var control = (uint)each[controlName];
            var attributes = _isMicrocontroller
                ? Pmsav7Attributes.Decode(control >> RasrPermissionShift & 7, (control & RasrExecuteNever) != 0, control >> RasrTypeShift & TypeMask, true)
                : Pmsav7Attributes.Decode(control >> DracrPermissionShift & 7, (control & DracrExecuteNever) != 0, control & TypeMask, false);
            var range = RangeOf(sizeName, each[baseName] & AddressMask, size);
            var disable = unchecked((byte)(size >> SubregionShift));
            if (disable != 0 && (SmallestWithSubregions == 0 || range.Size.Value < SmallestWithSubregions))
                throw Reserved(sizeName, size);
            regions.Add(new MpuRegion(each.Number, range, attributes ?? throw Reserved(controlName, control)) { SubregionDisable = disable });
        }
        return new MpuTable(this, regions.ToImmutable(), registers.PrivilegedBackground);
    }
}
