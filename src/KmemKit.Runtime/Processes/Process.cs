using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Processor;

namespace KmemKit.Runtime.Processes;

/// <summary>A process: an address space with a number, and the system calls that concern memory.</summary>
/// <remarks>
/// Its accesses go through a CPU's port: TLB, tables, page fault handler. What cannot be helped comes back as the signal that the kernel would send; <see cref="Run"/> ends
/// the process with it, as the default action does.
/// </remarks>
public sealed class Process
{
    /// <summary>OOM_SCORE_ADJ_MIN: never ended for memory.</summary>
    public const int NeverEnded = -1000;

    private readonly ProcessTable _table;
    private int _oomScoreAdjust;

    internal Process(ProcessTable table, int pid, int parent, string name, AddressSpace space)
    {
        (_table, Pid, ParentPid, Name, Space) = (table, pid, parent, name, space);
        User = new UserMemory(table, this);
    }

    /// <summary>Its number.</summary>
    public int Pid { get; }

    /// <summary>Its parent's; 0 for none.</summary>
    public int ParentPid { get; }

    /// <summary>comm.</summary>
    public string Name { get; }

    /// <summary>Its addresses.</summary>
    public AddressSpace Space { get; }

    /// <summary>The kernel's way to them: access_ok, copy_to_user, copy_from_user.</summary>
    public UserMemory User { get; }

    /// <summary>Whether it has not ended.</summary>
    public bool IsAlive => !Space.IsDead;

    /// <summary>What it ended with: a status, or 128 and the signal's number as shells have it; null while it lives.</summary>
    public int? ExitStatus { get; private set; }

    /// <summary>The signal that ended it; null for none.</summary>
    public Signal? EndedBy { get; private set; }

