using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.FaultInjection;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Kasan;
using KmemKit.Runtime.Kfence;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Checks;

/// <summary>All that looks for misuse of objects: <c>slub_debug</c>, a checker in the spirit of KASAN, one in that of KFENCE, leaks, injected failures.</summary>
/// <remarks>
/// <para>Given to <see cref="ObjectAllocatorOptions.Debugger"/> at boot, and then good for that allocator alone. What is found is in <see cref="Reports"/> and
/// told to <see cref="Reported"/>; each report is a value that prints itself as the kernel would. The run goes on.</para>
/// <para>For one object the parts are asked in this order: KASAN whether it may be freed at all, then <c>slub_debug</c> about its bytes, then KASAN takes it
/// into quarantine. The latter two change nothing when an earlier one refuses.</para>
/// </remarks>
public sealed unsafe partial class MemoryChecks : ObjectDebugger, IDisposable
{
    // DEBUG_METADATA_FLAGS
    private const SlabFlags Metadata = SlabFlags.RedZone | SlabFlags.Poison | SlabFlags.StoreUser;

    private readonly MemoryCheckOptions _options;
    private readonly MachineState _machine;
    private readonly LargeBlocks _large = new();
    private ShadowMemory? _shadow;
    private KasanChecks? _kasan;
    private KfencePool? _pool;
    private CheckedMemory[] _ports = [];
    private long _nextSample;

    /// <summary>Checks for one allocator.</summary>
    /// <param name="options">Which; null for none but fault injection into caches that ask for it by flag.</param>
    public MemoryChecks(MemoryCheckOptions? options = null)
    {
        _options = options ?? new MemoryCheckOptions();
        ArgumentOutOfRangeException.ThrowIfNegative(_options.QuarantineBytes, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.KfenceObjects, nameof(options));
        ArgumentOutOfRangeException.ThrowIfNegative(_options.KfenceSampleInterval, nameof(options));
        _machine = new MachineState(_options.Clock ?? new KernelClock());
        Clock.Ticked += Sample;
    }

    /// <summary>The machine's time.</summary>
    public KernelClock Clock => _machine.Clock;

    /// <summary>The call sites that were met.</summary>
    internal SiteTable Sites => _machine.Sites;

    /// <summary>Injected failures.</summary>
    public FailSlab FailSlab { get; } = new();

    /// <summary>Injected failures of the pages that caches ask for.</summary>
    public FailPageAlloc FailPageAlloc { get; } = new();

    /// <summary>What was found, oldest first.</summary>
    public IReadOnlyList<MemoryReport> Reports => _machine.Reports;

    /// <summary>Told of each report on the thread that ran into it. A cache's lock may be held: it must not use the allocator.</summary>
    public event Action<MemoryReport>? Reported
    {
        add => _machine.Reported += value;
        remove => _machine.Reported -= value;
    }

    /// <summary>Told of each call of a cache that is traced (<c>slub_debug=T</c>), under the same rule.</summary>
    public event Action<string>? Traced
    {
        add => _machine.Traced += value;
        remove => _machine.Traced -= value;
    }

    /// <summary>Bytes of slots in quarantine.</summary>
    public long QuarantinedBytes => _kasan?.QuarantinedBytes ?? 0;

    /// <summary>Guarded objects that are allocated now.</summary>
    public int GuardedObjects => _pool?.Used ?? 0;

