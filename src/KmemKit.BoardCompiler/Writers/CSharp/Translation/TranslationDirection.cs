using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Writers.CSharp.Translation;

/// <summary>The names that one direction's members are written with.</summary>
/// <param name="Method">The member, and what others are called after: <c>PhysToVirt</c>, <c>TryPhysToVirt</c>.</param>
/// <param name="Argument">C# type that comes in.</param>
/// <param name="Result">C# type that goes out.</param>
/// <param name="Guard">The member that says whether an address that comes in is RAM of the map.</param>
/// <param name="ArgumentText">The kind of address that comes in, in words.</param>
/// <param name="ResultText">The kind of address that goes out, in words.</param>
/// <param name="Macro">The kernel's macro of the same meaning.</param>
/// <param name="Plan">The arithmetic.</param>
/// <param name="Ram">What the checked form accepts, inclusive.</param>
internal sealed record TranslationDirection(
    string Method,
    string Argument,
    string Result,
    string Guard,
    string ArgumentText,
    string ResultText,
    string Macro,
    TranslationPlan Plan,
    ImmutableArray<(ulong First, ulong Last)> Ram);
