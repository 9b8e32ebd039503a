namespace KmemKit.BoardCompiler.Writers.CSharp;

/// <summary>A file of generated code.</summary>
/// <param name="HintName">Its name, unique among all boards of a compilation: <c>Boards.Msm8974.Devices.g.cs</c>.</param>
/// <param name="Text">Its text, ASCII, lines ended by <c>\n</c>.</param>
public sealed record GeneratedSource(string HintName, string Text);