    /// <summary>Says who runs on a CPU from now on.</summary>
    /// <param name="cpu">The CPU's number.</param>
    /// <param name="task">The task.</param>
    public void SetTask(int cpu, KernelTask task)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(cpu);
        ArgumentNullException.ThrowIfNull(task);
        _machine.SetTask(cpu, task);
    }

    /// <summary>Checked access on behalf of a CPU.</summary>
    /// <exception cref="InvalidOperationException">The checks belong to no allocator yet.</exception>
    public CheckedMemory PortOf(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var shadow = _shadow ?? throw new InvalidOperationException("The checks belong to no allocator yet.");
        lock (_machine)
        {
            if (cpu.Number >= _ports.Length)
                Array.Resize(ref _ports, cpu.Number + 1);
            return _ports[cpu.Number] ??= new CheckedMemory(this, shadow, _options.Kasan && _options.FindUninitialized, cpu);
        }
    }

    /// <summary>Checks every object of a cache, free or not, and the padding of its slabs (<c>slabinfo -v</c>, validate_slab_cache).</summary>
    /// <param name="cpu">The CPU of the calling thread. No other thread may use the cache.</param>
    /// <param name="cache">A cache with <c>slub_debug</c> options; others have nothing to check.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    /// <returns>Reports that came of it; the damaged bytes were restored.</returns>
    public int Validate(
        Cpu cpu, KmemCache cache, [System.Runtime.CompilerServices.CallerFilePath] string file = "", [System.Runtime.CompilerServices.CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(cache);
        var before = Reports.Count;
        if (StateOf(cache)?.Slub is { } slub)
            VisitLive(cache, (in SlabView slab, ReadOnlySpan<int> live) => slub.CheckSlab(cpu, slab, live, new AllocationSite(file, line)));
        return Reports.Count - before;
    }

    /// <summary>Gives the host memory of the shadow back. No port may be used afterwards.</summary>
    public void Dispose()
    {
        Clock.Ticked -= Sample;
        _shadow?.Dispose();
        _shadow = null;
        _machine.Dispose();
    }

    /// <inheritdoc/>
    public override void Attached(ObjectAllocator allocator)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        _machine.Attach(allocator);
        _shadow = new ShadowMemory(allocator.Memory);
        _kasan = new KasanChecks(_machine, _shadow, _large, _options.QuarantineBytes, _options.FindUninitialized);
    }

    /// <inheritdoc/>
    public override SlabFlags FlagsFor(string name, int objectSize, SlabFlags flags)
    {
        var added = SlabFlagsOf(SlubFlagsOf(name));
        if (IsTooLarge(objectSize))
        {
            added &= ~Metadata;
            flags &= ~Metadata;
        }
        if (_options.SlubDebug is { NoHigherOrders: true } && GrowsOrder(name, objectSize, flags | added))
        {
            added &= ~Metadata;
            flags &= ~Metadata;
        }
        flags |= added;
        if (_options.FailSlab)
            flags |= SlabFlags.FailSlab;
        return _options.Kasan ? flags | SlabFlags.NoMerge : flags;
    }

    /// <inheritdoc/>
    public override int ExtraBytes(string name, int objectSize, SlabFlags flags) =>
        _options.Kasan && !IsTooLarge(objectSize) ? KasanChecks.ExtraBytes(objectSize) : 0;

    /// <inheritdoc/>
    public override bool Watches(KmemCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return cache.Layout.ExtraAt >= 0;
    }

    /// <inheritdoc/>
    public override bool ChecksAlone(KmemCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return cache.Layout.FreePointerAt >= 0 || cache.Layout.ExtraAt >= 0
            || ((cache.Flags & SlabFlags.ConsistencyChecks) != 0 && SlubDebug.ObjectMarks.Fits(cache.Layout.Size, cache.Layout.Align));
    }

    /// <inheritdoc/>
    internal override SlubChecks? QuickChecks(KmemCache cache) =>
        (cache.Flags & SlabFlags.FailSlab) == 0 && StateOf(cache) is { IsKasan: false, Slub: { IsQuick: true } slub } ? slub : null;

    /// <inheritdoc/>
    public override void CacheCreated(KmemCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        cache.DebuggerState = new CacheState(
            (cache.Flags & SlabFlags.Debug) != 0 ? new SlubChecks(_machine, cache) : null,
            _options.Kasan && cache.Layout.ExtraAt >= 0,
            !_options.FailSlab || (SlubFlagsOf(cache.Name) & SlubDebugFlags.FailSlab) != 0);
    }

    /// <inheritdoc/>
    public override bool ShouldFail(KmemCache cache, GfpFlags flags)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return FailSlab.ShouldFail(StateOf(cache)?.IsMarked ?? false, cache.ObjectSize, flags);
    }

    /// <inheritdoc/>
    public override bool ShouldFailPages(GfpFlags flags, int order) => FailPageAlloc.ShouldFail(flags, order, _machine.Allocator.PageSize);

    internal static CacheState? StateOf(KmemCache cache) => System.Runtime.CompilerServices.Unsafe.As<CacheState?>(cache.DebuggerState);

    private static SlabFlags SlabFlagsOf(SlubDebugFlags flags) =>
        ((flags & SlubDebugFlags.ConsistencyChecks) != 0 ? SlabFlags.ConsistencyChecks : 0)
        | ((flags & SlubDebugFlags.RedZone) != 0 ? SlabFlags.RedZone : 0)
        | ((flags & SlubDebugFlags.Poison) != 0 ? SlabFlags.Poison : 0)
        | ((flags & SlubDebugFlags.StoreUser) != 0 ? SlabFlags.StoreUser : 0)
        | ((flags & SlubDebugFlags.Trace) != 0 ? SlabFlags.Trace : 0)
        | ((flags & SlubDebugFlags.FailSlab) != 0 ? SlabFlags.FailSlab : 0);

    private SlubDebugFlags SlubFlagsOf(string name)
    {
        var builtIn = _options.SlubDebugOn ? SlubDebugFlags.Default : SlubDebugFlags.None;
        return _options.SlubDebug?.FlagsFor(name, builtIn) ?? builtIn;
    }

    // SLAB serves kmalloc from caches up to the largest block of pages: nothing can be added to those objects. The kernel leaves SLAB's large ones alone too
    // (__kmem_cache_create, mm/slab.c).
    private bool IsTooLarge(int objectSize) => objectSize > (_machine.Allocator.PageSize << _machine.Allocator.Pages.Map.MaxOrder) / 2;

    // get_order(size) > get_order(object_size), mm/slub.c kmem_cache_open.
    private bool GrowsOrder(string name, int objectSize, SlabFlags flags)
    {
        var page = _machine.Allocator.PageSize;
        return OrderOf(_machine.Allocator.LayoutFor(name, objectSize, 0, flags).Size) > OrderOf(objectSize);

        int OrderOf(int size) => size <= page ? 0 : System.Numerics.BitOperations.Log2((uint)(size - 1) / (uint)page) + 1;
    }

    /// <summary>What is kept about a cache.</summary>
    /// <param name="Slub">Its <c>slub_debug</c> work; null where it has no such option.</param>
    /// <param name="IsKasan">Whether its objects have shadow.</param>
    /// <param name="IsMarked">Whether it is one of those that <see cref="FaultInjection.FailSlab.CacheFilter"/> lets fail.</param>
    internal sealed record CacheState(SlubChecks? Slub, bool IsKasan, bool IsMarked);
}
