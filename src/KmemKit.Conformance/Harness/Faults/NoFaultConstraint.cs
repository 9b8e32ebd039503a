using System;
using NUnit.Framework;
using NUnit.Framework.Constraints;

namespace KmemKit.Conformance.Harness.Faults;

/// <summary>NUnit constraint: code runs to its end without a fault.</summary>
public sealed class NoFaultConstraint : Constraint
{
    /// <inheritdoc/>
    public override string Description => "no fault";

    /// <inheritdoc/>
    public override ConstraintResult ApplyTo<TActual>(TActual actual)
    {
        var outcome = FaultOutcome.Of(actual);
        return new FaultResult(this, outcome, outcome.Exception is null);
    }

    /// <inheritdoc/>
    public override ConstraintResult ApplyTo<TActual>(Func<TActual> code)
    {
        var outcome = FaultOutcome.Run(() => code());
        return new FaultResult(this, outcome, outcome.Exception is null);
    }
}
