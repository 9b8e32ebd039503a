namespace KmemKit.BoardCompiler.Sources;

/// <summary>A place in a text, line and column counted from 0 as Roslyn and LSP do; people are shown both counted from 1.</summary>
/// <param name="Line">Line, from 0.</param>
/// <param name="Column">UTF-16 units (blob: bytes) from the start of the line, from 0.</param>
public readonly record struct LinePosition(int Line, int Column);