    /// <summary>oom_score_adj: -1000, never, to 1000, first.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Another number.</exception>
    public int OomScoreAdjust
    {
        get => _oomScoreAdjust;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, -1000);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 1000);
            _oomScoreAdjust = value;
        }
    }

    /// <summary>Lays out a program: text, data, memory that starts as zero, and a heap behind them (<c>load_elf_binary</c>).</summary>
    /// <param name="image">The program.</param>
    /// <returns>What mmap says of a part that does not fit.</returns>
    public Errno Load(ProgramImage image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return image.LoadInto(Space);
    }

    /// <inheritdoc cref="AddressSpace.Mmap"/>
    public MapResult Mmap(VirtAddr hint, ulong length, MemProt prot, MapFlags flags, FileObject? file = null, ulong offset = 0) =>
        Call(() => Space.Mmap(hint, length, prot, flags, file, offset));

    /// <inheritdoc cref="AddressSpace.Munmap"/>
    public Errno Munmap(VirtAddr address, ulong length) => Call(() => Space.Munmap(address, length));

    /// <inheritdoc cref="AddressSpace.Mprotect"/>
    public Errno Mprotect(VirtAddr address, ulong length, MemProt prot) => Call(() => Space.Mprotect(address, length, prot));

    /// <inheritdoc cref="AddressSpace.Mremap"/>
    public MapResult Mremap(VirtAddr address, ulong oldLength, ulong newLength, RemapFlags flags = RemapFlags.None, VirtAddr target = default) =>
        Call(() => Space.Mremap(address, oldLength, newLength, flags, target));

    /// <inheritdoc cref="AddressSpace.Brk"/>
    public VirtAddr Brk(VirtAddr end) => Call(() => Space.Brk(end));

    /// <summary>A child that shares every page until one of the two writes it (<c>fork</c>).</summary>
    /// <returns>Null where there is no memory (ENOMEM).</returns>
    public Process? Fork() => Call(() => Space.Fork() is { } copy
        ? _table.Add(new Process(_table, _table.NextPid(), Pid, Name, copy) { OomScoreAdjust = OomScoreAdjust })
        : null);

    /// <summary>Ends it (<c>exit</c>): every page and table goes back. Its number stays until <see cref="Reap"/>.</summary>
    public void Exit(int status)
    {
        if (!IsAlive)
            return;
        Space.Exit();
        ExitStatus = status;
    }

    /// <summary>Forgets a process that has ended (<c>wait</c>).</summary>
    /// <exception cref="InvalidOperationException">It lives.</exception>
    public void Reap()
    {
        if (IsAlive)
            throw new InvalidOperationException($"Process {Pid} has not ended.");
        _table.Reap(this);
    }

    /// <summary>Reads as the process does.</summary>
    /// <param name="address">The first byte.</param>
    /// <param name="size">1 to 8 bytes.</param>
    /// <param name="value">What is there.</param>
    /// <param name="cpu">Number of the CPU that it runs on.</param>
    /// <returns>The signal; null where it could read.</returns>
    public SignalInfo? TryLoad(VirtAddr address, int size, out ulong value, int cpu = 0)
    {
        value = 0;
        if (!IsAlive)
            return Gone(address);
        var state = _table.Switch(cpu, Space);
        try
        {
            value = state.Port.Load(address, size, Privilege.User);
            return null;
        }
        catch (MemoryFaultException fault)
        {
            return state.Last ?? Unknown(fault);
        }
    }

    /// <summary>Writes as the process does.</summary>
    /// <inheritdoc cref="TryLoad"/>
    public SignalInfo? TryStore(VirtAddr address, int size, ulong value, int cpu = 0)
    {
        if (!IsAlive)
            return Gone(address);
        var state = _table.Switch(cpu, Space);
        try
        {
            state.Port.Store(address, size, value, Privilege.User);
            return null;
        }
        catch (MemoryFaultException fault)
        {
            return state.Last ?? Unknown(fault);
        }
    }

    /// <summary>Fetches instructions as the process does.</summary>
    /// <inheritdoc cref="TryLoad"/>
    public SignalInfo? TryFetch(VirtAddr address, int size, out ulong value, int cpu = 0)
    {
        value = 0;
        if (!IsAlive)
            return Gone(address);
        var state = _table.Switch(cpu, Space);
        Span<byte> bytes = stackalloc byte[8];
        try
        {
            state.Port.Fetch(address, bytes[..size], Privilege.User);
            value = System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(bytes);
            return null;
        }
        catch (MemoryFaultException fault)
        {
            return state.Last ?? Unknown(fault);
        }
    }

    /// <summary>Runs code of the process; a signal ends both.</summary>
    /// <param name="code">The code: it gets the process's memory.</param>
    /// <param name="cpu">Number of the CPU that it runs on.</param>
    /// <returns>The signal; null where it ran to its end.</returns>
    public SignalInfo? Run(Action<ProcessMemory> code, int cpu = 0)
    {
        ArgumentNullException.ThrowIfNull(code);
        try
        {
            code(new ProcessMemory(this, cpu));
            return null;
        }
        catch (SignalException raised)
        {
            End(raised.Info.Signal);
            return raised.Info;
        }
    }

    internal void End(Signal signal)
    {
        if (!IsAlive)
            return;
        Space.Exit();
        (EndedBy, ExitStatus) = (signal, 128 + (int)signal);
    }

    // A system call is made on the first CPU; with 4G/4G that costs.
    private T Call<T>(Func<T> call)
    {
        if (!IsAlive)
            throw new InvalidOperationException($"Process {Pid} has ended.");
        var state = _table.StateOf(0);
        _table.EnterKernel(state);
        var result = call();
        _table.LeaveKernel(state);
        return result;
    }

    private static SignalInfo Gone(VirtAddr address) => new(Signal.Kill, SignalCode.Kernel, address);

    private static SignalInfo Unknown(MemoryFaultException fault) => new(Signal.Bus, SignalCode.BusAddressError, fault.Fault.Address);
}
