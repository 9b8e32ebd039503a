using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Artifacts;

/// <summary>A file that a board gives at build time.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="FileName">Name without folder: the board's name and the kind's suffix.</param>
/// <param name="Bytes">The content; texts are UTF-8 without byte order mark, lines ended by <c>\n</c>.</param>
public sealed record Artifact(ArtifactKind Kind, string FileName, ImmutableArray<byte> Bytes);
