using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Conformance.Protections;

/// <summary>A protection unit that is programmed, as the suite sees it: decoded registers, a CPU of a simulator, an emulator, a model.</summary>
public interface IProtectionSubject
{
    /// <summary>What a privilege may do at an address.</summary>
    AccessRights RightsAt(ulong address, Privilege privilege);

    /// <summary>How memory behaves at an address for a load or store; null where the subject does not say.</summary>
    MpuMemoryType? MemoryAt(ulong address, Privilege privilege);
}
