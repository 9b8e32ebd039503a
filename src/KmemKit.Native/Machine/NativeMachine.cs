using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Checks;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Dma.Swiotlb;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.Boards;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Native.Machine;

/// <summary>The machine that C code runs on: a booted board with every check on, and what C holds of it.</summary>
/// <remarks>
/// One at a time. It boots at the first call that needs it, and after a shutdown again, fresh. RAM is host memory: what kmalloc gives is a host pointer that C
/// loads and stores through; what lies in RAM elsewhere in another order (vmalloc) is mapped a second time; what is no memory (registers) is addresses that fault.
/// </remarks>
internal sealed unsafe class NativeMachine : IDisposable
{
    /// <summary>Elements from one CPU's owner to the next: a cache line.</summary>
    public const int OwnerStride = 16;

    private const int MostCaches = 4096;
    private const string NoChecks = "-";

    private static readonly Lock s_booting = new();
    private static NativeMachine? s_current;

    private NativeMachine(MemoryLayout layout, in MachineConfig config)
    {
        Layout = layout;
        var cpus = config.Cpus > 0 ? config.Cpus : (int?)null;
        var memory = new MemoryBootOptions { SharedRam = true, Pages = new PageAllocatorOptions { Cpus = cpus } };
        Virtual = layout.Board.UsesMmu ? MmuKernel.Boot(layout, new MmuKernelOptions { Memory = memory }) : null;
        Booted = Virtual?.Booted ?? BootedMemory.Boot(layout, memory);
        Cpus = Booted.Allocator.Cpus;
        CpuOwners = new int[Cpus.Count * OwnerStride];
        Tasks = new int[Cpus.Count];
        var checks = CheckOptions(layout, config);
        CanFail = checks.FailSlab;
        Checks = new MemoryChecks(checks);
        Objects = ObjectAllocator.Boot(layout, Booted.Memory, Booted.Allocator, new ObjectAllocatorOptions { Debugger = Checks });
        Dma = new DmaMapper(Booted.Memory, config.SwiotlbBytes == 0 ? null : SwiotlbPool.TryCreate(Booted.Memory, Cpus[0], config.SwiotlbBytes, GfpFlags.DmaZone))
        {
            Debug = new DmaDebug(),
        };
        // As at the boot of a kernel: address spaces are there before a driver maps anything.
        Masters = BoardMasters.Boot(layout, Cpus[0], Booted.Memory);
        Masters.Faulted += OnDeviceFault;
        Devices = new DeviceTable(this);
        Checks.Reported += OnReport;
        Dma.Debug.Reported += OnDma;
        Booted.Allocator.BugReported += OnBug;
        Objects.Reported += static text => Log.Add(text);
    }

    /// <summary>The machine, booted if it is not.</summary>
    public static NativeMachine Current => Volatile.Read(ref s_current) ?? Boot(default);

    /// <summary>The machine; null where none runs.</summary>
    public static NativeMachine? Running => Volatile.Read(ref s_current);

    /// <summary>The layout.</summary>
    public MemoryLayout Layout { get; }

    /// <summary>RAM, pages, the boot log.</summary>
    public BootedMemory Booted { get; }

    /// <summary>The page map.</summary>
    public PageMap Map => Booted.Map;

    /// <summary>The CPUs.</summary>
    public IReadOnlyList<Cpu> Cpus { get; }

    /// <summary>Which thread is on which CPU, <see cref="OwnerStride"/> apart; 0 for none.</summary>
    public int[] CpuOwners { get; }

    /// <summary>The thread that was on each CPU last.</summary>
    public int[] Tasks { get; }

    /// <summary>Whether allocations of objects can be made to fail.</summary>
    public bool CanFail { get; }

    /// <summary>What looks for misuse of objects.</summary>
    public MemoryChecks Checks { get; }

    /// <summary>kmalloc and caches.</summary>
    public ObjectAllocator Objects { get; }

    /// <summary>Tables, vmalloc, ioremap; null on a board without MMU.</summary>
    public MmuKernel? Virtual { get; }

