using NUnit.Framework.Constraints;

namespace KmemKit.Conformance.Harness.Faults;

/// <summary>Says how code ended; a fault on a machine of the harness explains itself.</summary>
internal sealed class FaultResult(IConstraint constraint, FaultOutcome outcome, bool isSuccess) : ConstraintResult(constraint, outcome, isSuccess)
{
    public override void WriteActualValueTo(MessageWriter writer) => writer.Write(outcome.Exception?.Message ?? "it ran to its end");
}
