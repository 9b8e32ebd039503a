using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;
using Microsoft.CodeAnalysis;

namespace KmemKit.Generators.Pipeline;

/// <summary>A text among the AdditionalFiles that a board may be made from.</summary>
/// <param name="Key">Its path, normalized: what includes are resolved against.</param>
/// <param name="Path">Its path as the compiler has it, which a diagnostic's place must repeat.</param>
/// <param name="Text">The text.</param>
internal sealed record BoardText(string Key, string Path, string Text)
{
    private static readonly string[] Suffixes = [".dts", ".dtsi", ".h", "_defconfig"];

    /// <summary>The names that its include lines give, whether or not a condition leaves them out.</summary>
    public EquatableArray<string> Includes { get; init; }

    /// <summary>Whether an include line names its file by a macro: then only the preprocessor knows which.</summary>
    public bool HasComputedInclude { get; init; }

    public static bool IsBoardText(AdditionalText text)
    {
        foreach (var suffix in Suffixes)
        {
            if (text.Path.EndsWith(suffix, StringComparison.Ordinal))
                return true;
        }
        return false;
    }

    public static BoardText? Read(AdditionalText file, CancellationToken cancellation)
    {
        // Null where the file is gone; the board that needs it says so.
        var text = file.GetText(cancellation)?.ToString();
        if (text is null)
            return null;
        var includes = IncludeScanner.Scan(text, out var hasComputedInclude);
        return new BoardText(FilePath.Normalize(file.Path), file.Path, text)
        {
            Includes = includes.ToEquatableArray(),
            HasComputedInclude = hasComputedInclude,
        };
    }
}
