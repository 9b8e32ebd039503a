using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Tests.Writers.C;
using KmemKit.BoardCompiler.Writers.Linker;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Writers.Linker;

/// <summary>The linker fragment, read by the linker: regions lie where the layout has them, and what does not fit does not link.</summary>
internal sealed class LinkerFragmentTests
{
    private const ulong Step = 0x1000;

    private string _folder = "";

    [OneTimeSetUp]
    public void MakeFolder()
    {
        OutsideTool.Require("arm-none-eabi-ld", "binutils-arm-none-eabi");
        OutsideTool.Require("aarch64-linux-gnu-ld", "binutils-aarch64-linux-gnu");
        OutsideTool.Require("gcc", "gcc");
        _folder = Directory.CreateTempSubdirectory("kmemkit-linker-").FullName;
    }

    [OneTimeTearDown]
    public void RemoveFolder()
    {
        if (_folder.Length > 0)
            Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void The_linker_puts_a_section_of_every_region_where_the_layout_has_it_and_knows_every_symbol(
        [ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var layout = RepositoryBoards.Compile(board).Layout!;
        var fragment = LinkerFragmentWriter.Write(layout);
        var regions = Regions(fragment);
        var symbols = Regex.Matches(fragment, @"^PROVIDE\((\w+) = ", RegexOptions.Multiline).Select(m => m.Groups[1].Value).ToList();
        var source = string.Concat(regions.Select((_, i) => $"\t.section .r{i},\"a\"\n\t.globl r{i}\nr{i}:\t.byte 1\n"))
            + "\t.section .use,\"a\"\n" + string.Concat(symbols.Select(s => $"\t.{(Is64(layout) ? "quad" : "long")} {s}\n"));
        var script = string.Concat(regions.Select((r, i) => $"  .r{i} : {{ *(.r{i}) }} > {r.Name}\n")) + $"  .use : {{ *(.use) }} > {regions.MaxBy(r => r.Size).Name}\n";

        var found = Symbols(Link(layout, fragment, source, script));

        for (var i = 0; i < regions.Count; i++)
            Assert.That(found[$"r{i}"], Is.EqualTo(regions[i].Start), regions[i].Name);
        Assert.That(Expected(layout), Is.SubsetOf(found));
        Assert.That(symbols, Is.SubsetOf(found.Keys));
        Assert.That(symbols.Where(s => !s.EndsWith("_virt", StringComparison.Ordinal)), Is.EquivalentTo(Expected(layout).Keys));
    }

    [Test]
    public void Its_text_has_every_byte_of_RAM_that_is_not_reserved_and_every_reserved_region_once(
        [ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var layout = RepositoryBoards.Compile(board).Layout!;
        var regions = Regions(LinkerFragmentWriter.Write(layout));
        var open = regions.Where(r => r.Attributes != "!a").ToList();
        var others = layout.Board.Devices.Where(d => d.IsSram || d.Compatible.Contains("cfi-flash")).SelectMany(d => d.Ranges).Select(r => r.Range).ToList();

        // In steps that divide every border of the repository's boards: RAM is in one region, and the regions' sum is no more than that.
        var pages = 0UL;
        foreach (var bank in layout.Banks.Where(b => b.Range.End <= 1UL << 32 || Is64(layout)))
        {
            for (var page = bank.Range.Start; bank.Range.Contains(page); page += Step)
            {
                var isTaken = layout.Reserved.Any(r => r.Range.Contains(page));
                if (open.Count(r => r.Start <= page.Value && page.Value < r.Start + r.Size) != (isTaken ? 0 : 1))
                    Assert.Fail($"{page} is {(isTaken ? "" : "not ")}reserved");
                pages += isTaken ? 0u : 1u;
            }
        }
        Assert.That(open.Aggregate(0UL, (sum, r) => sum + r.Size), Is.EqualTo((pages * Step) + others.Aggregate(0UL, (sum, r) => sum + r.Size.Value)));
        Assert.That(regions.Where(r => r.Attributes == "!a").Select(r => (r.Start, r.Size)), Is.EquivalentTo(layout.Reserved.Select(r => (r.Range.Start.Value, r.Range.Size.Value))));
        Assert.That(regions.Select(r => r.Name), Is.Unique);
    }

    [Test]
    public void One_byte_too_many_is_the_linker_s_error_and_one_less_is_none()
    {
        var layout = RepositoryBoards.Compile("qemu/mps2-an385").Layout!;
        var fragment = LinkerFragmentWriter.Write(layout);
        static string Big(int extra) => $"\t.section .big,\"aw\",%nobits\nbig:\t.space {0x4000 + extra}\n";

        Link(layout, fragment, Big(0), "  .big : { *(.big) } > BLOCKRAM\n");
        var error = Link(layout, fragment, Big(1), "  .big : { *(.big) } > BLOCKRAM\n", expectFailure: true);

        Assert.That(error, Does.Contain("`BLOCKRAM'").And.Contain("will not fit"));
    }

    [Test]
    public void A_section_that_the_script_forgets_goes_to_RAM_and_never_to_a_reserved_region()
    {
        // The reserved region comes first in memory, and the RAM in front of it has no room.
        var layout = Compile("memory@0 { device_type = \"memory\"; reg = <0 0x101000>; }; reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges; "
            + "shared: s@1000 { reg = <0x1000 0x100000>; }; };").Layout!;
        var fragment = LinkerFragmentWriter.Write(layout);

        var found = Symbols(Link(layout, fragment, "\t.section .lost,\"aw\"\n\t.globl lost\nlost:\t.space 16\n", ""));
        var error = Link(layout, fragment, "\t.section .lost,\"aw\",%nobits\n\t.globl lost\nlost:\t.space 0x2000\n", "", expectFailure: true);

        Assert.That(found["lost"], Is.LessThan(0x1000));
        Assert.That(error, Does.Contain("RAM"));
    }

    [Test]
    public void Attributes_are_what_the_protection_policy_grants()
    {
        var layout = Compile(
            """
            memory@0 { device_type = "memory"; reg = <0x20000000 0x10000>; };
            flash: flash@0 { compatible = "soc-nv-flash"; reg = <0 0x10000>; };
            code: sram@10000 { compatible = "mmio-sram"; reg = <0x10000 0x8000>; };
            cut: sram@20000 { compatible = "mmio-sram"; reg = <0x18000 0x8000>; };
            data: sram@30000 { compatible = "mmio-sram"; reg = <0x20010000 0x8000>; };
            protection { compatible = "kmemkit,protection"; mpu = "pmsav7-m"; regions = <8>; #address-cells = <1>; #size-cells = <1>;
            	code-entry { region = <&code>; privileged = "rx"; user = "rx"; };
            	data-entry { region = <&data>; privileged = "rw"; };
            	cut-entry { region = <&cut>; privileged = "rw"; };
            	part { reg = <0x18000 0x1000>; privileged = "r"; };
            };
            """, "CONFIG_MMU=n\nCONFIG_ARM_MPU=y\n").Layout!;

        Assert.That(Regions(LinkerFragmentWriter.Write(layout)).Select(r => $"{r.Name} {r.Attributes}"),
            Is.EquivalentTo(new[] { "RAM rwx", "FLASH rx", "CODE rx", "CUT rwx", "DATA rw" }));
    }

    [Test]
    public void What_a_word_cannot_hold_is_said_and_not_written()
    {
        var layout = Compile("memory@f0000000 { device_type = \"memory\"; reg = <0xf0000000 0x10000000>; };", "CONFIG_MMU=n\n").Layout!;
        var fragment = LinkerFragmentWriter.Write(layout);

        Assert.That(fragment, Does.Contain("/* __kmem_ram_end is 0x100000000, which a word does not hold. */"));
        Link(layout, fragment, "\t.text\n", "  .text : { *(.text) } > RAM\n");
    }

    [Test]
    public void Names_that_differ_by_case_alone_stay_apart()
    {
        var layout = Compile("memory@0 { device_type = \"memory\"; reg = <0 0x100000>; }; reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges; "
            + "foo: a@1000 { reg = <0x1000 0x1000>; }; FOO: b@2000 { reg = <0x2000 0x1000>; }; ram: c@3000 { reg = <0x3000 0x1000>; }; };").Layout!;
        var fragment = LinkerFragmentWriter.Write(layout);

        Assert.That(Regions(fragment).Select(r => r.Name), Is.Unique.And.SupersetOf(new[] { "foo", "FOO", "RAM", "RAM_2" }));
        Link(layout, fragment, "\t.text\n\t.long __kmem_foo_start, __kmem_FOO_start\n", "  .text : { *(.text) } > RAM\n");
    }

    private static BoardCompilation Compile(string nodes, string defconfig = "")
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("t.dts",
            "/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; compatible = \"t,t\"; cpus { #address-cells = <1>; #size-cells = <0>; "
            + "cpu@0 { device_type = \"cpu\"; compatible = \"arm,cortex-m3\"; reg = <0>; }; };\n" + nodes + "\n};\n"))
        {
            Defconfig = new SourceFile("t_defconfig", "CONFIG_ARM=y\n" + defconfig),
            RequireLayout = true,
        });
        Assert.That(compilation.HasErrors, Is.False, string.Join("\n", compilation.Diagnostics));
        return compilation;
    }

