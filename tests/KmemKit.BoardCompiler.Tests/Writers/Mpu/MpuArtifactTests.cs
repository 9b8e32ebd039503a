using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Tests.Mpu;
using KmemKit.BoardCompiler.Writers.Mpu;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Writers.Mpu;

/// <summary>Every form of a plan, read back by somebody else (C compilers, assemblers, a JSON reader), says what the plan says; for every unit there is.</summary>
internal sealed class MpuArtifactTests
{
    private const string Warnings = "-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Werror";

    private static readonly string[] s_boards =
    [
        "qemu/mps2-an385", "qemu/mps2-an386", "qemu/mps2-an500", "qemu/mps2-an505", "qemu/mps3-an547", "qemu/zcu102-rpu", "qemu/virt-riscv32", "qemu/virt-riscv64",
        "qemu/integratorcp-arm946",
    ];

    private static readonly ImmutableArray<(string Name, MpuPlan Plan, ProtectionPolicy Policy)> s_plans = [.. Plans()];

    private static IEnumerable<(string, MpuPlan, ProtectionPolicy)> Plans()
    {
        foreach (var board in s_boards)
        {
            var compilation = RepositoryBoards.Compile(board);
            yield return (board[(board.IndexOf('/', StringComparison.Ordinal) + 1)..], compilation.MpuPlan!, compilation.Board!.Protection!);
        }
        // Units that no board here has, and policies without domains, with one, and with several.
        foreach (var format in RandomPolicy.Formats)
        {
            var found = 0;
            for (var seed = 1; found < 3; seed++)
            {
                var policy = RandomPolicy.Make(format, new Random(seed), 2, found);
                if (MpuPlanner.Plan(policy, RandomPolicy.Unit(format, format.FixedRegionCount ?? 12)).Plan is { } plan)
                    yield return ($"9-{format.Name}-{format.Granule}-{found++}", plan, policy);
            }
        }
    }

    [Test]
    public void The_headers_compile_clean_for_the_cores_they_are_for()
    {
        using var folder = new Folder();
        foreach (var compiler in s_plans.Select(p => CompilerOf(p.Plan.Mpu.Format).Program).Distinct())
            OutsideTool.Require(compiler, PackageOf(compiler));
        foreach (var group in s_plans.GroupBy(p => CompilerOf(p.Plan.Mpu.Format)))
        {
            var sources = group.Select(each =>
            {
                var prefix = WriteHeader(folder, each.Name, each.Plan);
                var source = folder.Write(each.Name + ".c", $"#include \"{each.Name}.h\"\nint use(enum {prefix}_domain d);\nint use(enum {prefix}_domain d)\n"
                    + $"{{\n    return {prefix}_apply(d) + {prefix}_switch(d) + {prefix}_verify(d);\n}}\n");
                return $"'{source}'";
            });
            foreach (var level in new[] { "-O0", "-O2" })
                folder.Run("sh", "-c", $"for f in {string.Join(" ", sources)}; do {group.Key.Program} {group.Key.Options} -ffreestanding {level} {Warnings} -c -o /dev/null $f || exit 1; done");
        }
    }

