using System;
using System.IO;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Writers.Images;
using KmemKit.BoardCompiler.Writers.Tables;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>C and assembly of an image, built by the compilers of the boards' architectures and read back from the object: the same bytes.</summary>
internal sealed class ToolchainTests
{
    private static readonly TestCaseData[] s_boards =
    [
        new("qemu/virt-cortex-a15", "arm-none-eabi-", "gcc-arm-none-eabi"),
        new("qcom/msm8974", "arm-none-eabi-", "gcc-arm-none-eabi"),
        new("qemu/virt-cortex-a53", "aarch64-linux-gnu-", "gcc-aarch64-linux-gnu"),
        new("pc/pc-64", "", "gcc"),
        new("pc/pc-pae", "", "gcc"),
    ];

    [TestCaseSource(nameof(s_boards))]
    public void Assembly_and_C_give_the_bytes_of_the_image(string board, string prefix, string package)
    {
        OutsideTool.Require(prefix + "gcc", package);
        var plan = PageTablePlanner.Plan(RepositoryBoards.Compile(board).Layout!).Plan!;
        var folder = Directory.CreateTempSubdirectory("kmemtables").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, "tables.h"), ImageCWriter.WriteHeader(TableLoadImage.Of(plan)));
            File.WriteAllText(Path.Combine(folder, "c.c"), ImageCWriter.WriteSource(TableLoadImage.Of(plan), "tables.h"));
            File.WriteAllText(Path.Combine(folder, "s.S"), ImageAssemblyWriter.Write(TableLoadImage.Of(plan)));
            // The header serves assembly as well, and its numbers are those of the plan.
            File.WriteAllText(Path.Combine(folder, "h.S"), "#include \"tables.h\"\n\t.section .kmem_tables, \"aw\"\n\t.balign 8\n\t.8byte KMEM_TABLES_BASE, KMEM_TABLES_SIZE, KMEM_TABLES_ALIGN\n");
            var image = TableImage.Write(plan);
            Assert.That(CompiledImage.Section(folder, prefix, "s.S", ".kmem_tables"), Is.EqualTo(image), "assembly");
            Assert.That(CompiledImage.Section(folder, prefix, "c.c", ".kmem_tables"), Is.EqualTo(image), "C");
            var numbers = CompiledImage.Section(folder, prefix, "h.S", ".kmem_tables");
            Assert.That((BitConverter.ToUInt64(numbers, 0), BitConverter.ToUInt64(numbers, 8), BitConverter.ToUInt64(numbers, 16)),
                Is.EqualTo((plan.Base.Value, plan.Bytes, plan.Alignment)));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }
}
