namespace KmemKit.Runtime.Processes;

/// <summary>vm.overcommit_memory.</summary>
public enum Overcommit
{
    /// <summary>0: a single request for more than all memory is refused.</summary>
    Heuristic,

    /// <summary>1: nothing is refused.</summary>
    Always,

    /// <summary>2: no more than the commit limit, half of memory, is promised.</summary>
    Never,
}

/// <summary>What processes are run with.</summary>
public sealed record ProcessOptions
{
    /// <summary>How they share addresses with the kernel.</summary>
    public AddressSplit Split { get; init; }

    /// <summary>vm.overcommit_memory.</summary>
    public Overcommit Overcommit { get; init; }

    /// <summary>Bits of an address space's number; null for the architecture's (8 on 32-bit Arm, 16 on arm64 and RISC-V, 12 on x86-64, none on x86-32, which drops translations at every switch).</summary>
    public int? AsidBits { get; init; }

    /// <summary>RLIMIT_STACK in bytes.</summary>
    public ulong StackLimit { get; init; } = 8UL << 20;

    /// <summary>RLIMIT_DATA in bytes: what brk may reach.</summary>
    public ulong DataLimit { get; init; } = ulong.MaxValue;

    /// <summary>vm.max_map_count.</summary>
    public int MaxMapCount { get; init; } = 65530;
}

/// <summary>Where translations of a process have to be invalidated. A test leaves each out, and has to see it.</summary>
internal enum FlushPoint
{
    Unmap,
    Protect,
    CopyOnWrite,
    ForkWriteProtect,
    Move,
    Reclaim,
    WriteBack,
    Truncate,
    AsidRollover,
    Switch,
}
