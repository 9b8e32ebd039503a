using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;
using KmemKit.Conformance.Protections;
using KmemKit.Runtime.Mpu;

namespace KmemKit.Conformance.Boards.Subjects;

/// <summary>The registers of a domain, decoded.</summary>
internal sealed class DecodedMpu(BoardMpu plan, BoardDomain domain) : IProtectionSubject
{
    private readonly MpuTable _table = plan.Format.Decode(domain.Registers);

    public AccessRights RightsAt(ulong address, Privilege privilege) => _table.Decide(address, privilege).Rights;

    public MpuMemoryType? MemoryAt(ulong address, Privilege privilege) => plan.Format.HasMemoryTypes ? _table.Decide(address, privilege).Memory : null;
}

/// <summary>A booted kernel's CPU, asked without an access.</summary>
internal sealed class BootedMpu(MpuCpu cpu) : IProtectionSubject
{
    public AccessRights RightsAt(ulong address, Privilege privilege)
    {
        var rights = AccessRights.None;
        foreach (var access in new[] { AccessRights.Read, AccessRights.Write, AccessRights.Execute })
        {
            if (cpu.Ask(new VirtAddr(address), 1, access, privilege) == FaultCause.None)
                rights |= access;
        }
        return rights;
    }

    public MpuMemoryType? MemoryAt(ulong address, Privilege privilege) => null;
}
