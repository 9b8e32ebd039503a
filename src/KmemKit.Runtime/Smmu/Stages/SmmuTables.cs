using System.Buffers.Binary;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Smmu.Stages;

/// <summary>Where an SMMU's walk reads tables: RAM, through stage 2 where the tables of stage 1 are a guest's.</summary>
internal unsafe struct SmmuTables(PhysicalMemory memory, bool isBigEndian, in SecondStage guest) : IDescriptorMemory
{
    private readonly SecondStage _guest = guest;

    /// <summary>The stage 2 fault that ended the walk; none where RAM did not answer.</summary>
    public StageFault Nested { get; private set; }

    public bool TryRead(ulong address, int size, out ulong descriptor)
    {
        descriptor = 0;
        if (_guest.Translator is not null)
        {
            var found = _guest.Translate(address, AccessRights.Read, Privilege.Privileged);
            if (found.Cause == FaultCause.None && _guest.RefusesDeviceTables && !found.Attributes.Memory.IsNormal())
                found = found with { Cause = FaultCause.Permission };
            if (found.Cause != FaultCause.None)
            {
                Nested = found;
                return false;
            }
            address = found.Output;
        }
        var pointer = memory.PointerTo(new PhysAddr(address), (ulong)size);
        if (pointer is null)
            return false;
        if (size == 8)
            descriptor = isBigEndian ? BinaryPrimitives.ReverseEndianness(*(ulong*)pointer) : *(ulong*)pointer;
        else
            descriptor = isBigEndian ? BinaryPrimitives.ReverseEndianness(*(uint*)pointer) : *(uint*)pointer;
        return true;
    }
}
