using System.Linq;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Boards.BoardText;

namespace KmemKit.BoardCompiler.Tests.Boards;

public class ArchitectureTests
{
    private static string Cpu(string compatible, string more = "") =>
        "memory@0 { device_type = \"memory\"; reg = <0 0 0 0x8000000>; };\n"
        + "cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = \"cpu\"; reg = <0>; compatible = \"" + compatible + "\"; " + more + " }; };";

    [TestCase("arm,cortex-a5", TargetArchitecture.Arm)]
    [TestCase("arm,cortex-a9", TargetArchitecture.Arm)]
    [TestCase("arm,cortex-a15", TargetArchitecture.Arm)]
    [TestCase("arm,cortex-a53", TargetArchitecture.Arm64)]
    [TestCase("arm,cortex-a55", TargetArchitecture.Arm64)]
    [TestCase("arm,cortex-a72", TargetArchitecture.Arm64)]
    [TestCase("arm,cortex-a78", TargetArchitecture.Arm64)]
    [TestCase("arm,cortex-m3", TargetArchitecture.Arm)]
    [TestCase("arm,cortex-m33f", TargetArchitecture.Arm)]
    [TestCase("arm,cortex-r5", TargetArchitecture.Arm)]
    [TestCase("arm,armv7-m", TargetArchitecture.Arm)]
    [TestCase("arm,armv8", TargetArchitecture.Arm64)]
    [TestCase("arm,arm926ej-s", TargetArchitecture.Arm)]
    [TestCase("arm,arm1176jzf-s", TargetArchitecture.Arm)]
    [TestCase("qcom,krait", TargetArchitecture.Arm)]
    [TestCase("qcom,kryo", TargetArchitecture.Arm64)]
    [TestCase("apple,swift", TargetArchitecture.Arm)]
    [TestCase("apple,firestorm", TargetArchitecture.Arm64)]
    [TestCase("intel,i686", TargetArchitecture.X86)]
    [TestCase("intel,x86_64", TargetArchitecture.X64)]
    [TestCase("sifive,u54-mc\", \"riscv", TargetArchitecture.RiscV64)]
    [TestCase("nobody,knows", TargetArchitecture.Unknown)]
    public void A_cpu_tells_the_architecture(string compatible, TargetArchitecture architecture) =>
        Assert.That(Root(Cpu(compatible)).Board!.Architecture, Is.EqualTo(architecture));

    [TestCase("rv32imac", TargetArchitecture.RiscV32)]
    [TestCase("rv64gc", TargetArchitecture.RiscV64)]
    public void The_isa_string_tells_the_width(string isa, TargetArchitecture architecture) =>
        Assert.That(Root(Cpu("riscv", "riscv,isa = \"" + isa + "\";")).Board!.Architecture, Is.EqualTo(architecture));

    [Test]
    public void The_policys_word_wins_and_a_contradiction_is_a_warning()
    {
        var wrong = Root(Cpu("arm,cortex-a9"), "CONFIG_ARM64=y");
        Assert.That(wrong.BoardIds(), Is.EqualTo(new[] { "KMK3050" }));
        Assert.That(wrong.Board!.Architecture, Is.EqualTo(TargetArchitecture.Arm64));
        Assert.That(wrong.Diagnostics.Single(d => d.Id == "KMK3050").Span.ToString(), Is.EqualTo("board_defconfig(1,1)"));
    }

    [TestCase("arm,cortex-a53", "CONFIG_ARM=y")]
    [TestCase("intel,x86_64", "CONFIG_X86_32=y")]
    [TestCase("nobody,knows", "CONFIG_ARM=y")]
    public void A_64_bit_core_may_run_a_32_bit_kernel(string compatible, string defconfig) =>
        Assert.That(Root(Cpu(compatible), defconfig).BoardIds(), Is.Empty);

    [Test]
    public void Processors_have_numbers_of_one_or_two_cells()
    {
        var cpus = Root("cpus { #address-cells = <2>; #size-cells = <0>; cpu@100000000 { device_type = \"cpu\"; reg = <1 0>; }; l2-cache { }; cpu@1 { reg = <0 1>; status = \"disabled\"; }; cpu-map { }; };").Board!.Cpus;
        Assert.That(cpus.Select(c => (c.Id, c.Enabled)), Is.EqualTo(new[] { (1UL << 32, true), (1UL, false) }));
    }

    [Test]
    public void A_malformed_number_of_a_processor_is_a_warning() =>
        Assert.That(Root("memory@0 { device_type = \"memory\"; reg = <0 0 0 1>; }; cpus { #address-cells = <2>; #size-cells = <0>; cpu@0 { reg = <7>; }; };").BoardIds(),
            Is.EqualTo(new[] { "KMK3051" }));

    [TestCase("CONFIG_ARM=y\nCONFIG_PAGE_OFFSET=0xc0100000")]
    [TestCase("CONFIG_ARM=y\nCONFIG_PAGE_OFFSET=0x1c0000000")]
    [TestCase("CONFIG_ARM=y\nCONFIG_VMALLOC_END=0x100000000")]
    public void An_address_that_a_32_bit_kernel_cannot_have_is_an_error(string defconfig) =>
        Assert.That(Small("", defconfig).BoardIds(), Is.EqualTo(new[] { "KMK2011" }));

    [TestCase("CONFIG_ARM64=y\nCONFIG_ARM64_64K_PAGES=y\nCONFIG_ARM64_VA_BITS=39", "KMK2012")]
    [TestCase("CONFIG_ARM64=y\nCONFIG_ARM64_VA_BITS_42=y", "KMK2012")]
    [TestCase("CONFIG_ARM64=y\nCONFIG_ARM64_64K_PAGES=y\nCONFIG_ARM64_VA_BITS_42=y", null)]
    [TestCase("CONFIG_ARM64=y\nCONFIG_ARM64_16K_PAGES=y\nCONFIG_ARM64_VA_BITS=47", null)]
    public void Virtual_address_bits_go_with_a_page_size(string defconfig, string? id) =>
        Assert.That(Small("", defconfig).BoardIds(), Is.EqualTo(id is null ? System.Array.Empty<string>() : new[] { id }));
}
