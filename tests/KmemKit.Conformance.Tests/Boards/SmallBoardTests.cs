using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Conformance.Boards;
using KmemKit.Conformance.Boards.Rules;
using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Boards;

/// <summary>Microcontrollers with a few kilobytes hold as well: no block of the buddy system's largest order fits there, and none is missed.</summary>
internal sealed class SmallBoardTests
{
    [TestCase(0x8000UL, "quick")]
    [TestCase(0xc000UL, "quick")]
    [TestCase(0x10000UL, "quick")]
    [TestCase(0x14000UL, "quick")]
    [TestCase(0x14000UL, "full")]
    [TestCase(0x40000UL, "quick")]
    [TestCase(0x60000UL, "quick")]
    [TestCase(0x100000UL, "quick")]
    [TestCase(0x3ff000UL, "full")]
    [TestCase(0x400000UL, "quick")]
    [TestCase(0x7ff000UL, "quick")]
    public void A_board_with_little_RAM_holds(ulong size, string budget)
    {
        var source = $$"""
            /dts-v1/;
            / {
                #address-cells = <1>;
                #size-cells = <1>;
                cpus {
                    #address-cells = <1>;
                    #size-cells = <0>;
                    cpu@0 { device_type = "cpu"; compatible = "arm,cortex-m4"; reg = <0>; };
                };
                memory@20000000 { device_type = "memory"; reg = <0x20000000 0x{{size:x}}>; };
            };

            """;
        using var board = BoardSubject.Of(new BoardInput(new SourceFile("small.dts", source)) { Defconfig = new SourceFile("small_defconfig", "CONFIG_ARM=y\nCONFIG_MMU=n\nCONFIG_ARM_MPU=y\nCONFIG_FLATMEM=y\n") });
        var results = BoardRules.Run(board, new RuleOptions { Budget = budget == "full" ? ConformanceBudget.Full : ConformanceBudget.Quick });
        Assert.That(results.Where(r => r.Outcome is RuleOutcome.Failed).Select(r => r.ToString()), Is.Empty);
        Assert.That(results.Single(r => r.Rule == "allocator-inside").Outcome, Is.EqualTo(RuleOutcome.Proved));
    }
}
