using System;
using KmemKit.Runtime.Processor;

namespace KmemKit.Conformance.Harness.Faults;

/// <summary>How code under an expectation ended. Exceptions that are no faults pass through: they are not what was asked about.</summary>
internal sealed record FaultOutcome(MemoryFaultException? Exception)
{
    public static FaultOutcome Of<TActual>(TActual actual) => actual switch
    {
        Action code => Run(code),
        _ => throw new ArgumentException("An expectation of faults wants code: Assert.That(() => cpu.Load32(address), Faults.With(...)).", nameof(actual)),
    };

    public static FaultOutcome Run(Action code)
    {
        try
        {
            code();
            return new FaultOutcome((MemoryFaultException?)null);
        }
        catch (MemoryFaultException exception)
        {
            return new FaultOutcome(exception);
        }
    }
}
