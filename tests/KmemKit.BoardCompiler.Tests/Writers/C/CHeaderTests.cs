using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Tests.Linear;
using KmemKit.BoardCompiler.Writers;
using KmemKit.BoardCompiler.Writers.C;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Writers.C;

/// <summary>The header of every board and the translation of random maps, in the eyes of the compilers: one answer with the C# of the same map.</summary>
internal sealed class CHeaderTests
{
    private const int Seed = 20260;
    private static readonly string[] _warnings =
        ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Werror"];

    private static HeaderLibrary? _library;

    private static HeaderLibrary Library => _library!;

    [OneTimeSetUp]
    public void Compile()
    {
        OutsideTool.Require("gcc", "gcc");
        _library = HeaderLibrary.Compile([.. BoardUnits(), .. RandomUnits()]);
    }

    [OneTimeTearDown]
    public void Remove() => _library?.Dispose();

    [Test]
    public void Every_translation_is_that_of_the_Csharp_type_and_of_the_map()
    {
        var translations = 0;
        foreach (var (unit, code) in Library.Units.Zip(Library.Written))
        {
            var p = unit.Physical;
            var results = Enumerable.Range(0, 12).Select(which => Library.Call(unit, which, which < 6 ? p : unit.Virtual)).ToArray();
            var (noVirt, noPhys) = (Value(unit, "KMEM_NO_VIRT"), Value(unit, "KMEM_NO_PHYS"));
            for (var i = 0; i < p.Length; i++)
            {
                var isRam = code.TryPhysToVirt(new PhysAddr(p[i]), out var virt);
                var isMapped = unit.Map.PhysToVirt(new PhysAddr(p[i]), out var mapped) == TranslationStatus.Ok;
                var plain = code.PhysToVirt(new PhysAddr(p[i])).Value;
                ulong[] expected = [plain, plain, isRam ? virt.Value : noVirt, isRam ? virt.Value : 0xbad, isRam ? 1u : 0, plain];
                if (isRam != isMapped || (isRam && mapped != virt) || !expected.SequenceEqual(results.Take(6).Select(r => r[i])))
                    Assert.Fail($"seed {Seed}, {unit.Name}: phys 0x{p[i]:x}: expected {Hex(expected)}, C {Hex(results.Take(6).Select(r => r[i]))}, map {mapped}");
            }
            var v = unit.Virtual;
            for (var i = 0; i < v.Length; i++)
            {
                var isRam = code.TryVirtToPhys(new VirtAddr(v[i]), out var phys);
                var isMapped = unit.Map.VirtToPhys(new VirtAddr(v[i]), out var mapped) == TranslationStatus.Ok;
                var plain = code.VirtToPhys(new VirtAddr(v[i])).Value;
                ulong[] expected = [plain, plain, isRam ? phys.Value : noPhys, isRam ? phys.Value : 0xbad, isRam ? 1u : 0, plain];
                if (isRam != isMapped || (isRam && mapped != phys) || !expected.SequenceEqual(results.Skip(6).Select(r => r[i])))
                    Assert.Fail($"seed {Seed}, {unit.Name}: virt 0x{v[i]:x}: expected {Hex(expected)}, C {Hex(results.Skip(6).Select(r => r[i]))}, map {mapped}");
            }
            translations += 6 * (p.Length + v.Length);
        }
        Assert.That(translations, Is.GreaterThan(500_000));
    }

    [Test]
    public void What_a_checked_macro_gives_where_there_is_no_RAM_is_nobody_s_address()
    {
        foreach (var unit in Library.Units)
        {
            var (noVirt, noPhys) = (Value(unit, "KMEM_NO_VIRT"), Value(unit, "KMEM_NO_PHYS"));

            Assert.That(unit.Map.VirtToPhys(new VirtAddr(noVirt), out _), Is.Not.EqualTo(TranslationStatus.Ok).Or.EqualTo(Whole(unit)), unit.Name);
            Assert.That(unit.Map.IsRam(new PhysAddr(noPhys)), Is.EqualTo(Whole(unit) == TranslationStatus.Ok), unit.Name);
        }

        // RAM everywhere: no check ever fails.
        static TranslationStatus Whole(HeaderUnit unit) => unit.Name == "whole" ? TranslationStatus.Ok : TranslationStatus.Outside;
    }

    [Test]
    public void Constant_expressions_and_the_assembler_say_what_functions_say()
    {
        foreach (var unit in Library.Units)
        {
            var expected = new[] { (0, unit.Physical), (2, unit.Physical), (6, unit.Virtual), (8, unit.Virtual) }
                .SelectMany(c => Library.Call(unit, c.Item1, [.. c.Item2.Take(HeaderUnit.InText)])).ToArray();

            Assert.That(Library.Table(unit.Name + "_folded", expected.Length), Is.EqualTo(expected), unit.Name);
            Assert.That(Library.Table(unit.Name + "_asm", expected.Length), Is.EqualTo(expected), unit.Name);
            var constants = Library.Table(unit.Name + "_constants", unit.Constants.Length);
            Assert.That(Library.Table(unit.Name + "_asm", expected.Length + constants.Length).Skip(expected.Length), Is.EqualTo(constants), unit.Name);
        }
    }

