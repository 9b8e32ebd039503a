using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>RISC-V PMP.</summary>
/// <remarks>Environment calls: Privileged Architecture 1.12 table 3.6.</remarks>
public sealed class PmpCore : ProbedCore
{
    private const uint CallFromUser = 8, CallFromMachine = 11;
    private const uint UserMode = 0, MachineMode = 3;
    private const ulong Clint = 0x0200_0000, ClintSize = 0x1_0000;

    /// <inheritdoc/>
    public override ulong InstructionSize => 4;

    /// <inheritdoc/>
    protected override ImmutableArray<string> Sources => ["Mpu/probe.c", "Mpu/riscv.S"];

    /// <summary>Program, probes and the interrupt that wakes a hart: a policy without a background locks M-mode out of everything else.</summary>
    public override ImmutableArray<(PhysRange Range, MpuAttributes Attributes)> Needs =>
    [
        .. new[] { PhysRange.FromBounds(new PhysAddr(Firmware.LinkAddress), Firmware.Symbols["program_end"]), Image, new PhysRange(new PhysAddr(Clint), ClintSize) }
            .Select(range => (range, new MpuAttributes(AccessRights.All, 0, MpuMemoryType.Unspecified, false))),
    ];

    /// <summary>All addresses first, then the configurations: a locked top-of-range entry closes the address before it.</summary>
    public override ImmutableArray<RegisterWrite> Program(MpuRegisterFile registers)
    {
        var writes = ImmutableArray.CreateBuilder<RegisterWrite>();
        foreach (var region in registers.Regions)
        {
            foreach (var register in region.Values)
                writes.Add(new RegisterWrite(0, Number(register.Name, "pmpaddr"), register.Value));
        }
        foreach (var shared in registers.Shared)
            writes.Add(new RegisterWrite(1, Number(shared.Name, "pmpcfg"), shared.Value));
        return writes.ToImmutable();
    }

    /// <summary>
    /// On RV32 pmpaddr holds address bits [33:2] (3.7.1: "bits 33-2 of a 34-bit physical address"). QEMU 7.2 computes the range in 32 bits and so drops the
    /// upper two of them; no access of an RV32 core without Sv32 reaches so far, so that only a flipped bit tells.
    /// </summary>
    public override int EmulatedBits => Format.RegisterBits == 32 ? 30 : Format.RegisterBits;

    /// <inheritdoc/>
    public override bool IsAddress(RegisterWrite write) => write.Number == 0;

    /// <inheritdoc/>
    public override uint Control(MpuRegisterFile registers) => 0;

    /// <inheritdoc/>
    public override Outcome Expect(Probe probe, MpuDecision decision)
    {
        var isFetch = probe.Access == AccessRights.Execute;
        // Data of U-mode is accessed from M-mode, as U-mode.
        var mode = isFetch && probe.Privilege == Privilege.User ? UserMode : MachineMode;
        if (ReportOf(probe, decision) is { } report)
            return new Outcome((uint)report.Status, mode, report.Address);
        return isFetch ? new Outcome(probe.Privilege == Privilege.User ? CallFromUser : CallFromMachine, mode, probe.Address) : default;
    }

    private static uint Number(string name, string prefix) =>
        name.StartsWith(prefix, StringComparison.Ordinal) ? uint.Parse(name.AsSpan(prefix.Length), CultureInfo.InvariantCulture) : throw new ArgumentException(name, nameof(name));
}
