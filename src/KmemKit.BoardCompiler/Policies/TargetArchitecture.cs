namespace KmemKit.BoardCompiler.Policies;

/// <summary>The processor architecture a board is laid out for (<c>CONFIG_ARM</c> and its kin).</summary>
public enum TargetArchitecture
{
    /// <summary>Not said and not recognised.</summary>
    Unknown,

    /// <summary>32-bit Arm (<c>CONFIG_ARM</c>).</summary>
    Arm,

    /// <summary>AArch64 (<c>CONFIG_ARM64</c>).</summary>
    Arm64,

    /// <summary>32-bit x86 (<c>CONFIG_X86_32</c>).</summary>
    X86,

    /// <summary>64-bit x86 (<c>CONFIG_X86_64</c>).</summary>
    X64,

    /// <summary>RISC-V, 32 bits (<c>CONFIG_RISCV</c> with <c>CONFIG_32BIT</c>, or an <c>rv32</c> cpu node).</summary>
    RiscV32,

    /// <summary>RISC-V, 64 bits (<c>CONFIG_RISCV</c>).</summary>
    RiscV64,
}
