using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>Boards without an MMU: by policy, or because their cores have none.</summary>
public class IdentityLayoutTests
{
    private const string Board = """
        /dts-v1/;
        / {
        	#address-cells = <1>;
        	#size-cells = <1>;
        	cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; compatible = "{0}"; reg = <0>; }; };
        	memory@20000000 { device_type = "memory"; reg = <0x20000000 0x200000 0x60000000 0x20000000>; };
        };
        """;

    private static MemoryLayout Layout(string cpu, string? defconfig = null)
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("mcu.dts", Board.Replace("{0}", cpu, System.StringComparison.Ordinal)))
        {
            Defconfig = defconfig is null ? null : new SourceFile("mcu_defconfig", defconfig),
            RequireLayout = true,
        });
        Assert.That(compilation.Layout, Is.Not.Null, string.Join("\n", compilation.Diagnostics));
        return compilation.Layout!;
    }

    [TestCase("arm,cortex-m3", null, true)]
    [TestCase("arm,cortex-m33", null, true)]
    [TestCase("arm,cortex-r5", null, true)]
    [TestCase("arm,arm946e-s", null, true)]
    [TestCase("arm,arm926ej-s", null, false)]
    [TestCase("arm,cortex-a7", null, false)]
    [TestCase("arm,cortex-a7", "CONFIG_MMU=n\n", true)]
    [TestCase("arm,cortex-r5", "CONFIG_MMU=y\n", false)]
    public void A_core_without_an_MMU_gives_an_identity_map_unless_the_policy_says_otherwise(string cpu, string? defconfig, bool identity) =>
        Assert.That(Layout(cpu, defconfig).Profile.StartsWith("identity", System.StringComparison.Ordinal), Is.EqualTo(identity));

    [Test]
    public void Addresses_are_their_own_and_a_hole_is_refused()
    {
        var map = Layout("arm,cortex-m3").Linear;
        Assert.Multiple(() =>
        {
            Assert.That(map.PhysToVirt(new PhysAddr(0x201f_ffff), out var virt), Is.EqualTo(TranslationStatus.Ok));
            Assert.That(virt.Value, Is.EqualTo(0x201f_ffff));
            Assert.That(map.PhysToVirt(new PhysAddr(0x2020_0000), out _), Is.EqualTo(TranslationStatus.Hole));
            Assert.That(map.PhysToVirt(new PhysAddr(0x1fff_ffff), out _), Is.EqualTo(TranslationStatus.Outside));
        });
    }
}