    private static bool Is64(MemoryLayout layout) => layout.Board.Architecture is TargetArchitecture.Arm64 or TargetArchitecture.X64 or TargetArchitecture.RiscV64;

    private string Link(MemoryLayout layout, string fragment, string source, string sections, bool expectFailure = false)
    {
        var (tools, options) = layout.Board.Architecture switch
        {
            TargetArchitecture.Arm => ("arm-none-eabi-", Array.Empty<string>()),
            TargetArchitecture.Arm64 => ("aarch64-linux-gnu-", []),
            // The host's linker, by the width of a word.
            TargetArchitecture.X86 or TargetArchitecture.RiscV32 => ("", ["-m", "elf_i386"]),
            _ => ("", []),
        };
        string[] assembler = options.Length > 0 ? ["--32"] : [];
        File.WriteAllText(Path.Combine(_folder, "board.ld"), fragment);
        File.WriteAllText(Path.Combine(_folder, "main.ld"), "INCLUDE board.ld\nSECTIONS\n{\n" + sections + "}\n");
        File.WriteAllText(Path.Combine(_folder, "main.s"), source);
        HeaderLibrary.Run(tools + "as", [.. assembler, "-o", "main.o", "main.s"], _folder);
        var said = HeaderLibrary.Run(tools + "ld", [.. options, "-e", "0", "-T", "main.ld", "-o", "main.elf", "main.o"], _folder, expectFailure);
        return expectFailure ? said : HeaderLibrary.Run(tools + "nm", ["main.elf"], _folder);
    }

