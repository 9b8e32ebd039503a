using System;
using System.Text;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Images;

/// <summary>Prints an image as C: a header with place, size, registers and what else is known of it, and a source with the array.</summary>
public static class ImageCWriter
{
    private const int PerLine = 4;

    /// <summary>The header.</summary>
    public static string WriteHeader(LoadImage image)
    {
        if (image is null)
            throw new ArgumentNullException(nameof(image));
        var prefix = ImageText.Macro(image.Symbol);
        var output = new StringBuilder(2048);
        output.Append(Invariant($"/* Made by KmemKit from board {image.Board}; not to be edited. {image.Summary}. */\n"));
        output.Append(Invariant($"#ifndef {prefix}_H\n#define {prefix}_H\n\n"));
        Define(output, prefix + "_BASE", image.Base.Value);
        Define(output, prefix + "_SIZE", (ulong)image.Bytes.Length);
        Define(output, prefix + "_ALIGN", image.Alignment);
        output.Append("\n/* System registers, in the order to write them. */\n");
        foreach (var register in image.Registers)
            Define(output, prefix + "_" + ImageText.Macro(register.Name), register.Value);
        foreach (var group in image.Constants)
        {
            output.Append(Invariant($"\n/* {group.Comment} */\n"));
            foreach (var (name, value) in group.Constants)
                Define(output, name, value);
        }
        output.Append("\n#ifndef __ASSEMBLER__\n#include <stdint.h>\n");
        output.Append(Invariant($"extern {Type(image)} {image.Symbol}[{image.Bytes.Length / image.WordSize}];\n#endif\n\n#endif\n"));
        return output.ToString();
    }

    /// <summary>The source.</summary>
    /// <param name="image">The image.</param>
    /// <param name="header">Name of the header, as the source includes it.</param>
    public static string WriteSource(LoadImage image, string header)
    {
        if (image is null)
            throw new ArgumentNullException(nameof(image));
        var size = image.WordSize;
        var output = new StringBuilder(image.Bytes.Length);
        output.Append(Invariant($"/* Made by KmemKit from board {image.Board}; not to be edited. To be linked at {image.Base}. */\n"));
        output.Append(Invariant($"#include \"{header}\"\n\n"));
        output.Append(Invariant($"{Type(image)} {image.Symbol}[{image.Bytes.Length / size}] __attribute__((section(\".{image.Symbol}\"), aligned({image.Alignment}))) = {{\n"));
        foreach (var part in image.Parts)
        {
            output.Append(Invariant($"\t/* {ImageText.Hex(image.Base.Value + (ulong)part.Offset)}: {part.Comment} */\n"));
            // Designated: what is not mentioned is zero, and most of a table is.
            var onLine = 0;
            var previous = -1;
            for (var at = part.Offset; at < part.Offset + part.Bytes; at += size)
            {
                var word = ImageText.Word(image.Bytes, at, size);
                if (word == 0)
                    continue;
                var index = at / size;
                var follows = previous == index - 1 && previous >= 0 && onLine > 0;
                if (!follows || onLine == PerLine)
                {
                    output.Append(onLine > 0 ? "\n" : "").Append(Invariant($"\t[{index}] = "));
                    onLine = 0;
                }
                output.Append(onLine > 0 ? " " : "").Append(ImageText.Padded(word, size)).Append(size == 8 ? "ULL," : "UL,");
                (previous, onLine) = (index, onLine + 1);
            }
            if (onLine > 0)
                output.Append('\n');
        }
        output.Append("};\n");
        return output.ToString();
    }

    private static string Type(LoadImage image) => image.WordSize == 4 ? "uint32_t" : "uint64_t";

    // Without a suffix: assembly reads the header, too; C gives a constant the type it needs.
    private static void Define(StringBuilder output, string name, ulong value) => output.Append(Invariant($"#define {name} {ImageText.Hex(value)}\n"));
}
