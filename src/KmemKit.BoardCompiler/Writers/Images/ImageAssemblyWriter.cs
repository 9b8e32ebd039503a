using System.Text;
using static System.FormattableString;

namespace KmemKit.BoardCompiler.Writers.Images;

/// <summary>Prints an image as GNU assembly: section <c>.SYMBOL</c>, symbol <c>SYMBOL</c>, to be linked at the image's base.</summary>
/// <remarks>Comments, directives and the section's type are in the spelling that every GNU assembler takes, whatever its architecture.</remarks>
public static class ImageAssemblyWriter
{
    private const int PerLine = 4;

    /// <summary>The text, lines ended by a newline.</summary>
    public static string Write(LoadImage image)
    {
        if (image is null)
            throw new System.ArgumentNullException(nameof(image));
        var output = new StringBuilder(image.Bytes.Length);
        output.Append(Invariant($"/* Made by KmemKit from board {image.Board}; not to be edited. {image.Summary}, {image.Bytes.Length} bytes, to be linked at {image.Base}. */\n"));
        output.Append(Invariant($"\t.section .{image.Symbol}, \"aw\", %progbits\n"));
        output.Append(Invariant($"\t.balign {image.Alignment}\n"));
        output.Append(Invariant($"\t.globl {image.Symbol}\n{image.Symbol}:\n"));
        var at = 0;
        foreach (var part in image.Parts)
        {
            if (part.Offset > at)
                output.Append(Invariant($"\t.zero {part.Offset - at}\n"));
            output.Append(Invariant($"\t/* {ImageText.Hex(image.Base.Value + (ulong)part.Offset)}: {part.Comment} */\n"));
            WritePart(output, image, part);
            at = part.Offset + part.Bytes;
        }
        if (image.Bytes.Length > at)
            output.Append(Invariant($"\t.zero {image.Bytes.Length - at}\n"));
        output.Append(Invariant($"\t.globl {image.Symbol}_end\n{image.Symbol}_end:\n"));
        return output.ToString();
    }

    private static void WritePart(StringBuilder output, LoadImage image, LoadImagePart part)
    {
        var size = image.WordSize;
        var directive = size == 4 ? "\t.long " : "\t.quad ";
        var end = part.Offset + part.Bytes;
        for (var at = part.Offset; at < end;)
        {
            var zeros = 0;
            while (at + zeros < end && ImageText.Word(image.Bytes, at + zeros, size) == 0)
                zeros += size;
            if (zeros > 0)
            {
                output.Append(Invariant($"\t.zero {zeros}\n"));
                at += zeros;
                continue;
            }
            output.Append(directive);
            for (var i = 0; i < PerLine && at < end && ImageText.Word(image.Bytes, at, size) is var word and not 0; i++, at += size)
                output.Append(i == 0 ? "" : ", ").Append(ImageText.Padded(word, size));
            output.Append('\n');
        }
    }
}
