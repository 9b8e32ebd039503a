using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.Tracking;

/// <summary>What all checkers of a machine share: its time, its tasks, its call sites, and where reports go.</summary>
internal sealed unsafe class MachineState(KernelClock clock) : IDisposable
{
    private readonly List<MemoryReport> _reports = [];
    private KernelTask[] _tasks = [];

    // What a track holds of them, read on every call.
    private int[] _pids = [];
    private ObjectAllocator? _allocator;
    private int _tainted;
    private SlubDebug.ObjectMarks? _marks;

    public KernelClock Clock { get; } = clock;

    public SiteTable Sites { get; } = new();

    /// <summary>Which objects are allocated, for caches whose objects have no room to say so; made when the first asks.</summary>
    public SlubDebug.ObjectMarks Marks => _marks ??= new SlubDebug.ObjectMarks(Allocator.Memory);

    /// <summary>Told of each report, on the thread that ran into it.</summary>
    public Action<MemoryReport>? Reported { get; set; }

    /// <summary>Told of each traced call.</summary>
    public Action<string>? Traced { get; set; }

    public IReadOnlyList<MemoryReport> Reports
    {
        get
        {
            lock (_reports)
                return [.. _reports];
        }
    }

    public SlubDebug.SlabReportStyle Style { get; private set; }

    /// <summary>The allocator, from its first cache on.</summary>
    public ObjectAllocator Allocator => _allocator ?? throw new InvalidOperationException("The checks belong to no allocator yet.");

    public void Attach(ObjectAllocator allocator)
    {
        if (_allocator is not null && _allocator != allocator)
            throw new InvalidOperationException("Checks belong to one allocator: give each its own.");
        if (_allocator is not null)
            return;
        _allocator = allocator;
        Style = SlubDebug.SlabReportStyle.Of(allocator.Version, allocator.WordSize == 8);
        var tasks = new KernelTask[allocator.Pages.Cpus.Count];
        for (var i = 0; i < tasks.Length; i++)
            tasks[i] = i < _tasks.Length && _tasks[i] is { } known ? known : KernelTask.Idle(i);
        _tasks = tasks;
        _pids = Array.ConvertAll(tasks, static task => task.Pid);
    }

    public KernelTask TaskOf(int cpu) => (uint)cpu < (uint)_tasks.Length ? _tasks[cpu] : KernelTask.Idle(cpu);

    public void SetTask(int cpu, KernelTask task)
    {
        if (cpu >= _tasks.Length)
            Array.Resize(ref _tasks, cpu + 1);
        for (var i = 0; i <= cpu; i++)
            _tasks[i] ??= KernelTask.Idle(i);
        _tasks[cpu] = task;
        _pids = Array.ConvertAll(_tasks, static known => known.Pid);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ObjectTrack Track(Cpu cpu, AllocationSite site) =>
        new(Sites.NumberOf(site), cpu.Number, (uint)cpu.Number < (uint)_pids.Length ? _pids[cpu.Number] : 0, Clock.Jiffies);

    /// <summary>Stores who does something to an object, and when.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteTrack(byte* at, Cpu cpu, uint site, long jiffies)
    {
        var number = cpu.Number;
        var pids = _pids;
        ObjectTrack.Write(at, site, number, (uint)number < (uint)pids.Length ? pids[number] : 0, jiffies);
    }

    public TrackRecord? Record(in ObjectTrack track) =>
        track.IsSet ? new TrackRecord(Sites.SiteOf(track.Site), track.Cpu, track.Pid, track.When) : null;

    public Reporter By(Cpu cpu, AllocationSite site) => new(site, cpu.Number, TaskOf(cpu.Number), Clock.Jiffies);

    /// <summary>The kernel address of a byte of RAM; 0 where it has none.</summary>
    public ulong AddressOf(void* host) => _allocator!.AddressOf(host)?.Value ?? 0;

    /// <summary>The same.</summary>
    public VirtAddr VirtAddressOf(void* host) => new(AddressOf(host));

    /// <summary>The kernel address of a page's descriptor (<c>struct page *</c>).</summary>
    public VirtAddr PageAddress(Page page) => VirtAddressOf(_allocator!.Pages.Map.DescriptorAt(page.Index));

    /// <summary>The same of the page that a byte of RAM is in; null where it is in none.</summary>
    public VirtAddr? PageAddressOf(void* host) => _allocator!.Ram.TryIndex(host, out var page) ? PageAddress(new Page(page)) : null;

    /// <summary>Whether there was a bug before this one; from now on there was (add_taint(TAINT_BAD_PAGE)).</summary>
    public bool Taint() => Interlocked.Exchange(ref _tainted, 1) != 0;

    public void Report(MemoryReport report)
    {
        lock (_reports)
            _reports.Add(report);
        Reported?.Invoke(report);
    }

    public void Trace(string line) => Traced?.Invoke(line);

    public void Dispose() => _marks?.Dispose();
}
