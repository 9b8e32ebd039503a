using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Tests.Linear;

namespace KmemKit.BoardCompiler.Tests.Writers.C;

/// <summary>A header and the C and assembler files that try it: every constant in a table, every translation in a function.</summary>
internal sealed partial class HeaderUnit
{
    public HeaderUnit(string name, string header, LinearMap map, int physicalBits, int virtualBits, Random random)
    {
        Name = name;
        Header = header;
        Map = map;
        PhysicalBits = physicalBits;
        VirtualBits = virtualBits;
        Physical = Addresses(map.Segments.Select(s => (s.Phys.Value, s.PhysRange.End)), map.Ram, physicalBits, random);
        Virtual = Addresses(map.Segments.Select(s => (s.Virt.Value, s.VirtRange.End)), [], virtualBits, random);
        Constants = [.. Constant().Matches(header).Select(m => m.Groups[1].Value)];
    }

    public string Name { get; }

    public string Header { get; }

    public LinearMap Map { get; }

    public int PhysicalBits { get; }

    public int VirtualBits { get; }

    /// <summary>Physical addresses to try: borders, what lies beside them, and random ones.</summary>
    public ulong[] Physical { get; }

    /// <summary>Virtual addresses to try.</summary>
    public ulong[] Virtual { get; }

    /// <summary>Names of the numeric constants, in the order of the header.</summary>
    public string[] Constants { get; }

    /// <summary>How many of the addresses, the borders, are written as constant expressions too.</summary>
    public const int InText = 24;

    public string CSource(Func<ulong, ulong> physToVirt, Func<ulong, ulong> virtToPhys)
    {
        var c = new StringBuilder();
        c.Append($"#include \"{Name}.kmem.h\"\n#include <stddef.h>\n");
        c.Append($"void {Name}_run(int which, const uint64_t *in, uint64_t *out, size_t count);\n");
        c.Append($"extern const uint64_t {Name}_constants[];\nextern const uint64_t {Name}_folded[];\nextern const char {Name}_board[];\n");
        c.Append($"void {Name}_run(int which, const uint64_t *in, uint64_t *out, size_t count)\n{{\n    size_t i;\n    for (i = 0; i < count; i++) {{\n        const uint64_t x = in[i];\n");
        c.Append("        const kmem_phys_t p = KMEM_CAST(kmem_phys_t, x);\n        const kmem_virt_t v = KMEM_CAST(kmem_virt_t, x);\n        kmem_phys_t tp = 1;\n        kmem_virt_t tv = 1;\n        switch (which) {\n");
        string[] cases =
        [
            "__phys_to_virt(x)", "kmem_phys_to_virt(p)", "__phys_to_virt_checked(x)", "kmem_phys_to_virt_checked(p, &tv) ? tv : 0xbadU + tv", "kmem_is_linear_phys(p)", "KMEM_PHYS_TO_VIRT(p)",
            "__virt_to_phys(x)", "kmem_virt_to_phys(v)", "__virt_to_phys_checked(x)", "kmem_virt_to_phys_checked(v, &tp) ? tp : 0xbadU + tp", "kmem_is_linear_virt(v)", "KMEM_VIRT_TO_PHYS(v)",
        ];
        for (var i = 0; i < cases.Length; i++)
            c.Append($"        case {i}: out[i] = {cases[i]}; break;\n");
        c.Append("        default: out[i] = 0; break;\n        }\n    }\n}\n");
        c.Append($"const uint64_t {Name}_constants[] = {{\n{string.Concat(Constants.Select(n => $"    {n},\n"))}    0\n}};\n");
        c.Append($"const uint64_t {Name}_folded[] = {{\n{string.Concat(TextExpressions("U", "ULL").Select(e => $"    {e},\n"))}    0\n}};\n");
        c.Append($"const char {Name}_board[] = {(Header.Contains("KMEM_BOARD", StringComparison.Ordinal) ? "KMEM_BOARD" : "\"\"")};\n");
        // The preprocessor, whose arithmetic has 64 bits, and array sizes.
        foreach (var (macro, addresses, translate) in new[] { ("KMEM_PHYS_TO_VIRT", Physical, physToVirt), ("KMEM_VIRT_TO_PHYS", Virtual, virtToPhys) })
        {
            foreach (var address in addresses.Take(InText))
                c.Append($"#if {macro}({Literal(address, "U", "ULL")}) != {Literal(translate(address), "U", "ULL")}\n#error {macro} of 0x{address:x}\n#endif\n");
        }
        c.Append($"typedef char {Name}_size[__phys_to_virt(0) == __phys_to_virt(0U) ? 1 : -1];\nextern {Name}_size {Name}_sized;\n");
        return c.ToString();
    }

    public string AssemblerSource()
    {
        var s = new StringBuilder($"#include \"{Name}.kmem.h\"\n\t.data\n\t.globl {Name}_asm\n{Name}_asm:\n");
        foreach (var expression in TextExpressions("", ""))
            s.Append($"\t.quad {expression}\n");
        foreach (var constant in Constants)
            s.Append($"\t.quad {constant}\n");
        return s.ToString();
    }

    /// <summary>The expressions whose values are in <c>_folded</c> and at the start of <c>_asm</c>.</summary>
    private IEnumerable<string> TextExpressions(string narrow, string wide)
    {
        foreach (var address in Physical.Take(InText))
            yield return $"__phys_to_virt({Literal(address, narrow, wide)})";
        foreach (var address in Physical.Take(InText))
            yield return $"__phys_to_virt_checked({Literal(address, narrow, wide)})";
        foreach (var address in Virtual.Take(InText))
            yield return $"__virt_to_phys({Literal(address, narrow, wide)})";
        foreach (var address in Virtual.Take(InText))
            yield return $"__virt_to_phys_checked({Literal(address, narrow, wide)})";
    }

    private static string Literal(ulong value, string narrow, string wide) =>
        "0x" + value.ToString("x", CultureInfo.InvariantCulture) + (value > uint.MaxValue ? wide : narrow);

    private static ulong[] Addresses(IEnumerable<(ulong Start, AddressLimit End)> segments, IEnumerable<PhysRange> ram, int bits, Random random)
    {
        var most = bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        var borders = new SortedSet<ulong> { 0, most };
        foreach (var (start, end) in segments.Concat(ram.Select(r => (r.Start.Value, r.End))))
            borders.UnionWith([start & most, unchecked(start - 1) & most, end.Wrapped & most, unchecked(end.Wrapped - 1) & most]);
        var shuffled = borders.OrderBy(_ => random.Next()).ToList();
        for (var i = 0; i < 1000; i++)
        {
            shuffled.Add(RandomLinearMap.Below(random, ulong.MaxValue) & most);
            shuffled.Add(unchecked(shuffled[random.Next(borders.Count)] + RandomLinearMap.Below(random, 0x10000000)) & most);
        }
        return [.. shuffled];
    }

    [GeneratedRegex(@"^#define (\w+) (?:KMEM_U(?:32|64)\(0x[0-9a-f]+\)|[0-9]+)(?: /\*.*)?$", RegexOptions.Multiline)]
    private static partial Regex Constant();
}
