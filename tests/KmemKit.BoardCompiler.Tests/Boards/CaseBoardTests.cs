using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Boards;

/// <summary>The boards of real boot logs (tests/vectors/layout): what was read from the source is what the log's description says.</summary>
internal sealed class CaseBoardTests
{
    private static string Folder => Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "layout");

    private static IEnumerable<string> Cases => Directory.GetFiles(Folder, "case.json", SearchOption.AllDirectories)
        .Select(path => Path.GetFileName(Path.GetDirectoryName(path)!))
        .Where(name => File.Exists(Path.Combine(Folder, name, name + ".dts")))
        .Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Cases))]
    public void A_board_of_a_boot_log_has_the_banks_and_the_policy_of_the_log(string name)
    {
        var folder = Path.Combine(Folder, name);
        var result = BoardPipeline.Compile(new BoardInput(new SourceFile(name + ".dts", File.ReadAllText(Path.Combine(folder, name + ".dts"))))
        {
            Defconfig = new SourceFile(name + "_defconfig", File.ReadAllText(Path.Combine(folder, name + "_defconfig"))),
        });
        Assert.That(result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.ToString()), Is.Empty);
        Assert.That(result.BoardIds(), Is.Empty);
        Assert.That(result.Layout, Is.Not.Null);
        using var document = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "case.json")));
        var inputs = document.RootElement.GetProperty("inputs");
        var policy = result.Policy;
        using (Assert.EnterMultipleScope())
        {
            Assert.That(result.Name, Is.EqualTo(name));
            var architecture = ArchitectureOf(document.RootElement.GetProperty("arch").GetString()!);
            Assert.That(result.Board!.Architecture, Is.EqualTo(architecture));
            // RISC-V has no highmem, and its PAGE_OFFSET is the release's.
            if (architecture is TargetArchitecture.Arm or TargetArchitecture.X86)
            {
                Assert.That(policy.PageOffset?.Value.Value, Is.EqualTo(inputs.GetProperty("page_offset").GetUInt64()));
                Assert.That(policy.Highmem?.Value, Is.EqualTo(inputs.GetProperty("highmem").GetBoolean()));
            }
            if (inputs.TryGetProperty("vmalloc_request", out var request))
                Assert.That(policy.Bootargs.Vmalloc?.Value, Is.EqualTo(request.ValueKind == JsonValueKind.Number ? request.GetUInt64() : null));
            if (inputs.TryGetProperty("vmalloc_end", out var vmallocEnd))
                Assert.That(policy.VmallocEnd?.Value.Value, Is.EqualTo(vmallocEnd.GetUInt64()));
            if (inputs.TryGetProperty("phys_offset", out var physOffset))
                Assert.That(policy.PhysOffset?.Value.Value, Is.EqualTo(physOffset.GetUInt64()));
            if (inputs.TryGetProperty("banks", out var banks))
                Assert.That(result.Board.Banks.Select(b => b.Range), Is.EqualTo(banks.EnumerateArray().Select(Range)));
            if (inputs.TryGetProperty("removed", out var removed))
                Assert.That(result.Board.Reserved.Where(r => r.NoMap).Select(r => r.Range!.Value), Is.EqualTo(removed.EnumerateArray().Select(Range)));
        }
    }

    private static TargetArchitecture ArchitectureOf(string name) => name switch
    {
        "riscv32" => TargetArchitecture.RiscV32,
        "riscv64" => TargetArchitecture.RiscV64,
        _ => name.StartsWith("x86", StringComparison.Ordinal) ? TargetArchitecture.X86 : TargetArchitecture.Arm,
    };

    private static PhysRange Range(JsonElement element) =>
        new(new PhysAddr(element.GetProperty("start").GetUInt64()), element.GetProperty("size").GetUInt64());
}
