using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Toolchains;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests;

/// <summary>The means of the other tests: programs are built, started on every machine, given images, heard to their last byte, and ended.</summary>
public sealed class EmulatorTests
{
    private const int ImageSize = 0x40000;

    private static IEnumerable<TestCaseData> Machines => new (QemuMachine Machine, ulong Image)[]
    {
        (QemuMachine.Mps2An385, 0x2100_0000), (QemuMachine.Mps2An386, 0x2100_0000), (QemuMachine.Mps2An500, 0x6000_0000),
        (QemuMachine.Mps2An505, 0x3800_0000), (QemuMachine.Mps3An547, 0x3100_0000), (QemuMachine.CortexR5, 0x10_0000),
        (QemuMachine.VirtA15, 0x4100_0000), (QemuMachine.VirtA53, 0x4100_0000), (QemuMachine.VirtRv32, 0x8100_0000), (QemuMachine.VirtRv64, 0x8100_0000),
        (QemuMachine.Pc32, 0x100_0000), (QemuMachine.Pc64, 0x100_0000),
    }.Select(m => new TestCaseData(m.Machine, m.Image).SetArgDisplayNames(m.Machine.Name));

    [TestCaseSource(nameof(Machines))]
    public void Images_come_in_and_results_come_out(QemuMachine machine, ulong address)
    {
        var image = new byte[ImageSize];
        new Random(1).NextBytes(image);
        var firmware = Echo(machine, address);

        var results = Emulator.Results(machine, firmware, new MemoryImage(address, image));

        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(results), Is.EqualTo(machine.LinkAddress), "linked and loaded where it was asked for");
        Assert.That(BinaryPrimitives.ReadUInt32LittleEndian(results.AsSpan(4)), Is.EqualTo(firmware.Symbols["program_end"]), "symbols");
        Assert.That(results[8..], Is.EqualTo(image.Select(b => (byte)(b ^ 0xff))));
    }

    [Test]
    public void An_exit_code_is_the_program_s_own([Values] bool isPc)
    {
        var machine = isPc ? QemuMachine.Pc32 : QemuMachine.VirtRv32;
        var end = Emulator.Run(machine, Echo(machine, isPc ? 0x100_0000u : 0x8100_0000u, "EXIT_CODE=5"), [], Emulator.DefaultLimit);
        Assert.That((end.ExitCode, end.Results.Length), Is.EqualTo(((int?)5, ImageSize + 8)));
    }

    [Test]
    public void A_program_that_hangs_is_killed_at_its_limit()
    {
        var machine = QemuMachine.Mps2An385;
        machine.Require();
        var hang = Firmware.Build(machine.Toolchain, machine.LinkAddress, ["Echo/hang.c"]);
        var end = Emulator.Run(machine, hang, [], TimeSpan.FromSeconds(1));
        Assert.That(end.ExitCode, Is.Null);
    }

    [Test]
    public void A_source_that_does_not_compile_says_so_in_the_compiler_s_words()
    {
        Toolchain.RiscV32.Require();
        var refused = Assert.Throws<AssertionException>(() => Firmware.Build(Toolchain.RiscV32, 0x8000_0000, ["Echo/echo.c"]));
        Assert.That(refused.Message, Does.Contain("IMAGE_ADDRESS").And.Contain("riscv64-unknown-elf-gcc"));
    }

    private static Firmware Echo(QemuMachine machine, ulong image, params string[] defines)
    {
        machine.Require();
        return Firmware.Build(machine.Toolchain, machine.LinkAddress, ["Echo/echo.c"],
            [string.Create(CultureInfo.InvariantCulture, $"IMAGE_ADDRESS=0x{image:x}"), $"IMAGE_SIZE={ImageSize}", .. defines]);
    }
}