    private static Dictionary<string, ulong> Symbols(string nm) =>
        Regex.Matches(nm, @"^([0-9a-f]+) \w (\w+)$", RegexOptions.Multiline).ToDictionary(m => m.Groups[2].Value, m => ulong.Parse(m.Groups[1].Value, NumberStyles.HexNumber));

    private static List<(string Name, string Attributes, ulong Start, ulong Size)> Regions(string fragment) =>
    [
        .. Regex.Matches(fragment, @"^ +(\w+) +\(([!a-z]+)\) +: ORIGIN = 0x([0-9a-f]+), LENGTH = 0x([0-9a-f]+) /\*.*\*/$", RegexOptions.Multiline).Select(m => (
            m.Groups[1].Value, m.Groups[2].Value, ulong.Parse(m.Groups[3].Value, NumberStyles.HexNumber), ulong.Parse(m.Groups[4].Value, NumberStyles.HexNumber))),
    ];

    // By the rule: start, size and end of each region, and a symbol of each label.
    private static Dictionary<string, ulong> Expected(MemoryLayout layout)
    {
        var expected = new Dictionary<string, ulong>
        {
            ["__kmem_page_offset"] = layout.PageOffset.Value,
            ["__kmem_phys_offset"] = layout.PhysOffset.Value,
        };
        var fits = Is64(layout) ? ulong.MaxValue : uint.MaxValue;
        foreach (var region in Regions(LinkerFragmentWriter.Write(layout)))
        {
            expected[$"__kmem_{region.Name.ToLowerInvariant()}_start"] = region.Start;
            expected[$"__kmem_{region.Name.ToLowerInvariant()}_size"] = region.Size;
            if (region.Start + region.Size <= fits)
                expected[$"__kmem_{region.Name.ToLowerInvariant()}_end"] = region.Start + region.Size;
        }
        foreach (var device in layout.Board.Devices)
        {
            foreach (var label in device.Labels)
            {
                for (var i = 0; i < device.Ranges.Length; i++)
                {
                    if (device.Ranges[i].Range.Start.Value <= fits)
                        expected["__kmem_device_" + (i == 0 ? label : $"{label}_{device.Ranges[i].Name ?? $"{i}"}").Replace('-', '_').ToLowerInvariant()] = device.Ranges[i].Range.Start.Value;
                }
            }
        }
        return expected;
    }
}
