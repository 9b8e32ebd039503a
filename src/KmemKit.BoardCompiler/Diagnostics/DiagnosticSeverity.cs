namespace KmemKit.BoardCompiler.Diagnostics;

/// <summary>How much a diagnostic matters.</summary>
public enum DiagnosticSeverity
{
    /// <summary>Worth knowing; the board is as it says.</summary>
    Info,

    /// <summary>The board is usable, but something is probably not as meant.</summary>
    Warning,

    /// <summary>There is no usable result; <c>kmem</c> exits with 1 and a build fails.</summary>
    Error,
}
