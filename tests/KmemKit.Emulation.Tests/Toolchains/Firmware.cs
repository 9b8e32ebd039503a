using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.IO;
using System.Linq;
using KmemKit.Emulation.Tests.Machines;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Toolchains;

/// <summary>A bare-metal program, linked at its address.</summary>
/// <param name="Toolchain">What made it.</param>
/// <param name="Path">The ELF file that an emulator loads.</param>
/// <param name="LinkAddress">Where it begins.</param>
/// <param name="Symbols">Addresses of its global symbols.</param>
public sealed record Firmware(Toolchain Toolchain, string Path, ulong LinkAddress, ImmutableDictionary<string, ulong> Symbols)
{
    private static readonly ConcurrentDictionary<string, Lazy<Firmware>> s_built = new(StringComparer.Ordinal);

    /// <summary>Compiles and links embedded sources behind those of the toolchain; the same program is made once in a test run.</summary>
    /// <param name="toolchain">For which core. The test is skipped where it is not installed.</param>
    /// <param name="linkAddress">Physical address of the first byte: vectors, or the entry.</param>
    /// <param name="sources">Names below the folder Firmware.</param>
    /// <param name="defines">NAME=VALUE for the preprocessor.</param>
    /// <param name="generated">Files made by the test, by the name that sources include them by.</param>
    /// <param name="dataAddress">Physical address of its data and stack; null for behind the code.</param>
    /// <exception cref="AssertionException">The compiler refuses a source; its words are in the message.</exception>
    public static Firmware Build(
        Toolchain toolchain, ulong linkAddress, IEnumerable<string> sources, IEnumerable<string>? defines = null,
        IReadOnlyDictionary<string, string>? generated = null, ulong? dataAddress = null)
    {
        toolchain.Require();
        ImmutableArray<string> files = [.. sources];
        ImmutableArray<string> macros = [.. defines ?? []];
        var key = string.Join('\n', [toolchain.Name, Hex(linkAddress), Hex(dataAddress ?? 0), .. files, .. macros, .. (generated ?? ImmutableDictionary<string, string>.Empty).Select(g => g.Key + g.Value)]);
        return s_built.GetOrAdd(key, _ => new Lazy<Firmware>(() => Link(toolchain, linkAddress, dataAddress, files, macros, generated))).Value;
    }

    private static Firmware Link(
        Toolchain toolchain, ulong linkAddress, ulong? dataAddress, ImmutableArray<string> sources, ImmutableArray<string> defines,
        IReadOnlyDictionary<string, string>? generated)
    {
        var folder = Scratch.NewFolder();
        foreach (var (name, text) in generated ?? ImmutableDictionary<string, string>.Empty)
            File.WriteAllText(System.IO.Path.Combine(folder, name), text);
        var elf = System.IO.Path.Combine(folder, "firmware.elf");
        HostProcess.Check(toolchain.Compiler, folder,
        [
            .. toolchain.Flags, "-ffreestanding", "-nostdlib", "-static", "-O2", "-g0", "-Wall", "-Wextra", "-Werror", "-fno-stack-protector",
            "-fno-asynchronous-unwind-tables", "-fno-tree-loop-distribute-patterns",
            "-I", Scratch.Sources, "-I", folder, .. defines.Select(d => "-D" + d),
            .. toolchain.Sources.Concat(sources).Select(s => System.IO.Path.Combine(Scratch.Sources, s)),
            "-Wl,--build-id=none", "-Wl,-z,noexecstack", "-Wl,--no-warn-rwx-segments", "-Wl,-z,max-page-size=4096", $"-Wl,--defsym=link_address={Hex(linkAddress)}",
            .. dataAddress is { } data ? [$"-Wl,--defsym=data_address={Hex(data)}"] : Array.Empty<string>(),
            "-T", System.IO.Path.Combine(Scratch.Sources, "Common/link.ld"), "-o", elf,
        ]);
        var symbols = Elf.Symbols(File.ReadAllBytes(elf));
        if (toolchain.Rewrite is { } format)
            HostProcess.Check("objcopy", folder, ["-O", format, elf]);
        return new Firmware(toolchain, elf, linkAddress, symbols);
    }

    private static string Hex(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);
}
