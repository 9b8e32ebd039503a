using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Processes;

/// <summary>The processes of a booted kernel, and what they share: page cache, address space numbers, the zero page, the commit limit.</summary>
/// <remarks>
/// One thread at a time uses it and everything of it, whichever simulated CPUs its processes run on. The page cache is the kernel's reclaimer; when that has nothing left either, the process that is
/// worst to keep is ended (<see cref="OutOfMemory"/>), and the run goes on.
/// </remarks>
public sealed partial class ProcessTable : IDisposable
{
    private readonly CpuState[] _cpus;
    private readonly SortedDictionary<int, Process> _processes = [];
    private readonly AsidAllocator _asids;
    private readonly Page _ownZeroPage;
    private int _nextPid = 1;
    private long _committed;

    internal ProcessTable(MmuKernel kernel, ProcessOptions options)
    {
        (Kernel, Options) = (kernel, options);
        Layout = TaskLayout.Of(kernel.Layout, options.Split);
        _cpus = [.. kernel.Cpus.Select((port, number) => new CpuState(this, number, port))];
        foreach (var state in _cpus)
            state.Port.FaultHandler = state;
        _asids = new AsidAllocator(options.AsidBits ?? UsualAsidBits(kernel.Layout.Board.Architecture, options.Split), this);
        Prots = new UserProts(kernel.Tables, kernel.Layout.Pages.PageSize);
        Cache = new PageCache(kernel.Booted.Map) { Cpu = PageCpu };
        // The zero page of boot, or of the image's .bss, which no simulated RAM has: one of our own then.
        if (kernel.Booted.Statistics.Early.FirstOrDefault(taken => taken.Name == "zero page") is { } zero)
        {
            ZeroFrame = kernel.Layout.Pages.ToFrame(zero.Range.Start);
        }
        else
        {
            _ownZeroPage = PageCpu.AllocPage(GfpFlags.Kernel | GfpFlags.Zero);
            ZeroFrame = kernel.Booted.Map.PageToPfn(_ownZeroPage);
        }
        kernel.Allocator.RegisterReclaimer(Cache);
    }

    /// <summary>The kernel.</summary>
    public MmuKernel Kernel { get; }

    /// <summary>What processes are run with.</summary>
    public ProcessOptions Options { get; }

    /// <summary>Where things are in a process of the kernel's own width.</summary>
    public TaskLayout Layout { get; }

    /// <summary>Files and their pages.</summary>
    public PageCache Cache { get; }

    /// <summary>Processes by pid, those that ended and were not waited for included.</summary>
    public IReadOnlyCollection<Process> Processes => _processes.Values;

    /// <summary>Times that address space numbers ran out.</summary>
    public long AsidRollovers => _asids.Rollovers;

    /// <summary>Context switches: the tables of another process were loaded.</summary>
    public long Switches { get; private set; }

    /// <summary>Entries into the kernel and ways back that loaded other tables and dropped all translations: with 4G/4G each system call and each fault has two.</summary>
    public long SplitSwitches { get; private set; }

    /// <summary>Committed_AS in pages.</summary>
    public long CommittedPages => _committed;

    /// <summary>CommitLimit in pages: half of memory (vm.overcommit_ratio 50).</summary>
    public long CommitLimit => (long)Kernel.Allocator.TotalPages / 2;

    internal Cpu PageCpu => Kernel.Allocator.Cpus[0];

    internal UserProts Prots { get; }

    internal PageFrame ZeroFrame { get; }

    internal CpuState? FaultingCpu { get; set; }

    /// <summary>A test's mistake: the invalidation that is left out.</summary>
    internal FlushPoint? LeftOut { get; set; }

    internal IEnumerable<AddressSpace> Running => _cpus.Select(state => state.Current).OfType<AddressSpace>();

    /// <summary>Starts a process with an empty address space but for a stack; <see cref="Process.Load"/> gives it a program.</summary>
    /// <param name="name">Its name (comm).</param>
    /// <param name="compat">A 32-bit process on a 64-bit kernel.</param>
    /// <returns>Null where there is no memory.</returns>
    public Process? Start(string name, bool compat = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var layout = compat ? TaskLayout.Of(Kernel.Layout, Options.Split, compat: true) : Layout;
        if (NewSpace(layout) is not { } space)
            return null;
        space.MakeStack();
        return Add(new Process(this, _nextPid++, 0, name, space));
    }

    /// <summary>Ends all processes and gives back every page, those of files as well.</summary>
    public void Dispose()
    {
        foreach (var process in _processes.Values)
            process.Exit(0);
        _processes.Clear();
        Cache.Clear(PageCpu);
        Kernel.Allocator.UnregisterReclaimer(Cache);
        foreach (var state in _cpus)
            state.Port.FaultHandler = null;
        if (!_ownZeroPage.IsNull)
            PageCpu.FreePage(_ownZeroPage);
    }

