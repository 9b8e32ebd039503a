using KmemKit.Architecture;
using KmemKit.Runtime.Processor;

namespace KmemKit.Conformance.Harness;

/// <summary>The kernel as a driver under test sees it: its accesses are observed, and its allocations may be made to fail.</summary>
internal sealed class HarnessKernel(FirmwareHarness machine, IDriverKernel kernel) : IDriverKernel
{
    public ICpuPort Cpu => machine.Ports[0];

    public VirtAddr? Alloc(ulong bytes) => machine.Inject.FailsNow() ? null : kernel.Alloc(bytes);

    public void Free(VirtAddr block) => kernel.Free(block);

    public VirtAddr? MapDevice(PhysRange registers) => kernel.MapDevice(registers);

    public void UnmapDevice(VirtAddr registers) => kernel.UnmapDevice(registers);
}
