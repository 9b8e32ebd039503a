using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Processor;

/// <summary>An access that a CPU could not make.</summary>
/// <param name="Cause">Why.</param>
/// <param name="Level">Level of the table walk at which it was found, by the architecture's numbering.</param>
/// <param name="Address">The first byte that faulted.</param>
/// <param name="Access">What was tried.</param>
/// <param name="Privilege">Who tried.</param>
/// <param name="Report">What the fault registers hold.</param>
public readonly record struct MemoryFault(
    FaultCause Cause, int Level, VirtAddr Address, AccessRights Access, Privilege Privilege, FaultReport Report);

/// <summary>Someone who can make a faulting access possible: the kernel's page fault handler.</summary>
public interface IFaultHandler
{
    /// <summary>Called on the thread of the access.</summary>
    /// <returns>Whether the access is to be tried again.</returns>
    bool Handle(in MemoryFault fault);
}

/// <summary>An access faulted, and nobody could help: the exception that the CPU takes.</summary>
public sealed class MemoryFaultException : Exception
{
    /// <summary>With its fault.</summary>
    public MemoryFaultException(in MemoryFault fault)
        : base(TextOf(fault)) => Fault = fault;

    /// <summary>With its fault, and what is known of its reason: lines behind the fault's own.</summary>
    public MemoryFaultException(in MemoryFault fault, string explanation)
        : base(TextOf(fault) + "\n" + explanation) => Fault = fault;

    /// <summary>Without facts.</summary>
    public MemoryFaultException()
    {
    }

    /// <summary>With a text only.</summary>
    public MemoryFaultException(string message)
        : base(message)
    {
    }

    /// <summary>With a text and what caused it.</summary>
    public MemoryFaultException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>The fault.</summary>
    public MemoryFault Fault { get; }

    private static string TextOf(in MemoryFault fault)
    {
        var report = fault.Report;
        var address = report.AddressRegister is { } register ? $", {register} {report.Address:x}" : "";
        return $"{report.Exception}: {fault.Access} of {fault.Address} by {fault.Privilege} code: {fault.Cause} at level {fault.Level}; {report.StatusRegister} {report.Status:x}{address}";
    }
}
