using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Toolchains;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>A core with a memory protection unit on a machine: how its registers are reached, and what an access looks like that it allows or refuses.</summary>
public abstract class ProbedCore
{
    /// <summary>The machine.</summary>
    public required QemuMachine Machine { get; init; }

    /// <summary>The unit's format.</summary>
    public required MpuFormat Format { get; init; }

    /// <summary>Regions of the core.</summary>
    public required int Regions { get; init; }

    /// <summary>RAM that nothing uses: tables are about it.</summary>
    public required PhysRange Window { get; init; }

    /// <summary>All RAM, with that of the program.</summary>
    public required ImmutableArray<PhysRange> Memory { get; init; }

    /// <summary>Addresses at which nothing answers; a granted access ends in the bus's fault there.</summary>
    public ImmutableArray<PhysRange> Void { get; init; } = [];

    /// <summary>Where tables and probes are put, and how much there is room for.</summary>
    public required PhysRange Image { get; init; }

    /// <summary>Size and alignment of an instruction that comes back.</summary>
    public virtual ulong InstructionSize => 2;

    private Firmware? _firmware;
    private ulong? _dataAddress;
    private ImmutableDictionary<string, string>? _generated;

    /// <summary>The program.</summary>
    public Firmware Firmware => _firmware ??= Firmware.Build(Machine.Toolchain, Machine.LinkAddress, Sources,
        [string.Create(CultureInfo.InvariantCulture, $"IMAGE_ADDRESS=0x{Image.Start.Value:x}"), .. _generated is null ? [] : new[] { "GENERATED=1" }], _generated, _dataAddress);

    /// <summary>The same core with a program whose data are not behind its code.</summary>
    public ProbedCore WithData(ulong address)
    {
        var core = (ProbedCore)MemberwiseClone();
        (core._dataAddress, core._firmware) = (address, null);
        return core;
    }

    /// <summary>The same core with a program that programs the unit by a board's own C header.</summary>
    /// <param name="header">The header.</param>
    /// <param name="prefix">What its names start with.</param>
    public ProbedCore WithHeader(string header, string prefix)
    {
        var core = (ProbedCore)MemberwiseClone();
        core._generated = ImmutableDictionary<string, string>.Empty.Add("board.mpu.h", header).Add("generated.h", $"""
            #include "board.mpu.h"
            #define GENERATED_APPLY(domain) {prefix}_apply((enum {prefix}_domain)(domain))
            #define GENERATED_SWITCH(domain) {prefix}_switch((enum {prefix}_domain)(domain))
            #define GENERATED_VERIFY(domain) {prefix}_verify((enum {prefix}_domain)(domain))
            #define GENERATED_DOMAINS {prefix.ToUpperInvariant()}_DOMAINS

            """);
        core._firmware = null;
        return core;
    }

    /// <summary>The registers of a file as the unit gave them back.</summary>
    /// <param name="written">What was written.</param>
    /// <param name="values">What was read, in the order of <see cref="Program"/>.</param>
    public MpuRegisterFile FileOf(MpuRegisterFile written, ImmutableArray<ulong> values)
    {
        // Which value is whose: the same file with numbers in place of values shows it.
        var next = 0ul;
        var numbered = Map(written, _ => next++);
        var order = Program(numbered).Select(w => w.Value).ToList();
        next = 0;
        return Map(written, _ => values[order.IndexOf(next++)]);

        static MpuRegisterFile Map(MpuRegisterFile file, Func<MpuRegister, ulong> value) => file with
        {
            Shared = [.. file.Shared.Select(r => r with { Value = value(r) })],
            Regions = [.. file.Regions.Select(g => g with { Values = [.. g.Values.Select(r => r with { Value = value(r) })] })],
        };
    }

    /// <summary>Its sources.</summary>
    protected abstract ImmutableArray<string> Sources { get; }

    /// <summary>What the program must be granted to make the accesses: where it is fetched from, and where the core stacks.</summary>
    public virtual ImmutableArray<(PhysRange Range, MpuAttributes Attributes)> Needs => [];

    /// <summary>The registers in the order in which they are written.</summary>
    public abstract ImmutableArray<RegisterWrite> Program(MpuRegisterFile registers);

    /// <summary>Bits of a region's register that the emulated core looks at.</summary>
    public virtual int EmulatedBits => Format.RegisterBits;

    /// <summary>Whether the register holds an address, of which bit 12 keeps what is written.</summary>
    public abstract bool IsAddress(RegisterWrite write);

    /// <summary>What a register reads as once it is written.</summary>
    public virtual ulong ReadBack(RegisterWrite write) => write.Value;

    /// <summary>The control register while the unit is on.</summary>
    public abstract uint Control(MpuRegisterFile registers);

    /// <summary>What the unit's answer makes of an access.</summary>
    public abstract Outcome Expect(Probe probe, MpuDecision decision);

    /// <summary>Whether an execution of that address says something about the unit alone.</summary>
    public virtual bool CanExecute(ulong address) => address % InstructionSize == 0;

    /// <summary>Further accesses worth making, of addresses that no region governs.</summary>
    public virtual ImmutableArray<Probe> FixedProbes => [];

    /// <summary>Whether a write of these registers cannot be taken back before reset.</summary>
    public static bool IsLocked(MpuRegisterFile registers) =>
        registers.Shared.Any(r => r.Name.StartsWith("pmpcfg", StringComparison.Ordinal) && (r.Value & 0x8080_8080_8080_8080) != 0);

    /// <summary>Whether RAM answers there.</summary>
    public bool HasMemory(ulong address) => Memory.Any(m => m.Contains(new PhysAddr(address)));

    /// <summary>Whether an access may be made there: in RAM that the program does not live in, or where nothing is.</summary>
    public bool IsHarmless(ulong address)
    {
        var here = new PhysAddr(address);
        return !IsOfProgram("code_start", "code_end") && !IsOfProgram("data_start", "program_end") && !Image.Contains(here) && (HasMemory(address) || Void.Any(v => v.Contains(here)));

        bool IsOfProgram(string start, string end) => address >= Firmware.Symbols[start] && address < Firmware.Symbols[end];
    }

    /// <summary>What the fault registers hold after the access; null where it succeeds.</summary>
    protected FaultReport? ReportOf(Probe probe, MpuDecision decision)
    {
        var cause = MpuFaultStatus.CauseOf(decision, probe.Access);
        if (cause == FaultCause.None && !HasMemory(probe.Address) && !Format.Ungoverned.Contains(new PhysAddr(probe.Address)))
            cause = FaultCause.ExternalAbort;
        return cause == FaultCause.None ? null : MpuFaultStatus.Report(Format, cause, probe.Address, probe.Access, probe.Privilege);
    }

    /// <inheritdoc/>
    public override string ToString() => Machine.Name;
}