    /// <summary>The DMA API.</summary>
    public DmaMapper Dma { get; }

    /// <summary>Bus masters, those behind an SMMU with address spaces of their own.</summary>
    public BoardMasters Masters { get; }

    /// <summary>Devices by name and by handle.</summary>
    public DeviceTable Devices { get; }

    /// <summary>Host addresses that are no RAM.</summary>
    public WindowMap Windows { get; } = new();

    /// <summary>Addresses that drivers claimed.</summary>
    public ClaimTable Claims { get; } = new();

    /// <summary>What C holds as <c>struct kmem_cache *</c>.</summary>
    public HandleTable<KmemCache> Caches { get; } = new(MostCaches);

    /// <summary>Pages that C allocated by order: who, and which.</summary>
    public ConcurrentDictionary<ulong, (Page Page, int Order, KnownSite Site)> PageSites { get; } = new();

    /// <summary>Mappings for devices: who mapped.</summary>
    public ConcurrentDictionary<(DmaDevice Device, ulong Bus), KnownSite> DmaSites { get; } = new();

    /// <summary>Scatter lists that are mapped: how many entries they were mapped with.</summary>
    public ConcurrentDictionary<(DmaDevice Device, nuint List), int> ScatterLists { get; } = new();

    /// <summary>Coherent memory by device and bus address.</summary>
    public ConcurrentDictionary<(DmaDevice Device, ulong Bus), CoherentBlock> Coherent { get; } = new();

    /// <summary>Boots a machine.</summary>
    /// <exception cref="InvalidOperationException">One runs already, or the library has no board.</exception>
    public static NativeMachine Boot(in MachineConfig config)
    {
        lock (s_booting)
        {
            if (s_current is { } running)
                return config.IsDefault ? running : throw new InvalidOperationException("The board runs already: shut it down first.");
            var machine = new NativeMachine(NativeBoard.Layout, config);
            Volatile.Write(ref s_current, machine);
            return machine;
        }
    }

    /// <summary>Ends the machine: looks at every object once more, reports what was not given back, and gives the host memory back.</summary>
    /// <param name="at">The call.</param>
    /// <returns>What was not given back.</returns>
    public static int Shutdown(CallSite* at)
    {
        lock (s_booting)
        {
            if (s_current is not { } machine)
                return 0;
            ThreadState.Current.AtomicDepth = 0;
            int leaks;
            using (var lease = machine.Enter(at))
            {
                machine.Validate(lease);
                leaks = LeakSearch.Report(machine, lease);
            }
            Volatile.Write(ref s_current, null);
            machine.Dispose();
            return leaks;
        }
    }

    /// <summary>Takes a CPU for a call.</summary>
    public CpuLease Enter(CallSite* at) => new(this, at);

    /// <summary>Says who is on a CPU.</summary>
    public void SetTask(int cpu, int thread)
    {
        Tasks[cpu] = thread;
        Checks.SetTask(cpu, new KernelTask("host", thread));
    }

    /// <summary>Looks at every object of every cache.</summary>
    public void Validate(in CpuLease lease)
    {
        foreach (var cache in Objects.Caches)
            Checks.Validate(lease.Cpu, cache, lease.Site.Shown.File ?? "", lease.Site.Shown.Line);
    }

    /// <summary>Reports a misuse as a warning, at the call that runs now.</summary>
    public static void Warn(ReportKind kind, string message, nuint address = 0)
    {
        var thread = ThreadState.Current;
        thread.Report(new NativeReport(kind, WarningText.Warn(thread.Site, Math.Max(thread.HeldCpu, 0), thread.Number, message), thread.Site, address));
    }

    /// <summary>Reports a bug, at the call that runs now.</summary>
    public static void Bug(ReportKind kind, string message, nuint address = 0)
    {
        var thread = ThreadState.Current;
        thread.Report(new NativeReport(kind, WarningText.Bug(thread.Site, Math.Max(thread.HeldCpu, 0), thread.Number, message), thread.Site, address));
    }

