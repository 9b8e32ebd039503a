using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>PMSAv7-M and PMSAv8-M.</summary>
/// <remarks>Exception numbers: ARM DDI 0403E B1.5.2.</remarks>
public sealed class ArmMCore : ProbedCore
{
    private const uint SvCall = 11, MemManage = 4, BusFault = 5;
    private const ulong CpuId = 0xe000_ed00, StackInUse = 4096;

    private static readonly Dictionary<string, uint> s_addresses = new()
    {
        ["RBAR"] = 0xe000_ed9c, ["RASR"] = 0xe000_eda0, ["RLAR"] = 0xe000_eda0, ["MAIR0"] = 0xe000_edc0, ["MAIR1"] = 0xe000_edc4,
    };

    /// <inheritdoc/>
    protected override ImmutableArray<string> Sources => ["Mpu/probe.c", "Mpu/arm-m.c", "Mpu/arm-m.S"];

    /// <summary>The code, and the stacks that the core fills and empties around an exception, as whoever is interrupted.</summary>
    public override ImmutableArray<(PhysRange Range, MpuAttributes Attributes)> Needs =>
    [
        (Between("code_start", "code_end"), new MpuAttributes(AccessRights.Read | AccessRights.Execute, 0, MpuMemoryType.NormalWriteThrough, false)),
        (Between("probe_stack", "probe_stack_end"), new MpuAttributes(AccessRights.ReadWrite, AccessRights.ReadWrite, MpuMemoryType.NormalWriteThrough, false)),
        (new PhysRange(new PhysAddr(Firmware.Symbols["stack_top"] - StackInUse), StackInUse), new MpuAttributes(AccessRights.ReadWrite, 0, MpuMemoryType.NormalWriteThrough, false)),
    ];

    /// <summary>The unit answers for the private peripheral bus by the default map; unprivileged code gets a BusFault there (B3.1.1).</summary>
    public override ImmutableArray<Probe> FixedProbes =>
        [new(CpuId, AccessRights.Read, Privilege.Privileged), new(CpuId, AccessRights.Read, Privilege.User), new(CpuId, AccessRights.Execute, Privilege.Privileged)];

    /// <inheritdoc/>
    public override ImmutableArray<RegisterWrite> Program(MpuRegisterFile registers)
    {
        var writes = ImmutableArray.CreateBuilder<RegisterWrite>();
        foreach (var shared in registers.Shared)
            writes.Add(new RegisterWrite(s_addresses[shared.Name], RegisterWrite.NoRegion, shared.Value));
        foreach (var region in registers.Regions)
        {
            foreach (var register in region.Values)
                writes.Add(new RegisterWrite(s_addresses[register.Name], (uint)region.Number, register.Value));
        }
        return writes.ToImmutable();
    }

    /// <inheritdoc/>
    public override bool IsAddress(RegisterWrite write) => write.Number == s_addresses["RBAR"];

    /// <summary>RBAR of PMSAv7 reads with the region's number in REGION [3:0] (ARM DDI 0403E B3.5.8).</summary>
    public override ulong ReadBack(RegisterWrite write) =>
        Format.Shape == MpuShape.PowerOfTwo && write.Number == s_addresses["RBAR"] ? write.Value | write.Index : write.Value;

    /// <summary>MPU_CTRL: ENABLE, PRIVDEFENA; HFNMIENA stays 0.</summary>
    public override uint Control(MpuRegisterFile registers) => registers.PrivilegedBackground ? 5u : 1;

    /// <inheritdoc/>
    public override Outcome Expect(Probe probe, MpuDecision decision)
    {
        if (ReportOf(probe, decision) is { } report)
            return new Outcome(report.Exception == "MemManage" ? MemManage : BusFault, (uint)report.Status, report.AddressRegister is null ? 0 : report.Address);
        return probe.Access == AccessRights.Execute ? new Outcome(SvCall, probe.Privilege == Privilege.User ? 1u : 0, probe.Address) : default;
    }

    private PhysRange Between(string start, string end) => PhysRange.FromBounds(new PhysAddr(Firmware.Symbols[start]), Firmware.Symbols[end]);
}
