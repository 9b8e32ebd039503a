using System.Globalization;
using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Writers.CSharp;

/// <summary>Values as C# source: literals and constructor calls that give the same value back.</summary>
internal static class CSharpLiteral
{
    public const string Architecture = "global::KmemKit.Architecture.";

    public static string Number(ulong value) => SourceWriter.Hex(value) + "UL";

    public static string Decimal(ulong value) => value.ToString(CultureInfo.InvariantCulture) + "UL";

    public static string Limit(AddressLimit limit) => limit.IsTop ? Architecture + "AddressLimit.Top" : Number(limit.Value);

    public static string Phys(PhysAddr address) => $"new {Architecture}PhysAddr({Number(address.Value)})";

    public static string Virt(VirtAddr address) => $"new {Architecture}VirtAddr({Number(address.Value)})";

    public static string Range(PhysRange range) => $"{Architecture}PhysRange.FromBounds({Phys(range.Start)}, {Limit(range.End)})";

    public static string Range(VirtRange range) => $"{Architecture}VirtRange.FromBounds({Virt(range.Start)}, {Limit(range.End)})";

    public static string Bool(bool value) => value ? "true" : "false";
}
