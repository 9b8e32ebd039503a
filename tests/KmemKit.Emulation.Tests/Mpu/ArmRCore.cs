using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>PMSAv7-R.</summary>
/// <remarks>Exceptions by their vector: 2 supervisor call, 3 prefetch abort, 4 data abort (ARM DDI 0363G 3.7.13).</remarks>
public sealed class ArmRCore : ProbedCore
{
    private const uint SupervisorCall = 2, PrefetchAbort = 3, DataAbort = 4;
    private const uint UserMode = 0x10, SystemMode = 0x1f;

    /// <inheritdoc/>
    protected override ImmutableArray<string> Sources => ["Mpu/probe.c", "Mpu/arm-r.S"];

    /// <summary>The code; exceptions have registers enough.</summary>
    public override ImmutableArray<(PhysRange Range, MpuAttributes Attributes)> Needs =>
    [
        (PhysRange.FromBounds(new PhysAddr(Firmware.Symbols["code_start"]), Firmware.Symbols["code_end"]),
            new MpuAttributes(AccessRights.Read | AccessRights.Execute, 0, MpuMemoryType.NormalWriteThrough, false)),
    ];

    /// <inheritdoc/>
    public override ImmutableArray<RegisterWrite> Program(MpuRegisterFile registers)
    {
        var writes = ImmutableArray.CreateBuilder<RegisterWrite>();
        foreach (var region in registers.Regions)
        {
            foreach (var register in region.Values)
                writes.Add(new RegisterWrite(register.Name switch { "DRBAR" => 0u, "DRSR" => 1, _ => 2 }, (uint)region.Number, register.Value));
        }
        return writes.ToImmutable();
    }

    /// <inheritdoc/>
    public override bool IsAddress(RegisterWrite write) => write.Number == 0;

    /// <summary>SCTLR.M and SCTLR.BR.</summary>
    public override uint Control(MpuRegisterFile registers) => 1u | (registers.PrivilegedBackground ? 1u << 17 : 0);

    /// <inheritdoc/>
    public override Outcome Expect(Probe probe, MpuDecision decision)
    {
        var isFetch = probe.Access == AccessRights.Execute;
        if (ReportOf(probe, decision) is { } report)
            return new Outcome(isFetch ? PrefetchAbort : DataAbort, (uint)report.Status, report.Address);
        return isFetch ? new Outcome(SupervisorCall, probe.Privilege == Privilege.User ? UserMode : SystemMode, probe.Address) : default;
    }
}
