using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Mpu;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>What a board and its domains are called in C and in assembly: identifiers that no two of them share.</summary>
internal sealed class MpuCNames
{
    private MpuCNames(string prefix, ImmutableArray<string> domains)
    {
        Prefix = prefix;
        Domains = domains;
    }

    /// <summary>Such as <c>mps2_an385_mpu</c>.</summary>
    public string Prefix { get; }

    /// <summary>Such as <c>MPS2_AN385_MPU</c>.</summary>
    public string Macro => Prefix.ToUpperInvariant();

    /// <summary>By state: the last part of the constant <c>B_MPU_DOMAIN_...</c>, <c>NONE</c> first.</summary>
    public ImmutableArray<string> Domains { get; }

    public static MpuCNames Of(string board, MpuPlan plan)
    {
        var taken = new HashSet<string>(StringComparer.Ordinal);
        var domains = ImmutableArray.CreateBuilder<string>();
        foreach (var domain in plan.Domains)
        {
            var name = domain.Name is null ? "NONE" : Identifier(domain.Name).ToUpperInvariant();
            var unique = name;
            for (var i = 2; !taken.Add(unique); i++)
                unique = name + "_" + MpuText.Number(i);
            domains.Add(unique);
        }
        var prefix = Identifier(board).ToLowerInvariant();
        return new MpuCNames((char.IsDigit(prefix[0]) || prefix[0] == '_' ? "board_" + prefix.TrimStart('_') : prefix) + "_mpu", domains.ToImmutable());
    }

    /// <summary>A name as a comment may hold it.</summary>
    public static string Comment(string text) => new([.. text.Replace("*/", "* /").Select(c => c is < ' ' or > '~' ? '?' : c)]);

    private static string Identifier(string name)
    {
        var text = new StringBuilder(name.Length);
        foreach (var c in name)
            text.Append(c is >= 'a' and <= 'z' or >= 'A' and <= 'Z' or >= '0' and <= '9' ? c : '_');
        return text.Length == 0 ? "_" : text.ToString();
    }
}