    internal bool IsLeftOut(FlushPoint point) => LeftOut == point;

    internal CpuState StateOf(int cpu) => _cpus[cpu];

    internal Process Add(Process process)
    {
        _processes.Add(process.Pid, process);
        return process;
    }

    internal int NextPid() => _nextPid++;

    internal void Reap(Process process) => _processes.Remove(process.Pid);

    internal AddressSpace? NewSpace(TaskLayout layout)
    {
        var tables = Kernel.Unit.NewUserTables(PageCpu);
        if (tables is null)
            return null;
        if (!Kernel.Unit.HasSecondTree && Options.Split == AddressSplit.Shared && !tables.TryShare(PageCpu, Kernel.Tables, KernelStart))
        {
            tables.Free(PageCpu);
            return null;
        }
        return new AddressSpace(this, layout, tables);
    }

    /// <summary>Loads a process's tables (switch_mm): its number if there are any, else all translations that are not global go.</summary>
    internal CpuState Switch(int cpu, AddressSpace? space)
    {
        var state = _cpus[cpu];
        if (ReferenceEquals(state.Current, space) && (space is null || !_asids.HasNumbers || space.AsidGeneration == _asids.Generation))
            return state;
        Switches++;
        state.Current = space;
        if (space is null)
        {
            Kernel.Unit.UseKernelTables(state.Port);
            return state;
        }
        _asids.Assign(space);
        state.Port.SetTables(space.Tables, space.Tables.Asid);
        if (Options.Split == AddressSplit.FourGigabytesEach)
            DropAll(state);
        else if (!_asids.HasNumbers && !IsLeftOut(FlushPoint.Switch))
            state.Port.Tlb.Invalidate(TlbScope.AddressSpace(0, globals: false));
        return state;
    }

    /// <summary>An address space ends: no CPU may have its tables any longer.</summary>
    internal void LeaveOnAllCpus(AddressSpace space)
    {
        foreach (var state in _cpus)
        {
            if (ReferenceEquals(state.Current, space))
                Switch(state.Number, null);
        }
    }

    /// <summary>With 4G/4G: the kernel's tables, and no translation of the process's.</summary>
    internal void EnterKernel(CpuState state)
    {
        if (Options.Split != AddressSplit.FourGigabytesEach || state.Current is null)
            return;
        Kernel.Unit.UseKernelTables(state.Port);
        DropAll(state);
    }

    /// <summary>And back.</summary>
    internal void LeaveKernel(CpuState state)
    {
        if (Options.Split != AddressSplit.FourGigabytesEach || state.Current is not { } space)
            return;
        state.Port.SetTables(space.Tables, space.Tables.Asid);
        DropAll(state);
    }

    internal void FlushHere(ulong virt, ushort asid) =>
        FaultingCpu?.Port.Tlb.Invalidate(TlbScope.Address(new VirtAddr(virt), asid, globals: false));

    internal bool TryCommit(VmFlags flags, ulong pages)
    {
        var count = (long)pages;
        if ((flags & VmFlags.Account) == 0)
            return true;
        var isRefused = Options.Overcommit switch
        {
            Overcommit.Always => false,
            Overcommit.Heuristic => pages > Kernel.Allocator.TotalPages,
            _ => _committed + count > CommitLimit,
        };
        if (!isRefused)
            _committed += count;
        return !isRefused;
    }

    internal void Uncommit(VmFlags flags, ulong pages)
    {
        if ((flags & VmFlags.Account) != 0)
            _committed -= (long)pages;
    }

    // The kernel's part of every tree: what is above TASK_SIZE, to the table's grain.
    private VirtAddr KernelStart
    {
        get
        {
            var ranges = Kernel.Layout.Virtual.Where(range => range.Name is not "user").Select(range => range.Range.Start.Value).Append(Kernel.Layout.PageOffset.Value);
            var lowest = ranges.Where(start => start >= Layout.TaskSize).Min();
            return new VirtAddr(lowest & ~(Kernel.Unit.HugeBytes - 1));
        }
    }

    private void DropAll(CpuState state)
    {
        SplitSwitches++;
        state.Port.Tlb.Invalidate(TlbScope.All);
    }

    private static int UsualAsidBits(TargetArchitecture architecture, AddressSplit split) => architecture switch
    {
        _ when split == AddressSplit.FourGigabytesEach => 0,
        TargetArchitecture.Arm => 8,
        TargetArchitecture.X86 => 0,
        TargetArchitecture.X64 => 12,
        TargetArchitecture.RiscV32 => 9,
        _ => 16,
    };
}
