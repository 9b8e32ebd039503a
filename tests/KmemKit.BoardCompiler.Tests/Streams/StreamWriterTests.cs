using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Writers.Images;
using KmemKit.BoardCompiler.Writers.Streams;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Streams;

/// <summary>All forms of a plan say the same: bytes by way of a compiler, numbers of the header and of JSON.</summary>
internal sealed class StreamWriterTests
{
    private static StreamTablePlan Plan() => StreamTablePlanner.Plan(RepositoryBoards.Compile("qemu/virt-smmuv3").Layout!).Plan!;

    private static IEnumerable<TestCaseData> Plans =>
    [
        new TestCaseData(Plan()).SetArgDisplayNames("virt-smmuv3"),
        new TestCaseData(StreamBoards.Plan(new RandomBoard(9).Text)).SetArgDisplayNames("random, two-level"),
        new TestCaseData(StreamBoards.Plan(new RandomBoard(3, isV2: true).Text)).SetArgDisplayNames("random, SMMUv2"),
    ];

    [TestCaseSource(nameof(Plans))]
    public void Assembly_and_C_give_the_bytes_of_the_image(StreamTablePlan plan)
    {
        const string Prefix = "aarch64-linux-gnu-";
        OutsideTool.Require(Prefix + "gcc", "gcc-aarch64-linux-gnu");
        var folder = Directory.CreateTempSubdirectory("kmemsmmu").FullName;
        try
        {
            var image = StreamLoadImage.Of(plan);
            File.WriteAllText(Path.Combine(folder, "smmu.h"), ImageCWriter.WriteHeader(image));
            File.WriteAllText(Path.Combine(folder, "c.c"), ImageCWriter.WriteSource(image, "smmu.h"));
            File.WriteAllText(Path.Combine(folder, "s.S"), ImageAssemblyWriter.Write(image));
            var registers = plan.Smmus[0].Registers;
            File.WriteAllText(Path.Combine(folder, "h.S"), "#include \"smmu.h\"\n\t.section .kmem_smmu, \"aw\"\n\t.8byte KMEM_SMMU_BASE, KMEM_SMMU_SIZE, "
                + string.Join(", ", registers.Select(r => "KMEM_SMMU_" + r.Name)) + "\n");
            Assert.That(CompiledImage.Section(folder, Prefix, "s.S", ".kmem_smmu"), Is.EqualTo(image.Bytes), "assembly");
            Assert.That(CompiledImage.Section(folder, Prefix, "c.c", ".kmem_smmu"), Is.EqualTo(image.Bytes), "C");
            var numbers = CompiledImage.Section(folder, Prefix, "h.S", ".kmem_smmu");
            Assert.That(Enumerable.Range(0, numbers.Length / 8).Select(i => BitConverter.ToUInt64(numbers, 8 * i)),
                Is.EqualTo(new[] { plan.Base.Value, plan.Bytes }.Concat(registers.Select(r => r.Value))));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    [TestCaseSource(nameof(Plans))]
    public void The_json_has_the_numbers_of_the_plan(StreamTablePlan plan)
    {
        var smmu = plan.Smmus[0];
        using var json = JsonDocument.Parse(StreamJsonWriter.Write(plan, [StreamWalk.Of(plan, 0, 0, BusAddr.Zero)], []));
        var root = json.RootElement;
        Assert.That((root.GetProperty("base").GetString(), root.GetProperty("bytes").GetUInt64()), Is.EqualTo((plan.Base.ToString(), plan.Bytes)));
        var first = root.GetProperty("smmus")[0];
        Assert.That(first.GetProperty("registers").EnumerateObject().Select(p => (p.Name, p.Value.GetString())), Is.EqualTo(smmu.Registers.Select(r => (r.Name, $"0x{r.Value:x}"))));
        Assert.That(first.GetProperty("streams").EnumerateArray().Select(s => s.GetProperty("first").GetString()), Is.EqualTo(smmu.Bindings.Select(b => $"0x{b.Stream.First:x}")));
        Assert.That(first.GetProperty("contexts").EnumerateArray().SelectMany(c => c.GetProperty("regions").EnumerateArray()).Select(r => r.GetProperty("iova").GetString()),
            Is.EqualTo(smmu.Contexts.SelectMany(c => c.Map.Regions).Select(r => r.Virt.Start.ToString())));
        Assert.That(root.GetProperty("why")[0].GetProperty("outcome").GetString(), Is.Not.Empty);
    }

    [Test]
    public void The_text_names_streams_grants_and_what_is_kept_free() => Assert.That(StreamTextWriter.Write(Plan()), Is.EqualTo("""
        virt-smmuv3: 1 SMMU
        6208 bytes at 0x7fff5000 (the highest free place in lowmem), aligned to 0x1000

        smmu: SMMUv3 at 0x9050000, 16-bit StreamIDs, stage 1, 44-bit addresses
          stream table: linear, StreamIDs of 4 bits, 1024 bytes at 0x7fff6400
          registers:
            CR1             0x28      0xd75
            STRTAB_BASE     0x80      0x400000007fff6400
            STRTAB_BASE_CFG 0x88      0x4
          streams:
            0x8                edu              stage1, context 0
            all others: abort
          context 0: vmsav8-64-4k, 25-bit device addresses, ASID 1, 2 tables at 0x7fff6000, descriptor at 0x7fff6800
            000000100000-000000110000 -> 0x48300000     r-  normal-wb-wa image@48300000: the policy, /protection/device-edu/image@48300000
            000000200000-000000400000 -> 0x48000000     rw  normal-wb-wa ring@48000000: the policy, /protection/device-edu/ring@48000000
            000008000000-000008100000  kept free: kernels map message interrupts there
            000010000000-00003eff0000  kept free: pcie has devices there
            008000000000-010000000000  kept free: pcie has devices there

        """.ReplaceLineEndings("\n")));

    [Test]
    public void The_way_to_a_byte_is_said_structure_by_structure()
    {
        var text = StreamWhyWriter.Write(StreamWalk.Of(Plan(), 0, 8, new BusAddr(0x20_0010)));
        Assert.That(text, Does.StartWith("smmu: stream 0x8, device address 0x200010 -> 0x48000010 \"rw\"\n").And.Contain("STE").And.Contain("CD").And.Contain("level 2").And.Contain("virt-smmuv3.dts("));
    }

    [Test]
    public void The_artifacts_are_the_image()
    {
        var compilation = RepositoryBoards.Compile("qemu/virt-smmuv3");
        var files = ArtifactSet.Write(compilation, ArtifactTable.Named(["smmu"])).ToDictionary(f => f.FileName, f => f.Bytes.ToArray());
        Assert.That(files.Keys, Is.EquivalentTo((string[])["virt-smmuv3.smmu.bin", "virt-smmuv3.smmu.S", "virt-smmuv3.smmu.h"]));
        Assert.That(files["virt-smmuv3.smmu.bin"], Is.EqualTo(StreamTableImage.Write(compilation.Streams!)));
        Assert.That(ArtifactSet.Write(RepositoryBoards.Compile("qemu/virt-cortex-a53"), ArtifactTable.Named(["smmu"])), Is.Empty, "a board without an SMMU");
    }
}
