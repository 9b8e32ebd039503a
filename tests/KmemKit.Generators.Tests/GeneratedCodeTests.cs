using System.Linq;
using KmemKit.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>Generated code is clean under the strictest settings a user may have: all warnings, nullable, documentation, overflow checks.</summary>
[TestFixture]
internal sealed class GeneratedCodeTests
{
    [TestCase("<0x0 0x10000000>", "")]
    [TestCase(Samples.Msm8974Banks, "")]
    [TestCase(Samples.Msm8974Banks, Samples.Defconfig)]
    [TestCase(Samples.Msm8974Banks, Samples.Defconfig + "CONFIG_DONT_MAP_HOLE_AFTER_MEMBANK0=y\n")]
    [TestCase(Samples.Msm8974Banks, Samples.Defconfig + "CONFIG_ENABLE_VMALLOC_SAVING=y\n")]
    [TestCase("<0x20000000 0x10000000>", "CONFIG_MMU=n\n")]
    public void Compiles_without_a_warning(string banks, string policy)
    {
        var project = new GeneratorProject()
            .Board("/p/a.dts", Samples.Arm(banks), "Defconfig=%2Fp%2Fa_defconfig").Text("/p/a_defconfig", policy).Run();
        Assert.That(project.Result.Diagnostics.Where(d => d.DefaultSeverity == DiagnosticSeverity.Error), Is.Empty);
        Assert.That(project.Output.GetDiagnostics().Where(d => d.Severity > DiagnosticSeverity.Hidden), Is.Empty);
        Assert.That(project.Result.GeneratedSources, Has.Length.EqualTo(2));
    }

    [Test]
    public void Names_of_the_users_cannot_come_between()
    {
        var project = new GeneratorProject().Board("/p/a.dts", Samples.Arm("<0x0 0x10000000>"))
            .CSharp("Mine.cs", "namespace Boards { internal sealed class PhysAddr; internal sealed class System; internal sealed class KmemKit; internal sealed class BoardBank; }")
            .Run();
        Assert.That(project.Output.GetDiagnostics().Where(d => d.Severity > DiagnosticSeverity.Hidden), Is.Empty);
    }

    [Test]
    public void Board_with_mmu_has_vmalloc_and_board_without_has_none()
    {
        var project = new GeneratorProject()
            .Board("/p/mmu.dts", Samples.Arm("<0x0 0x10000000>"))
            .Board("/p/mpu.dts", Samples.Arm("<0x20000000 0x10000000>"), "Defconfig=%2Fp%2Fmpu_defconfig").Text("/p/mpu_defconfig", "CONFIG_MMU=n\n").Run();
        Assert.That(project.Output.GetTypeByMetadataName("Boards.Mmu")!.GetMembers("VmallocStart"), Is.Not.Empty);
        Assert.That(project.Output.GetTypeByMetadataName("Boards.Mpu")!.GetMembers("VmallocStart"), Is.Empty);
        Assert.That(project.Output.GetTypeByMetadataName("Boards.Mpu")!.Interfaces.Select(i => i.Name), Is.EqualTo(new[] { "IMpuBoard" }));
    }

    [Test]
    public void Every_public_member_is_documented_and_says_where_it_comes_from()
    {
        var project = new GeneratorProject().Board("/p/a.dts", Samples.Arm(Samples.Msm8974Banks)).Run();
        var uart = project.Output.GetTypeByMetadataName("Boards.A+Devices")!.GetMembers("Uart0").Single();
        Assert.That(uart.GetDocumentationCommentXml(), Does.Contain("/soc/serial@f991e000").And.Contain("[0xf991e000, 0xf991f000), 4 KiB").And.Contain("(a.dts:8)"));
        var banks = project.Output.GetTypeByMetadataName("Boards.A")!.GetMembers("Banks").Single();
        Assert.That(banks.GetDocumentationCommentXml(), Does.Contain("/memory@0").And.Contain("(a.dts:6)"));
    }

    [Test]
    public void Number_of_files_does_not_hang_on_the_number_of_regions()
    {
        var nodes = string.Concat(Enumerable.Range(0, 3000).Select(i =>
            $"\td{i}: dev@{0x80000000L + (i * 0x1000L):x} {{ reg = <0x{0x80000000L + (i * 0x1000L):x} 0x1000>; }};\n"));
        var project = new GeneratorProject().Board("/p/a.dts", Samples.Arm("<0x0 0x10000000>", nodes)).Run();
        Assert.That(project.Result.GeneratedSources, Has.Length.EqualTo(2));
        Assert.That(project.Output.GetDiagnostics().Where(d => d.Severity > DiagnosticSeverity.Hidden), Is.Empty);
        Assert.That(project.Output.GetTypeByMetadataName("Boards.A+Devices")!.GetMembers("D2999"), Has.Length.EqualTo(1));
    }
}
