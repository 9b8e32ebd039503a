using NUnit.Framework.Constraints;

namespace KmemKit.Conformance.Harness.Faults;

/// <summary>Says how code ended and explains its fault.</summary>
internal sealed class FaultResult(IConstraint constraint, FaultOutcome outcome, bool isSuccess) : ConstraintResult(constraint, outcome, isSuccess)
{
    public override void WriteActualValueTo(MessageWriter writer)
    {
        if (outcome.Exception is { } exception)
            writer.Write(exception.Message + "\n" + FaultExplanation.Of(exception));
        else
            writer.Write("it ran to its end");
    }
}
