using System;
using System.Collections.Generic;
using System.Globalization;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Processor;
using NUnit.Framework;
using NUnit.Framework.Constraints;

namespace KmemKit.Conformance.Harness.Faults;

/// <summary>NUnit constraint: code ends in a fault, and the fault is as said. What is not said may be anything.</summary>
public sealed class FaultConstraint : Constraint
{
    private FaultCause? _cause;
    private VirtAddr? _address;
    private AccessRights? _access;
    private ulong? _status;

    /// <inheritdoc/>
    public override string Description
    {
        get
        {
            var parts = new List<string> { "a fault" };
            if (_cause is { } cause)
                parts.Add($"of cause {cause}");
            if (_access is { } access)
                parts.Add($"on {access}");
            if (_address is { } address)
                parts.Add($"at {address}");
            if (_status is { } status)
                parts.Add("with syndrome 0x" + status.ToString("x", CultureInfo.InvariantCulture));
            return string.Join(" ", parts);
        }
    }

    /// <summary>For this cause.</summary>
    public FaultConstraint For(FaultCause cause)
    {
        _cause = cause;
        return this;
    }

    /// <summary>At this address: the first byte that faults.</summary>
    public FaultConstraint At(VirtAddr address)
    {
        _address = address;
        return this;
    }

    /// <summary>On this kind of access.</summary>
    public FaultConstraint On(AccessRights access)
    {
        _access = access;
        return this;
    }

    /// <summary>With this value of the status register (DFSR, ESR, the error code, scause).</summary>
    public FaultConstraint WithSyndrome(ulong status)
    {
        _status = status;
        return this;
    }

    /// <inheritdoc/>
    public override ConstraintResult ApplyTo<TActual>(TActual actual)
    {
        var outcome = FaultOutcome.Of(actual);
        return new FaultResult(this, outcome, Matches(outcome));
    }

    /// <inheritdoc/>
    public override ConstraintResult ApplyTo<TActual>(Func<TActual> code)
    {
        var outcome = FaultOutcome.Run(() => code());
        return new FaultResult(this, outcome, Matches(outcome));
    }

    private bool Matches(FaultOutcome outcome) => outcome.Exception is { } exception && Matches(exception.Fault);

    private bool Matches(in MemoryFault fault) => (_cause is not { } cause || fault.Cause == cause) && (_address is not { } address || fault.Address == address)
        && (_access is not { } access || fault.Access == access) && (_status is not { } status || fault.Report.Status == status);
}