    [Test]
    public void Every_constant_is_what_the_layout_says([ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var layout = RepositoryBoards.Compile(board).Layout!;
        var unit = Library.Units.Single(u => u.Name == UnitName(board));
        var values = unit.Constants.Zip(Library.Table(unit.Name + "_constants", unit.Constants.Length)).ToDictionary(c => c.First, c => c.Second);
        var made = new[] { "KMEM_NO_VIRT", "KMEM_NO_PHYS" };

        Assert.That(values.Where(c => !made.Contains(c.Key)), Is.EquivalentTo(Expected(layout)));
        Assert.That(Library.Text(unit.Name + "_board"), Is.EqualTo(layout.Board.Name));
    }

    [TestCase("gcc", "gcc", "c", "-std=c99")]
    [TestCase("gcc", "gcc", "c", "-std=c17", "-m32", "-ffreestanding")]
    [TestCase("g++", "g++", "c++", "-std=c++11", "-Wold-style-cast")]
    [TestCase("g++", "g++", "c++", "-std=c++20", "-Wold-style-cast")]
    [TestCase("arm-none-eabi-gcc", "gcc-arm-none-eabi", "c", "-std=c99", "-mcpu=cortex-m3", "-ffreestanding")]
    [TestCase("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "c", "-std=c99", "-ffreestanding")]
    public void No_compiler_has_anything_to_say(string compiler, string package, string language, params string[] options)
    {
        OutsideTool.Require(compiler, package);
        HeaderLibrary.Run(compiler, ["-fsyntax-only", "-x", language, .. options, .. _warnings, .. Library.Units.Select(u => Probe(u.Name))], Library.Folder);
    }

    [Test]
    public void The_Arm_assembler_sees_the_same_numbers()
    {
        OutsideTool.Require("arm-none-eabi-gcc", "gcc-arm-none-eabi");
        HeaderLibrary.Run("arm-none-eabi-gcc", ["-c", .. Library.Units.Select(u => u.Name + "_asm.S")], Library.Folder);
        foreach (var unit in Library.Units)
        {
            HeaderLibrary.Run("arm-none-eabi-objcopy", ["-O", "binary", "-j", ".data", unit.Name + "_asm.o", unit.Name + ".bin"], Library.Folder);
            var bytes = File.ReadAllBytes(Path.Combine(Library.Folder, unit.Name + ".bin"));
            var numbers = Enumerable.Range(0, bytes.Length / 8).Select(i => BitConverter.ToUInt64(bytes, i * 8));

            Assert.That(numbers, Is.EqualTo(Library.Table(unit.Name + "_asm", bytes.Length / 8)), unit.Name);
        }
    }

    [Test]
    public void It_can_be_included_beside_a_kernel_s_own_names_and_twice()
    {
        var text = "#define PAGE_OFFSET other\n#define __phys_to_virt(x) other\n#define KMEM_NO_KERNEL_NAMES\n#include \"seed_ex6.kmem.h\"\n#include \"seed_ex6.kmem.h\"\n";
        File.WriteAllText(Path.Combine(Library.Folder, "beside.c"), text + "extern int other;\n");

        HeaderLibrary.Run("gcc", ["-fsyntax-only", "-std=c99", .. _warnings, "beside.c"], Library.Folder);
    }

    private static string Probe(string unit) => unit + ".c";

    private static ulong Value(HeaderUnit unit, string constant) =>
        Library.Table(unit.Name + "_constants", unit.Constants.Length)[Array.IndexOf(unit.Constants, constant)];

    private static string Hex(IEnumerable<ulong> values) => string.Join(" ", values.Select(v => v.ToString("x", CultureInfo.InvariantCulture)));

    internal static string UnitName(string board) => Regex.Replace(board, "[^a-z0-9]", "_");

    private static IEnumerable<HeaderUnit> BoardUnits() => RepositoryBoards.Names.Select(board =>
    {
        var layout = RepositoryBoards.Compile(board).Layout!;
        return new HeaderUnit(UnitName(board), CHeaderWriter.Write(layout), layout.Linear, AddressWidth.PhysicalBits(layout), AddressWidth.VirtualBits(layout), new Random(Seed));
    });

    private static IEnumerable<HeaderUnit> RandomUnits()
    {
        var random = new Random(Seed);
        foreach (var segments in new[] { 1, 2, 3, 5, 9, 20 })
        {
            foreach (var (physical, @virtual) in new[] { (32, 32), (64, 32), (32, 64), (64, 64) })
                yield return Unit($"r{segments}_{physical}_{@virtual}", RandomLinearMap.Create(random, segments, physical, @virtual), physical, @virtual, random);
        }
        yield return Unit("empty", LinearMap.Empty, 32, 32, random);
        yield return Unit("whole", Identity(0, 1UL << 32), 32, 32, random);
        yield return Unit("top", Identity(0xfffff000, 0x1000), 32, 32, random);
        yield return Unit("first_and_last", new LinearMap(
            [new LinearSegment(default, default, 0x1000), new LinearSegment(new PhysAddr(0xfffff000), new VirtAddr(0xfffff000), 0x1000)],
            [new PhysRange(default, 0x1000), new PhysRange(new PhysAddr(0xfffff000), 0x1000)]), 32, 32, random);
        yield return Unit("top64", Identity(0xfffffffffffff000, 0x1000), 64, 64, random);
        yield return Unit("byte", Identity(0x1001, 1), 32, 32, random);
    }

    private static LinearMap Identity(ulong start, ulong size) =>
        new([new LinearSegment(new PhysAddr(start), new VirtAddr(start), size)], [new PhysRange(new PhysAddr(start), size)]);

    private static HeaderUnit Unit(string name, LinearMap map, int physicalBits, int virtualBits, Random random)
    {
        var w = new SourceWriter();
        w.Line("#ifndef GUARD");
        w.Line("#define GUARD 1");
        CTranslationWriter.WriteHelpers(w);
        CTranslationWriter.Write(w, map, physicalBits, virtualBits);
        w.Line("#endif");
        return new HeaderUnit(name, w.ToString(), map, physicalBits, virtualBits, random);
    }

    // What the names promise, by the layout alone.
    private static Dictionary<string, ulong> Expected(MemoryLayout layout)
    {
        var expected = new Dictionary<string, ulong>
        {
            ["KMEM_HAS_MMU"] = layout.Board.UsesMmu ? 1u : 0,
            ["KMEM_PHYS_BITS"] = layout.Board.Name is "pc-32" || layout.Profile.StartsWith("linux-arm-", StringComparison.Ordinal)
                || layout.Profile.StartsWith("linux-riscv32-", StringComparison.Ordinal) || layout.Profile is "identity-arm" or "identity-riscv32" ? 32u : 64,
            ["KMEM_VIRT_BITS"] = layout.Profile.Contains("64", StringComparison.Ordinal) ? 64u : 32,
            ["KMEM_PAGE_SHIFT"] = (ulong)layout.Pages.PageShift,
            ["KMEM_PAGE_SIZE"] = layout.Pages.PageSize,
            ["KMEM_PAGE_OFFSET"] = layout.PageOffset.Value,
            ["KMEM_PHYS_OFFSET"] = layout.PhysOffset.Value,
            ["KMEM_LOWMEM_LIMIT"] = layout.LowmemLimit.Value,
            ["KMEM_HIGH_MEMORY"] = layout.HighMemory.Value,
            ["KMEM_LOW_PAGES"] = layout.LowPages,
            ["KMEM_HIGH_PAGES"] = layout.HighPages,
            ["KMEM_BANK_COUNT"] = (ulong)layout.Banks.Length,
            ["KMEM_HOLE_COUNT"] = (ulong)layout.Holes.Length,
        };
        for (var i = 0; i < layout.Banks.Length; i++)
        {
            Add($"KMEM_BANK_{i}", "BASE", layout.Banks[i].Range.Start.Value, layout.Banks[i].Range.End);
            expected[$"KMEM_BANK_{i}_IS_LOWMEM"] = layout.Banks[i].Kind == BankKind.Lowmem ? 1u : 0;
        }
        for (var i = 0; i < layout.Holes.Length; i++)
            Add($"KMEM_HOLE_{i}", "BASE", layout.Holes[i].Range.Start.Value, layout.Holes[i].Range.End);
        foreach (var placed in layout.Reserved)
        {
            var name = "KMEM_RESERVED_" + Spell(placed.Region.Labels.FirstOrDefault() ?? placed.Region.Name);
            Add(name, "BASE", placed.Range.Start.Value, placed.Range.End);
            expected[name + "_NO_MAP"] = placed.Region.NoMap ? 1u : 0;
            expected[name + "_REUSABLE"] = placed.Region.Reusable ? 1u : 0;
        }
        var counts = new Dictionary<string, int>();
        foreach (var range in layout.Virtual)
        {
            var name = Spell(range.Name.TrimStart('.'));
            var number = counts[name] = counts.GetValueOrDefault(name) + 1;
            Add("KMEM_VIRT_" + name + (number > 1 ? $"_{number}" : ""), "START", range.Range.Start.Value, range.Range.End);
        }
        foreach (var device in layout.Board.Devices)
        {
            foreach (var label in device.Labels)
            {
                for (var i = 0; i < device.Ranges.Length; i++)
                    Add("KMEM_DEVICE_" + Spell(i == 0 ? label : $"{label}_{device.Ranges[i].Name ?? $"{i}"}"), "BASE", device.Ranges[i].Range.Start.Value, device.Ranges[i].Range.End);
            }
        }
        return expected;

        void Add(string name, string first, ulong start, AddressLimit end)
        {
            expected.Add($"{name}_{first}", start);
            if (end.SizeFrom(start) is { IsTop: false } size)
                expected.Add($"{name}_SIZE", size.Value);
            if (!end.IsTop)
                expected.Add($"{name}_END", end.Value);
        }

        static string Spell(string name) => Regex.Replace(name, "[^A-Za-z0-9]", "_").ToUpperInvariant();
    }
}
