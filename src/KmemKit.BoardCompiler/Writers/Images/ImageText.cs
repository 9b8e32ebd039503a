using System.Globalization;
using System.Text;

namespace KmemKit.BoardCompiler.Writers.Images;

/// <summary>Words and numbers that all writers of images have in common.</summary>
internal static class ImageText
{
    public static string Hex(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    public static string Padded(ulong value, int bytes) => "0x" + value.ToString(bytes == 4 ? "x8" : "x16", CultureInfo.InvariantCulture);

    /// <summary>A little-endian word of an image.</summary>
    public static ulong Word(byte[] image, int at, int size)
    {
        ulong value = 0;
        for (var i = size - 1; i >= 0; i--)
            value = (value << 8) | image[at + i];
        return value;
    }

    /// <summary>A name as a part of a macro's.</summary>
    public static string Macro(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var letter in name)
            text.Append(letter is >= 'a' and <= 'z' ? (char)(letter - 32) : letter is (>= 'A' and <= 'Z') or (>= '0' and <= '9') ? letter : '_');
        return text.ToString();
    }
}