    [Test]
    public void The_tables_that_a_C_compiler_reads_are_the_registers_of_the_plan()
    {
        OutsideTool.Require("gcc", "gcc");
        using var folder = new Folder();
        var program = new StringBuilder("#include <stdio.h>\n");
        var main = new StringBuilder("int main(void)\n{\n");
        foreach (var (name, plan, _) in s_plans)
        {
            var prefix = WriteHeader(folder, name, plan);
            program.Append(CultureInfo.InvariantCulture, $"#include \"{name}.h\"\n");
            var isMemory = MpuInstructions.Of(plan.Mpu.Format) is null;
            var size = isMemory ? "4" : $"sizeof({(plan.Mpu.Format.RegisterBits == 64 ? "uint64_t" : "uint32_t")})";
            main.Append(CultureInfo.InvariantCulture, $"    puts(\"= {name}\");\n");
            foreach (var table in new[] { "fixed", "states" })
            {
                if (table == "fixed" ? !HasFixed(plan) : !HasStates(plan))
                    continue;
                main.Append(CultureInfo.InvariantCulture, $"    for (size_t i = 0; i < sizeof({prefix}_{table}) / {size}; i++)\n")
                    .Append(CultureInfo.InvariantCulture, $"        printf(\"%llx\\n\", {size} == 8 ? (unsigned long long)((const uint64_t *)(const void *){prefix}_{table})[i] : ((const uint32_t *)(const void *){prefix}_{table})[i]);\n");
            }
        }
        var source = folder.Write("main.c", program.Append(main).Append("    return 0;\n}\n").ToString());
        // No function of the headers is used, so none is assembled for this machine.
        folder.Run("gcc", "-std=c99", "-Wall", "-Wextra", "-Werror", "-o", folder["main"], source);
        var printed = folder.Run(folder["main"]).Split("= ", StringSplitOptions.RemoveEmptyEntries)
            .Select(part => part.Split('\n', StringSplitOptions.RemoveEmptyEntries)).ToDictionary(p => p[0], p => p.Skip(1).Select(w => ulong.Parse(w, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray());
        foreach (var (name, plan, _) in s_plans)
        {
            var isMemory = MpuInstructions.Of(plan.Mpu.Format) is null;
            // M-profile: the number of the region before its registers, and the shared ones as macros.
            var expected = Words(plan).Where(w => !isMemory || w.Slot is not null).SelectMany(w => isMemory && w.Register == "RBAR" ? [(ulong)w.Slot!.Number, w.Value] : new[] { w.Value });
            Assert.That(printed[name], Is.EqualTo(expected), name);
            AssertIsPlan(name, plan);
        }
    }

    // By the plan's own registers: of a region that a state does not have, none means anything but the one that turns it off.
    [Test]
    public void A_switch_writes_each_register_that_differs_between_two_states_and_no_other()
    {
        foreach (var (name, plan, _) in s_plans.Where(p => MpuInstructions.Of(p.Plan.Mpu.Format) is not null))
        {
            var files = plan.Domains.Select(d => plan.RegistersOf(d.Name)).ToList();
            var expected = plan.Mpu.Format.SharedRegisters(plan.Mpu.RegionCount!.Value)
                .Where(shared => files.Select(f => f.Shared.FirstOrDefault(r => r.Name == shared).Value).Distinct().Count() > 1).Select(shared => (MpuSpace.Unified, -1, shared)).ToList();
            foreach (var region in files.SelectMany(f => f.Regions).DistinctBy(r => (r.Space, r.Number)))
            {
                var held = files.Select(f => f.Regions.FirstOrDefault(r => (r.Space, r.Number) == (region.Space, region.Number))).ToList();
                foreach (var register in plan.Mpu.Format.RegionRegisters(region.Number))
                {
                    var isPmp = register.StartsWith("pmpaddr", StringComparison.Ordinal);
                    if (held.Where(h => h is not null || !isPmp).Select(h => h?[register] ?? 0).Distinct().Count() > 1)
                        expected.Add((region.Space, region.Number, register));
                }
            }
            foreach (var state in Split(plan).States)
                Assert.That(state.Select(w => (w.Slot?.Space ?? MpuSpace.Unified, w.Slot?.Number ?? -1, w.Register)), Is.EquivalentTo(expected), name);
        }
    }

    // A locked top of range keeps the address below it from being written (Privileged Architecture 1.12, 3.7.1, "Locking and Privilege Mode").
    [Test]
    public void All_addresses_of_a_PMP_are_written_before_any_configuration()
    {
        foreach (var (name, plan, _) in s_plans.Where(p => p.Plan.Mpu.Format is PmpFormat))
        {
            foreach (var function in new[] { "apply", "switch" })
            {
                var text = MpuCHeaderWriter.Write(name, "a.dts", plan);
                var from = text.IndexOf($"_{function}(enum", StringComparison.Ordinal);
                var body = text[from..text.IndexOf("\n}\n", from, StringComparison.Ordinal)];
                var (words, bytes) = (Split(plan), plan.Mpu.Format.RegisterBits / 8);
                var written = Regex.Matches(body, @"l[wd] %\[value\], (\d+)\(%\[(fixed|state)\]\)\S*\s*""csrw 0x(3[a-f][0-9a-f])").Select(m =>
                {
                    // pmpcfg0 is CSR 0x3a0, pmpaddr0 0x3b0 (table 2.5); the word that is loaded is the one of that register.
                    var register = int.Parse(m.Groups[3].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
                    var at = int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture) / bytes;
                    var word = (m.Groups[2].Value == "fixed" ? words.Fixed : words.States[0])[at];
                    Assert.That(word.Register, Is.EqualTo(register >= 0x3b0 ? $"pmpaddr{register - 0x3b0}" : $"pmpcfg{register - 0x3a0}"), $"{name} {function}");
                    return register;
                }).ToList();
                Assert.That(written.SkipWhile(n => n >= 0x3b0), Has.All.LessThan(0x3b0), $"{name} {function}");
                var count = words.States[0].Length + (function == "switch" ? 0 : words.Fixed.Length);
                Assert.That((written.Count, written.Distinct().Count()), Is.EqualTo((count, count)), $"{name} {function}");
            }
        }
    }

    [Test]
    public void The_tables_that_an_assembler_reads_are_those_of_the_plan()
    {
        OutsideTool.Require("arm-none-eabi-as", "binutils-arm-none-eabi");
        using var folder = new Folder();
        foreach (var (name, plan, _) in s_plans)
        {
            var prefix = MpuCNames.Of(name, plan).Prefix;
            folder.Write(name + ".inc", MpuAssemblyWriter.Write(name, "a.dts", plan));
            var source = folder.Write(name + ".s", $".include \"{name}.inc\"\n.data\n{prefix}_fixed\n{prefix}_states\n");
            folder.Run("arm-none-eabi-as", "-I", folder.Path, "-o", folder[name + ".o"], source);
            folder.Run("arm-none-eabi-objcopy", "-O", "binary", "-j", ".data", folder[name + ".o"], folder[name + ".bin"]);
            var bytes = File.ReadAllBytes(folder[name + ".bin"]);
            var width = plan.Mpu.Format.RegisterBits / 8;
            var words = Enumerable.Range(0, bytes.Length / width).Select(i => width == 8 ? BitConverter.ToUInt64(bytes, 8 * i) : BitConverter.ToUInt32(bytes, 4 * i));
            Assert.That(words, Is.EqualTo(Words(plan).Select(w => w.Value)), name);
        }
    }

    [Test]
    public void The_JSON_decodes_to_the_policy()
    {
        foreach (var (name, plan, policy) in s_plans)
        {
            var json = JsonDocument.Parse(MpuJsonWriter.Write(name, plan, [])).RootElement;
            Assert.That((json.GetProperty("board").GetString(), json.GetProperty("mpu").GetString()), Is.EqualTo((name, plan.Mpu.Format.Name)));
            Assert.That((json.GetProperty("available").GetInt32(), json.GetProperty("used").GetInt32(), json.GetProperty("lower_bound").GetInt32()),
                Is.EqualTo((plan.Available, plan.Used, plan.LowerBound)));
            Assert.That((json.GetProperty("own").GetInt32(), json.GetProperty("own_lower_bound").GetInt32()), Is.EqualTo((plan.Domains.Sum(d => d.Regions.Length), plan.OwnLowerBound)));
            Assert.That(plan.OwnLowerBound, Is.LessThanOrEqualTo(plan.Own));
            Assert.That(json.GetProperty("domains").EnumerateArray().Select(d => d.GetProperty("name").GetString()), Is.EqualTo(policy.Domains.Select(d => d.Name)));
            var states = json.GetProperty("domains").EnumerateArray().Select(d => (Name: d.GetProperty("name").GetString(), Value: d)).Prepend((null, json.GetProperty("no_domain")));
            foreach (var (domain, state) in states)
            {
                var regions = json.GetProperty("static").EnumerateArray().Concat(state.GetProperty("regions").EnumerateArray()).ToList();
                var shared = state.TryGetProperty("registers", out var own) ? own : json.GetProperty("registers");
                var file = new MpuRegisterFile(Registers(shared), [.. regions.Select(r => new MpuRegionRegisters(
                    r.GetProperty("number").GetInt32(), Enum.Parse<MpuSpace>(r.GetProperty("space").GetString()!, ignoreCase: true), Registers(r.GetProperty("registers"))))],
                    json.GetProperty("privileged_background").GetBoolean());
                AssertDecides(name, plan, policy, domain, file);
                foreach (var region in regions)
                    Assert.That(Hex(region.GetProperty("size")), Is.EqualTo(plan.RegionsOf(domain).Single(r => r.Number == region.GetProperty("number").GetInt32()
                        && r.Space.ToString().Equals(region.GetProperty("space").GetString(), StringComparison.OrdinalIgnoreCase)).Range.Size.Value), name);
            }
        }
    }

    [Test]
    public void Text_and_markdown_have_each_register_value_of_each_region_in_use()
    {
        foreach (var (name, plan, _) in s_plans)
        {
            var (text, markdown) = (MpuTextWriter.Write(name, plan), MpuMarkdownWriter.Write(name, plan));
            foreach (var word in Words(plan).Where(w => w.Slot is null or { Region: not null }))
            {
                Assert.That(text, Does.Contain($"{word.Register}=0x{word.Value:x}"), name);
                Assert.That(markdown.Replace("\\", "", StringComparison.Ordinal), Does.Contain($"{word.Register}=0x{word.Value:x}"), name);
            }
        }
    }

    [Test]
    public void A_bit_that_is_wrong_in_the_unit_is_named_with_its_register()
    {
        foreach (var (name, plan, _) in s_plans.Where(p => !p.Name.EndsWith('2')))
        {
            var (format, planned) = (plan.Mpu.Format, plan.RegistersOf(null));
            Assert.That(MpuReadback.Compare(format, planned, planned), Is.Empty, name);
            for (var bit = 0; bit < format.RegisterBits; bit += 3)
            {
                foreach (var region in planned.Regions)
                {
                    foreach (var register in region.Values.Where(r => (format.KeptBits(r.Name) >> bit & 1) != 0))
                    {
                        var wrong = planned with { Regions = planned.Regions.Replace(region, region with { Values = region.Values.Replace(register, Flip(register, bit)) }) };
                        var found = MpuReadback.Compare(format, planned, wrong);
                        Assert.That(found.Select(d => (d.Register, d.Space, d.Region)), Is.EqualTo(new[] { (register.Name, region.Space, (int?)region.Number) }), name);
                        Assert.That(found[0].Effect, Does.StartWith($"region {region.Number} "), name);
                    }
                }
                foreach (var register in planned.Shared)
                    Assert.That(MpuReadback.Compare(format, planned, planned with { Shared = planned.Shared.Replace(register, Flip(register, bit)) }).Single().Register, Is.EqualTo(register.Name));
            }
            foreach (var region in planned.Regions)
                Assert.That(MpuReadback.Compare(format, planned, planned with { Regions = planned.Regions.Remove(region) }).Select(d => d.Read), Is.Not.Empty.And.All.Null, "a region that was not read");
        }
    }

    private static MpuRegister Flip(MpuRegister register, int bit) => register with { Value = register.Value ^ 1UL << bit };

    [Test]
    public void What_a_wrong_register_would_grant_is_told()
    {
        var plan = s_plans.Single(p => p.Name == "mps2-an385").Plan;
        var planned = plan.RegistersOf("console");
        var guard = planned.Regions.Single(r => r.Number == 5);
        // AP 3 in the guard below the stack: everybody may write.
        var wrong = planned with { Regions = planned.Regions.Replace(guard, guard with { Values = guard.Values.SetItem(1, new MpuRegister("RASR", guard["RASR"] | 3 << 24)) }) };
        Assert.That(MpuReadback.Compare(plan.Mpu.Format, planned, wrong).Single().Effect,
            Does.Contain("grants [0x21000000, 0x21000400): privileged \"rw\", user \"rw\"").And.Contain("and not grants [0x21000000, 0x21000400): privileged \"\", user \"\""));
        // The low bits of RBAR read as the number of the region.
        var read = planned with { Regions = [.. planned.Regions.Select(r => r with { Values = r.Values.SetItem(0, new MpuRegister("RBAR", r["RBAR"] | (uint)r.Number)) })] };
        Assert.That(MpuReadback.Compare(plan.Mpu.Format, planned, read), Is.Empty);
        // PRIVDEFENA as well, both ways.
        var background = planned with { PrivilegedBackground = !planned.PrivilegedBackground };
        Assert.That(MpuReadback.Compare(plan.Mpu.Format, planned, background).Select(d => d.Effect), Has.Some.Contains("default map").Or.Some.Contains("has nothing where no region is"));
        Assert.That(MpuReadback.Compare(plan.Mpu.Format, background, planned).Select(d => d.Register), Has.One.EqualTo("background"));
    }

    [Test]
    public void Domains_whose_names_are_one_in_C_stay_two()
    {
        var policy = RandomPolicy.Of(("a", 0x2000_0000, 0x1000, "rw", "rw")) with
        {
            Domains = [new ProtectionDomain("a-b", [], default), new ProtectionDomain("a_b", [], default), new ProtectionDomain("none", [], default)],
        };
        var plan = MpuPlanner.Plan(policy, RandomPolicy.Unit(MpuFormats.Find("pmsav7-m")!, 8)).Plan!;
        Assert.That(MpuCNames.Of("9g20-ek", plan).Domains, Is.EqualTo(new[] { "NONE", "A_B", "A_B_2", "NONE_2" }));
        Assert.That(MpuCHeaderWriter.Write("9g20-ek", "x */ y", plan), Does.Contain("BOARD_9G20_EK_MPU_DOMAIN_A_B_2 = 2").And.Contain("from x * / y"));
    }

    private static bool HasFixed(MpuPlan plan) => Split(plan).Fixed.Any(w => w.Slot is not null || MpuInstructions.Of(plan.Mpu.Format) is not null);

    private static bool HasStates(MpuPlan plan) => Split(plan).States[0].Length > 0;

    private static MpuWords Split(MpuPlan plan) => new(MpuImage.Of(plan), MpuInstructions.Of(plan.Mpu.Format));

    private static IEnumerable<MpuWord> Words(MpuPlan plan) => Split(plan).Fixed.Concat(Split(plan).States.SelectMany(s => s));

    // The words of each state are a whole unit that means what the plan means.
    private static void AssertIsPlan(string name, MpuPlan plan)
    {
        var words = Split(plan);
        for (var i = 0; i < plan.Domains.Length; i++)
        {
            var all = words.Fixed.Concat(words.States[i]).ToList();
            var file = new MpuRegisterFile(
                [.. all.Where(w => w.Slot is null).Select(w => new MpuRegister(w.Register, w.Value))],
                [.. all.Where(w => w.Slot is not null).GroupBy(w => (w.Slot!.Space, w.Slot.Number)).Select(g => new MpuRegionRegisters(g.Key.Number, g.Key.Space, [.. g.Select(w => new MpuRegister(w.Register, w.Value))]))],
                plan.PrivilegedBackground);
            Assert.That(file.Regions.Select(r => (r.Space, r.Number)), Is.EquivalentTo(plan.Mpu.Format.Spaces.SelectMany(s => Enumerable.Range(0, plan.Mpu.RegionCount!.Value).Select(n => (s, n)))), name);
            Assert.That(MpuReadback.Compare(plan.Mpu.Format, plan.RegistersOf(plan.Domains[i].Name), file), Is.Empty, name);
        }
    }

    private static void AssertDecides(string name, MpuPlan plan, ProtectionPolicy policy, string? domain, MpuRegisterFile file)
    {
        var format = plan.Mpu.Format;
        var table = format.Decode(file);
        var edges = policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)).SelectMany(e => new[] { e.Range.Start.Value, e.Range.End.Value });
        foreach (var address in edges.SelectMany(e => new[] { e - Math.Min(e, 1), e }).Where(a => a < format.AddressSpace.End.Value).Distinct())
        {
            foreach (var privilege in Enum.GetValues<Privilege>())
            {
                var want = policy.RightsAt(address, privilege, domain, format);
                if (format.NeverExecuted.Contains(new PhysAddr(address)))
                    want &= ~AccessRights.Execute;
                Assert.That(table.Decide(address, privilege).Rights, Is.EqualTo(want), $"{name} {domain} {address:x} {privilege}");
            }
        }
    }