    /// <summary>The physical address behind a pointer of C: of RAM, or of a window with pages.</summary>
    public bool TryToPhys(void* pointer, out PhysAddr phys)
    {
        if (Booted.Memory.TryToPhys(pointer, out phys))
            return true;
        if (Windows.Find(pointer) is not { Gone: null } window || !window.Contains((nuint)pointer))
            return false;
        var offset = (nuint)pointer - window.Pointer;
        if (window.Pages.Length == 0)
        {
            phys = new PhysAddr(window.Phys.Value + offset);
            return true;
        }
        var within = offset + (window.Pointer & (nuint)(Map.Pages.PageSize - 1));
        phys = new PhysAddr(Map.PageToPhys(window.Pages[(int)(within >> Map.Pages.PageShift)]).Value + (within & (nuint)(Map.Pages.PageSize - 1)));
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Windows.Dispose();
        Caches.Dispose();
        Devices.Dispose();
        Masters.Dispose();
        Objects.Dispose();
        Checks.Dispose();
        if (Virtual is { } kernel)
            kernel.Dispose();
        else
            Booted.Dispose();
    }

    private static MemoryCheckOptions CheckOptions(MemoryLayout layout, in MachineConfig config)
    {
        var policy = layout.Board.Policy;
        var text = config.SlubDebug ?? policy.Bootargs.SlubDebug?.Value.Text;
        return new MemoryCheckOptions
        {
            SlubDebug = text is null ? null : SlubDebugOptions.Parse(text, out _),
            // A test bench checks unless it is told not to.
            SlubDebugOn = true,
            // Each call would take the slow path: not where nothing else wants it.
            FailSlab = text != NoChecks,
        };
    }

    private static void OnReport(MemoryReport report)
    {
        var thread = ThreadState.Current;
        var at = report switch { SlabReport slab => slab.Object, LeakReport leak => leak.Object, _ => null };
        var host = at is { } known && Running is { } machine ? machine.Objects.PointerTo(known) : null;
        // Who leaked is who allocated.
        var (kind, site) = report is LeakReport { Allocated: { } track } ? (ReportKind.Leak, SiteCache.Of(track.Site))
            : report is LeakReport ? (ReportKind.Leak, thread.Site) : (ReportKind.Object, thread.Site);
        // A destroy says nothing of its caller.
        if (report is SlabReport { By: { Site.File: null or "" } by } anonymous)
            report = anonymous with { By = by with { Site = thread.Site.Shown } };
        thread.Report(new NativeReport(kind, report.ToString(), site, (nuint)host));
    }

    private void OnDma(DmaDebugReport report)
    {
        var text = report.Text;
        if (DmaSites.TryGetValue((report.Device, report.Address.Value), out var mapped))
            text += $" [mapped by {mapped}]";
        if (report.Error == DmaDebugError.Leak && mapped is not null)
        {
            var thread = ThreadState.Current;
            thread.Report(new NativeReport(ReportKind.Leak, WarningText.Warn(mapped, 0, thread.Number, text), mapped, unchecked((nuint)report.Address.Value)));
            return;
        }
        Warn(ReportKind.Dma, text, unchecked((nuint)report.Address.Value));
    }

    // Who let the device do it is reported by the call; what the SMMU saw stands in the log, as a kernel prints it.
    private static void OnDeviceFault(BoardMaster? master, DeviceFault fault) =>
        Log.Add($"{master?.Smmu?.Board.Name ?? "smmu"}: {fault.Kind} fault: stream 0x{fault.StreamId:x}{(master is null ? "" : " of " + master.Device)} {(fault.Access == AccessRights.Write ? "writes" : "reads")} at {fault.Address}");

    private static void OnBug(KernelBug bug)
    {
        // A failed request is no misuse: its caller gets NULL, and the log says why.
        if (bug.Kind == KernelBugKind.AllocationFailure)
            Log.Add(bug.Message);
        else
            Bug(bug.Kind == KernelBugKind.SleepInAtomicContext ? ReportKind.Context : ReportKind.Page, bug.Message);
    }
}
