namespace KmemKit.BoardCompiler.Policies;

/// <summary>
/// Sizes on the kernel command line (lib/cmdline.c, memparse): <c>0x</c> hexadecimal, a leading 0 octal, else decimal, and one of K M G T P E for
/// powers of 1024. Where the kernel wraps a number that is too large, this refuses it.
/// </summary>
internal static class MemParse
{
    /// <summary>Reads a size at <paramref name="at"/> and moves <paramref name="at"/> behind it; false where there is none or it needs more than 64 bits.</summary>
    public static bool TryRead(string text, ref int at, out ulong bytes)
    {
        bytes = 0;
        uint radix = 10;
        if (at + 2 < text.Length && text[at] == '0' && (text[at + 1] | 0x20) == 'x' && Digit(text[at + 2]) < 16)
        {
            radix = 16;
            at += 2;
        }
        else if (at < text.Length && text[at] == '0')
        {
            radix = 8;
        }
        var first = at;
        for (; at < text.Length && Digit(text[at]) is var digit && digit < radix; at++)
        {
            if (bytes > (ulong.MaxValue - digit) / radix)
                return false;
            bytes = (bytes * radix) + digit;
        }
        if (at == first)
            return false;
        var shift = at < text.Length ? Shift(text[at]) : 0;
        if (shift == 0)
            return true;
        at++;
        if (bytes > ulong.MaxValue >> shift)
            return false;
        bytes <<= shift;
        return true;
    }

    /// <summary>Reads a text that is a size and nothing else.</summary>
    public static bool TryReadAll(string text, out ulong bytes)
    {
        var at = 0;
        return TryRead(text, ref at, out bytes) && at == text.Length;
    }

    private static uint Digit(char c) => c switch
    {
        >= '0' and <= '9' => (uint)(c - '0'),
        >= 'a' and <= 'f' => (uint)(c - 'a' + 10),
        >= 'A' and <= 'F' => (uint)(c - 'A' + 10),
        _ => uint.MaxValue,
    };

    private static int Shift(char c) => (c | 0x20) switch
    {
        'k' => 10,
        'm' => 20,
        'g' => 30,
        't' => 40,
        'p' => 50,
        'e' => 60,
        _ => 0,
    };
}
