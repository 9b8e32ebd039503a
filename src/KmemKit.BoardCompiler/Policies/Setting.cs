using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>A value that the policy sets, with the place that sets it.</summary>
/// <typeparam name="T">Type of the value.</typeparam>
/// <param name="Value">The value.</param>
/// <param name="Span">The line of the defconfig or the word of the bootargs; unknown for a command-line override.</param>
public readonly record struct Setting<T>(T Value, SourceSpan Span);
