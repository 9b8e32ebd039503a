using System;
using System.Collections.Generic;

namespace KmemKit.Conformance.Boards.Readers;

/// <summary>An image as GNU assembly, assembled: the directives that data needs, and no others.</summary>
internal sealed class AssembledImage
{
    private readonly List<byte> _bytes = [];

    /// <summary>The bytes between the first label and the last.</summary>
    public IReadOnlyList<byte> Bytes => _bytes;

    /// <summary>Section that they are in.</summary>
    public string Section { get; private set; } = "";

    /// <summary>Alignment in bytes.</summary>
    public ulong Alignment { get; private set; } = 1;

    /// <summary>Labels and where they are, in bytes from the start.</summary>
    public Dictionary<string, int> Labels { get; } = new(StringComparer.Ordinal);

    /// <summary>Assembles.</summary>
    /// <exception cref="FormatException">A line has something else than directives for data.</exception>
    public static AssembledImage Read(string text)
    {
        var image = new AssembledImage();
        foreach (var (number, line) in ReadText.Lines(text))
            image.Take(number, WithoutComment(line).Trim());
        return image;
    }

    private static string WithoutComment(string line)
    {
        for (int start; (start = line.IndexOf("/*", StringComparison.Ordinal)) >= 0;)
        {
            var end = line.IndexOf("*/", start, StringComparison.Ordinal);
            line = end < 0 ? throw new FormatException($"The comment of \"{line}\" does not end.") : line[..start] + line[(end + 2)..];
        }
        return line;
    }

    private void Take(int number, string line)
    {
        if (line.Length == 0)
            return;
        if (line[^1] == ':')
        {
            if (!Labels.TryAdd(line[..^1], _bytes.Count))
                throw new FormatException($"Line {number}: {line[..^1]} is there already.");
            return;
        }
        var space = line.IndexOf(' ', StringComparison.Ordinal);
        var (directive, operands) = space < 0 ? (line, "") : (line[..space], line[(space + 1)..]);
        switch (directive)
        {
            case ".section":
                Section = operands.Split(',')[0].Trim();
                break;
            case ".globl":
                break;
            case ".balign" when _bytes.Count == 0:
                Alignment = ReadText.Number(operands);
                break;
            case ".zero":
                _bytes.AddRange(new byte[checked((int)ReadText.Number(operands))]);
                break;
            case ".long":
                Words(operands, 4);
                break;
            case ".quad":
                Words(operands, 8);
                break;
            default:
                throw new FormatException($"Line {number}: \"{line}\" is no data.");
        }
    }

    private void Words(string operands, int size)
    {
        foreach (var operand in operands.Split(','))
        {
            var word = ReadText.Number(operand);
            if (size < 8 && word >> (8 * size) != 0)
                throw new FormatException($"{operand.Trim()} does not fit {size} bytes.");
            for (var i = 0; i < size; i++)
                _bytes.Add((byte)((word >> (8 * i)) & 0xff));
        }
    }
}
