using System.Collections.Immutable;
using KmemKit.Tests.Shared;

namespace KmemKit.Emulation.Tests.Toolchains;

/// <summary>A compiler that makes bare-metal programs of one instruction set, out of Debian.</summary>
/// <param name="Name">Names the programs it makes.</param>
/// <param name="Compiler">Program that compiles, assembles and links.</param>
/// <param name="Package">Debian package that brings it.</param>
/// <param name="Flags">What makes it compile for that core, without a system underneath.</param>
/// <param name="Sources">Embedded sources that every program of this core starts with: entry, vectors, and the way results go out.</param>
/// <remarks>
/// gcc-multilib cannot be installed beside the cross compilers, and nothing here needs it: a freestanding 32-bit x86 program links no library.
/// </remarks>
public sealed record Toolchain(string Name, string Compiler, string Package, ImmutableArray<string> Flags, ImmutableArray<string> Sources)
{
    private const string Semihosting = "Common/semihosting.c", Memory = "Common/memory.c";

    /// <summary>Armv7-M and Armv8-M: vectors at the link address, core in Thread mode, privileged.</summary>
    public static Toolchain ArmM(string cpu) => ArmNone($"arm-m-{cpu}", [$"-mcpu={cpu}", "-mthumb", "-mfloat-abi=soft"], "Start/arm-m.S");

    /// <summary>Armv7-R: vectors at the link address, SVC mode.</summary>
    public static Toolchain ArmR { get; } = ArmNone("arm-r", ["-mcpu=cortex-r5", "-marm", "-mfloat-abi=soft"], "Start/arm-r.S");

    /// <summary>Armv7-A: SVC mode, MMU off.</summary>
    public static Toolchain ArmA { get; } = ArmNone("arm-a", ["-mcpu=cortex-a15", "-marm", "-mfloat-abi=soft"], "Start/arm-a.S");

    /// <summary>AArch64: the exception level the machine starts in, MMU off.</summary>
    public static Toolchain AArch64 { get; } = new(
        "aarch64", "aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", ["-mgeneral-regs-only", "-mstrict-align", "-mno-outline-atomics"],
        ["Start/aarch64.S", Semihosting, Memory]);

    /// <summary>RV32: M-mode, every hart.</summary>
    public static Toolchain RiscV32 { get; } = RiscV("riscv32", "rv32ima", "ilp32");

    /// <summary>RV64: M-mode, every hart.</summary>
    public static Toolchain RiscV64 { get; } = RiscV("riscv64", "rv64ima", "lp64");

    /// <summary>x86, 32-bit protected mode, paging off.</summary>
    public static Toolchain X86 { get; } = new(
        "x86-32", "gcc", "gcc", ["-m32", "-march=i686", "-mgeneral-regs-only", "-fno-pic", "-no-pie"], ["Start/x86-32.S", "Common/debugcon.c", Memory]);

    /// <summary>x86, long mode, the first 512 GiB mapped one to one.</summary>
    public static Toolchain X64 { get; } = new(
        "x86-64", "gcc", "gcc", ["-m64", "-mgeneral-regs-only", "-mno-red-zone", "-mcmodel=small", "-fno-pic", "-no-pie"],
        ["Start/x86-64.S", "Common/debugcon.c", Memory])
    {
        // A multiboot loader takes 32-bit files only; the code in it may be what it likes.
        Rewrite = "elf32-i386",
    };

    /// <summary>x86, long mode with five levels of tables.</summary>
    public static Toolchain X64FiveLevel { get; } = X64 with { Name = "x86-64-la57", Flags = [.. X64.Flags, "-DFIVE_LEVELS"] };

    /// <summary>The format of the file that the emulator can load, where the linker makes another.</summary>
    public string? Rewrite { get; private init; }

    /// <summary>Skips the test where the compiler is not installed.</summary>
    public void Require() => OutsideTool.Require(Compiler, Package);

    /// <inheritdoc/>
    public override string ToString() => Name;

    private static Toolchain ArmNone(string name, ImmutableArray<string> flags, string start) =>
        new(name, "arm-none-eabi-gcc", "gcc-arm-none-eabi", flags, [start, Semihosting, Memory]);

    private static Toolchain RiscV(string name, string isa, string abi) => new(
        name, "riscv64-unknown-elf-gcc", "gcc-riscv64-unknown-elf", [$"-march={isa}_zicsr_zifencei", $"-mabi={abi}", "-mcmodel=medany"],
        ["Start/riscv.S", Semihosting, Memory]);
}