    private static ImmutableArray<MpuRegister> Registers(JsonElement json) => [.. json.EnumerateObject().Select(p => new MpuRegister(p.Name, Hex(p.Value)))];

    private static ulong Hex(JsonElement value) => ulong.Parse(value.GetString()!.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    private static string WriteHeader(Folder folder, string name, MpuPlan plan)
    {
        folder.Write(name + ".h", MpuCHeaderWriter.Write(name, "a.dts", plan));
        return MpuCNames.Of(name, plan).Prefix;
    }

    private static (string Program, string Options) CompilerOf(MpuFormat format) => format.Name switch
    {
        "arm740t" => ("arm-none-eabi-gcc", "-mcpu=arm7tdmi -marm"),
        "arm940t" => ("arm-none-eabi-gcc", "-mcpu=arm9tdmi -marm"),
        "arm946e-s" => ("arm-none-eabi-gcc", "-mcpu=arm946e-s -marm"),
        "arm1026ej-s" => ("arm-none-eabi-gcc", "-mcpu=arm1026ej-s -marm"),
        "pmsav6" => ("arm-none-eabi-gcc", "-mcpu=arm1156t2-s -mthumb"),
        "pmsav7-r" => ("arm-none-eabi-gcc", "-mcpu=cortex-r5 -mthumb"),
        "pmsav7-m" => ("arm-none-eabi-gcc", "-mcpu=cortex-m3 -mthumb"),
        "pmsav8-m" => ("arm-none-eabi-gcc", "-mcpu=cortex-m23 -mthumb"),
        "pmsav8-r" or "pmsav8-r-el2" => ("arm-none-eabi-gcc", "-mcpu=cortex-r52 -marm"),
        "pmsav8-r64" or "pmsav8-r64-el2" => ("aarch64-linux-gnu-gcc", "-march=armv8-a"),
        "pmp-rv32" => ("riscv64-unknown-elf-gcc", "-march=rv32imac_zicsr -mabi=ilp32"),
        _ => ("riscv64-unknown-elf-gcc", "-march=rv64imac_zicsr -mabi=lp64"),
    };

    private static string PackageOf(string compiler) => compiler switch
    {
        "aarch64-linux-gnu-gcc" => "gcc-aarch64-linux-gnu",
        "riscv64-unknown-elf-gcc" => "gcc-riscv64-unknown-elf",
        _ => "gcc-arm-none-eabi",
    };

    private sealed class Folder : IDisposable
    {
        public string Path { get; } = Directory.CreateTempSubdirectory("kmem-mpu-").FullName;

        public string this[string file] => System.IO.Path.Combine(Path, file);

        public string Write(string file, string text)
        {
            File.WriteAllText(this[file], text);
            return this[file];
        }

        public string Run(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = Path, RedirectStandardOutput = true, RedirectStandardError = true })!;
            var error = process.StandardError.ReadToEndAsync();
            var output = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            Assert.That(process.ExitCode, Is.Zero, $"{program} {string.Join(" ", arguments)}\n{error.Result}");
            return output;
        }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
