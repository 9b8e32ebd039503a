using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>Where an SMMU's walk reads tables: RAM, through stage 2 where the tables of stage 1 are a guest's.</summary>
internal unsafe struct SmmuTables(PhysicalMemory memory, SmmuV3? smmu, StreamContext? context) : IDescriptorMemory
{
    /// <summary>The stage 2 fault that ended the walk; none where RAM did not answer.</summary>
    public StageFault Nested { get; private set; }

    public bool TryRead(ulong address, int size, out ulong descriptor)
    {
        descriptor = 0;
        if (context is not null)
        {
            var found = smmu!.TranslateStage2(context, address, AccessRights.Read, Privilege.Privileged);
            if (found.Cause != FaultCause.None)
            {
                Nested = found with { Ipa = address };
                return false;
            }
            address = found.Output;
        }
        var pointer = memory.PointerTo(new PhysAddr(address), (ulong)size);
        if (pointer is null)
            return false;
        descriptor = size == 8 ? *(ulong*)pointer : *(uint*)pointer;
        return true;
    }
}

/// <summary>Where a stage's translation ended.</summary>
internal readonly record struct StageFault(FaultCause Cause, ulong Output, int Shift, PageAttributes Attributes)
{
    /// <summary>The address that stage 2 did not translate.</summary>
    public ulong Ipa { get; init; }

    /// <summary>Whether stage 2 faulted.</summary>
    public bool IsStage2 { get; init; }

    /// <summary>Whether it was while reading a table.</summary>
    public bool IsTableWalk { get; init; }
}
