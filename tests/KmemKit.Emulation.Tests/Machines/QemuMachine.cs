using System.Collections.Immutable;
using KmemKit.Emulation.Tests.Toolchains;
using KmemKit.Tests.Shared;

namespace KmemKit.Emulation.Tests.Machines;

/// <summary>A machine that QEMU emulates, with a core and a place for programs.</summary>
/// <param name="Name">Its name in test names and messages.</param>
/// <param name="Program">The emulator.</param>
/// <param name="Package">Debian package that brings it.</param>
/// <param name="Toolchain">What compiles for its core.</param>
/// <param name="LinkAddress">Where the core looks for a program.</param>
/// <param name="Arguments">Machine, core and memory on the command line.</param>
public sealed record QemuMachine(
    string Name, string Program, string Package, Toolchain Toolchain, ulong LinkAddress, ImmutableArray<string> Arguments)
{
    private const string Arm = "qemu-system-arm", Misc = "qemu-system-misc", X86Package = "qemu-system-x86";

    /// <summary>Cortex-M3, PMSAv7-M.</summary>
    public static QemuMachine Mps2An385 { get; } = Mps("mps2-an385", "cortex-m3", 0);

    /// <summary>Cortex-M4, PMSAv7-M.</summary>
    public static QemuMachine Mps2An386 { get; } = Mps("mps2-an386", "cortex-m4", 0);

    /// <summary>Cortex-M7, PMSAv7-M.</summary>
    public static QemuMachine Mps2An500 { get; } = Mps("mps2-an500", "cortex-m7", 0);

    /// <summary>Cortex-M33 with security extension, PMSAv8-M; starts Secure in the Secure alias.</summary>
    public static QemuMachine Mps2An505 { get; } = Mps("mps2-an505", "cortex-m33", 0x1000_0000);

    /// <summary>Cortex-M55 with security extension, PMSAv8-M.</summary>
    public static QemuMachine Mps3An547 { get; } = Mps("mps3-an547", "cortex-m55", 0x1000_0000);

    /// <summary>Cortex-R5, PMSAv7-R, with 1 GiB of RAM at 0 and nothing else.</summary>
    /// <remarks>
    /// The one machine of QEMU 7.2 with this core, xlnx-zcu102, cannot start it: its boot code switches every core off but the first, a Cortex-A53, even
    /// with boot-cpu=rpu-cpu[0]. The machine without a board takes any core.
    /// </remarks>
    public static QemuMachine CortexR5 { get; } = new(
        "cortex-r5", "qemu-system-arm", Arm, Toolchain.ArmR, 0, ["-M", "none", "-cpu", "cortex-r5", "-m", "1G"]) { LoaderCpu = 0 };

    /// <summary>Cortex-A15, RAM at 0x40000000.</summary>
    public static QemuMachine VirtA15 { get; } = new(
        "virt-cortex-a15", "qemu-system-arm", Arm, Toolchain.ArmA, 0x4008_0000, ["-M", "virt", "-cpu", "cortex-a15", "-m", "256"]);

    /// <summary>Cortex-A53, RAM at 0x40000000, starts at EL1.</summary>
    public static QemuMachine VirtA53 { get; } = new(
        "virt-cortex-a53", "qemu-system-aarch64", Arm, Toolchain.AArch64, 0x4008_0000, ["-M", "virt", "-cpu", "cortex-a53", "-m", "256"]);

    /// <summary>RV32, RAM at 0x80000000, starts in M-mode.</summary>
    public static QemuMachine VirtRv32 { get; } = new(
        "virt-rv32", "qemu-system-riscv32", Misc, Toolchain.RiscV32, 0x8000_0000, ["-M", "virt", "-cpu", "rv32", "-m", "128", "-bios", "none"]);

    /// <summary>RV64, RAM at 0x80000000, starts in M-mode.</summary>
    public static QemuMachine VirtRv64 { get; } = new(
        "virt-rv64", "qemu-system-riscv64", Misc, Toolchain.RiscV64, 0x8000_0000, ["-M", "virt", "-cpu", "rv64", "-m", "128", "-bios", "none"]);

    /// <summary>A PC in 32-bit protected mode.</summary>
    public static QemuMachine Pc32 { get; } = new(
        "pc-32", "qemu-system-i386", X86Package, Toolchain.X86, 0x10_0000, ["-M", "pc", "-cpu", "qemu32,+pae,+nx,+pse", "-m", "256"]) { HasSemihosting = false };

    /// <summary>A PC in long mode.</summary>
    public static QemuMachine Pc64 { get; } = new(
        "pc-64", "qemu-system-x86_64", X86Package, Toolchain.X64, 0x10_0000, ["-M", "q35", "-cpu", "max", "-m", "256"]) { HasSemihosting = false };

    /// <summary>A PC in long mode with five levels of tables.</summary>
    public static QemuMachine Pc64FiveLevel { get; } = Pc64 with { Name = "pc-64-la57", Toolchain = Toolchain.X64FiveLevel };

    /// <summary>The number of the core to start a program on, where the loader and not the board starts it.</summary>
    public int? LoaderCpu { get; init; }

    /// <summary>Whether results go out by semihosting; else by the debug console of a PC.</summary>
    public bool HasSemihosting { get; init; } = true;

    /// <summary>The same machine with further arguments.</summary>
    public QemuMachine With(params string[] arguments) => this with { Arguments = [.. Arguments, .. arguments] };

    /// <summary>Skips the test where emulator or compiler is not installed.</summary>
    public void Require()
    {
        OutsideTool.Require(Program, Package);
        Toolchain.Require();
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static QemuMachine Mps(string name, string cpu, ulong linkAddress) =>
        new(name, "qemu-system-arm", Arm, Toolchain.ArmM(cpu), linkAddress, ["-M", name]);
}
