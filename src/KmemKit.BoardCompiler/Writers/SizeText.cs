using System.Globalization;
using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>Sizes for people, without rounding: the largest unit that divides the size.</summary>
internal static class SizeText
{
    private static readonly string[] _units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    public static string Of(AddressLimit size)
    {
        if (size.IsTop)
            return "16 EiB";
        var amount = size.Value;
        var unit = 0;
        while (amount != 0 && (amount & 0x3ff) == 0 && unit < _units.Length - 1)
        {
            amount >>= 10;
            unit++;
        }
        return amount.ToString(CultureInfo.InvariantCulture) + " " + _units[unit];
    }
}
