using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;
using KmemKit.Conformance.Translations;

namespace KmemKit.Conformance.Boards.Subjects;

/// <summary>The linear map that planners and runtime use.</summary>
internal sealed class LinearSubject(LinearMap map) : ITranslationSubject
{
    public bool HasPhysToVirt => true;

    public bool Refuses => true;

    public ulong? PhysToVirt(ulong address) => map.PhysToVirt(new PhysAddr(address), out var result) == TranslationStatus.Ok ? result.Value : null;

    public ulong? VirtToPhys(ulong address) => map.VirtToPhys(new VirtAddr(address), out var result) == TranslationStatus.Ok ? result.Value : null;
}
