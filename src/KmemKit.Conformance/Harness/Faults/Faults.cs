using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Conformance.Harness.Faults;

/// <summary>Expectations of faults: <c>Assert.That(() =&gt; cpu.Store32(address, 1), Faults.With(FaultCause.Permission))</c>.</summary>
public static class Faults
{
    /// <summary>The code faults, whatever the cause.</summary>
    public static FaultConstraint Any => new();

    /// <summary>The code does not fault; the failure explains the fault.</summary>
    public static NoFaultConstraint None => new();

    /// <summary>The code faults for this cause.</summary>
    public static FaultConstraint With(FaultCause cause) => new FaultConstraint().For(cause);

    /// <summary>The code faults at this address.</summary>
    public static FaultConstraint At(VirtAddr address) => new FaultConstraint().At(address);
}
