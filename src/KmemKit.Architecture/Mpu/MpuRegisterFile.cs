using System;
using System.Collections.Immutable;

namespace KmemKit.Architecture.Mpu;

/// <summary>One register and its value.</summary>
/// <param name="Name">The architecture's name: <c>RBAR</c>, <c>DRSR</c>, <c>C6</c>, <c>pmpaddr3</c>…</param>
/// <param name="Value">The raw value.</param>
public readonly record struct MpuRegister(string Name, ulong Value);

/// <summary>The registers of one region.</summary>
/// <param name="Number">Region number.</param>
/// <param name="Space">Which accesses it answers.</param>
/// <param name="Values">Its registers, in the order in which they are written.</param>
public sealed record MpuRegionRegisters(int Number, MpuSpace Space, ImmutableArray<MpuRegister> Values)
{
    /// <summary>The value of that register.</summary>
    /// <exception cref="MpuEncodingException">There is none.</exception>
    public ulong this[string name] => MpuRegisterFile.Find(Values, name)
        ?? throw new MpuEncodingException(MpuFault.RegisterMissing, $"region {Number} has no {name}");
}

/// <summary>All registers of an MPU that has been programmed: what a table decides is decided by these alone.</summary>
/// <param name="Shared">Registers that all regions share: <c>MAIR0</c>, <c>C5_DATA</c>, <c>pmpcfg0</c>…</param>
/// <param name="Regions">Registers of each region that is in use.</param>
/// <param name="PrivilegedBackground">Whether privileged code has the default map where no region is (PRIVDEFENA, SCTLR.BR).</param>
public sealed record MpuRegisterFile(
    ImmutableArray<MpuRegister> Shared, ImmutableArray<MpuRegionRegisters> Regions, bool PrivilegedBackground)
{
    /// <summary>The value of a shared register.</summary>
    /// <exception cref="MpuEncodingException">There is none.</exception>
    public ulong this[string name] => Find(Shared, name)
        ?? throw new MpuEncodingException(MpuFault.RegisterMissing, $"there is no {name}");

    internal static ulong? Find(ImmutableArray<MpuRegister> registers, string name)
    {
        foreach (var register in registers)
        {
            if (string.Equals(register.Name, name, StringComparison.Ordinal))
                return register.Value;
        }
        return null;
    }
}
