using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Slab;

/// <summary>Initialises an object, once when its slab is made; it has to be in that state again when it is freed.</summary>
/// <param name="item">The object.</param>
public unsafe delegate void ObjectConstructor(void* item);

/// <summary>Called with each slab of a cache.</summary>
/// <param name="slab">The slab.</param>
/// <param name="free">A bit for each slot, slot 0 lowest: 1 where it is free. Objects in CPUs' arrays are not free here.</param>
public delegate void SlabVisitor(in SlabView slab, ReadOnlySpan<ulong> free);

/// <summary>A cache of objects of one size (<c>struct kmem_cache</c>).</summary>
/// <remarks>
/// <para>An allocation takes an object from the CPU's own array, a free puts it there: two comparisons, no locked instruction, and the object itself is not
/// touched, so that a constructor's state stays and large live sets do not pass through the cache. Arrays fill and empty a batch at a time from the slabs,
/// which SLAB, SLUB or SLOB keeps (<see cref="ObjectStore"/>); a batch of frees by another CPU comes back through an array that all CPUs share.</para>
/// <para>Objects are host addresses of simulated RAM; <see cref="ObjectAllocator.AddressOf"/> gives the board's address. Made by
/// <see cref="ObjectAllocator.CreateCache"/>. One thread at a time uses a <see cref="Cpu"/>; different CPUs may use the same cache at once.</para>
/// </remarks>
public sealed unsafe partial class KmemCache
{
    // What the fast paths read comes first.
    private readonly byte* _base;
    private readonly nuint _span;
    private readonly ushort* _owners;
    private readonly nint _arrayAt;
    private readonly int _id;
    private readonly int _pageShift;
    private readonly ObjectStore _store;

    // Of the two, the one that the store is: where there is no SLOB store there are slabs.
    private readonly SlabbedStore _slabs;
    private readonly Slob.SlobStore? _slob;
    private readonly List<string> _names = [];
    private SharedObjects* _shared;
    private byte** _stacks;
    private ObjectDebugger? _debugger;

    internal KmemCache(ObjectAllocator allocator, int id, string name, ObjectLayout layout, SlabFlags flags, ObjectConstructor? constructor, ObjectConstructor? destructor)
    {
        Allocator = allocator;
        Layout = layout;
        Flags = flags;
        Constructor = constructor;
        Destructor = destructor;
        _names.Add(name);
        _id = id;
        _arrayAt = (nint)id * ObjectArray.Bytes;
        _base = allocator.Ram.Base;
        _span = allocator.Ram.Span;
        _owners = allocator.Ram.Owners;
        _pageShift = allocator.Ram.PageShift;
        _store = allocator.CreateStore(this);
        _slabs = (_store as SlabbedStore)!;
        _slob = _store as Slob.SlobStore;
    }

    /// <summary>Its name.</summary>
    public string Name => _names[0];

    /// <summary>The names of caches of the same shape that were made part of it.</summary>
    public IReadOnlyList<string> Aliases => _names.GetRange(1, _names.Count - 1);

    /// <summary>Where the parts of an object lie.</summary>
    public ObjectLayout Layout { get; private set; }

    /// <summary>Bytes of an object (<c>kmem_cache_size</c>).</summary>
    public int ObjectSize => Layout.ObjectSize;

    /// <summary>Its flags, as the debugger left them.</summary>
    public SlabFlags Flags { get; }

    /// <summary>Called for each object when its slab is made.</summary>
    public ObjectConstructor? Constructor { get; }

    /// <summary>Called for each object when its slab goes back.</summary>
    public ObjectConstructor? Destructor { get; }

    /// <summary>How often it was created and not yet destroyed; 0 when it is gone.</summary>
    public int References { get; internal set; } = 1;

    /// <summary>The allocator that it belongs to.</summary>
    public ObjectAllocator Allocator { get; }

    /// <summary>2^Order pages make a slab, where memory is not too fragmented for it.</summary>
    public int Order => _store.Order;

    /// <summary>Objects of a slab.</summary>
    public int ObjectsPerSlab => _store.ObjectsPerSlab;

    /// <summary>Whether each call takes the slow path, where a debugger sees it.</summary>
    public bool IsWatched { get; private set; }

    /// <summary>Objects that a CPU keeps at most, and how many of them move at a time (<c>limit</c> and <c>batchcount</c> of SLAB).</summary>
    public (int Limit, int Batch, int SharedFactor) Tunables { get; private set; }

    /// <summary>Whether its objects are checked without its lock (<see cref="ObjectDebugger.ChecksAlone"/>).</summary>
    internal bool IsCheckedAlone { get; private set; }

    /// <summary>What checks its objects in one piece while nothing is wrong; null where each call takes the long way, as all do once a slab is lost.</summary>
    internal SlubDebug.SlubChecks? Quick { get; set; }

    internal int Id => _id;

    /// <summary>What the debugger keeps about it.</summary>
    internal object? DebuggerState { get; set; }

    /// <summary>Whether free objects hold something that lasts: a constructor's work, or what readers under RCU may still see.</summary>
    internal bool KeepsContents => Constructor is not null || (Flags & SlabFlags.TypesafeByRcu) != 0;

    internal ObjectStore Store => _store;

    /// <summary>Its slabs; only where <see cref="HasSlabs"/>.</summary>
    internal SlabbedStore Slabs => _slabs;

    /// <summary>False for SLOB: objects of all caches share pages.</summary>
    internal bool HasSlabs => _slob is null;

    /// <summary>Bytes asked of kmalloc: kept by layouts that have room for it.</summary>
    internal bool IsKmalloc { get; init; }

    internal SharedObjects* Shared => _shared;

    /// <summary>The CPU's array.</summary>
    internal ObjectArray* ArrayOf(Cpu cpu) => (ObjectArray*)(cpu.Objects + _arrayAt);

    /// <summary>Calls a visitor with each slab. No other thread may use the cache meanwhile.</summary>
    public void VisitSlabs(SlabVisitor visitor)
    {
        ArgumentNullException.ThrowIfNull(visitor);
        _store.Visit(visitor);
    }

    /// <summary>How many objects and slabs there are: a line of /proc/slabinfo.</summary>
    public SlabCounts Count() => _store.Count();

    /// <summary>Objects that wait in CPUs' arrays and in the shared one: free to the user, in use to the slabs.</summary>
    public int CachedObjects
    {
        get
        {
            var waiting = _shared is null ? 0 : _shared->Count;
            foreach (var cpu in Allocator.Pages.Cpus)
                waiting += ArrayOf(cpu)->Count;
            return waiting;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal void AddAlias(string name)
    {
        _names.Add(name);
        References++;
    }

    // The arrays of all CPUs: one allocation, of which host pages are touched when objects come.
    internal void SetUp(ArrayPlan plan)
    {
        IsWatched = (Flags & (SlabFlags.Debug | SlabFlags.FailSlab)) != 0 || (Allocator.Debugger?.Watches(this) ?? false);
        Tunables = (plan.Limit, plan.Batch, plan.SharedFactor);
        var cpus = Allocator.Pages.Cpus;
        _debugger = Allocator.Debugger;
        IsCheckedAlone = IsWatched && Allocator.Debugger!.ChecksAlone(this);
        // A watched cache is never served inline, but may have arrays behind the checks.
        var limit = IsWatched && !IsCheckedAlone ? 0 : plan.Limit;
        var shared = limit == 0 ? 0 : plan.Batch * plan.SharedFactor;
        // A stack of n objects and the line before it never share a line with another CPU's.
        var perCpu = (((nuint)limit * (nuint)sizeof(void*)) + 127) & ~(nuint)127;
        var bytes = (perCpu * (nuint)cpus.Count) + 128 + ((nuint)shared * (nuint)sizeof(void*));
        _stacks = (byte**)NativeMemory.AlignedAlloc(bytes, 128);
        _shared = (SharedObjects*)((byte*)_stacks + (perCpu * (nuint)cpus.Count));
        *_shared = new SharedObjects { Limit = shared, Stack = (byte**)((byte*)_shared + 128) };
        for (var i = 0; i < cpus.Count; i++)
        {
            *ArrayOf(cpus[i]) = new ObjectArray
            {
                Limit = IsWatched ? 0 : limit,
                Capacity = limit,
                Batch = Math.Max(1, plan.Batch),
                Stack = (byte**)((byte*)_stacks + (perCpu * (nuint)i)),
            };
        }
    }

    internal void TearDown()
    {
        Quick = null;
        foreach (var cpu in Allocator.Pages.Cpus)
            *ArrayOf(cpu) = default;
        NativeMemory.AlignedFree(_stacks);
        _stacks = null;
        _shared = null;
    }
}

/// <summary>What a store wants of the arrays in front of it.</summary>
/// <param name="Limit">Objects of a CPU's array; 0 for none.</param>
/// <param name="Batch">Objects that move at a time, at most 256.</param>
/// <param name="SharedFactor">Batches that the array of all CPUs holds; 0 for none.</param>
internal readonly record struct ArrayPlan(int Limit, int Batch, int SharedFactor);

/// <summary>Objects that one CPU freed and any CPU may take: whole batches move, under a lock (<c>shared</c> of SLAB, the barn of SLUB).</summary>
[StructLayout(LayoutKind.Sequential, Size = 128)]
internal unsafe struct SharedObjects
{
    public int Lock;

    public int Count;

    public int Limit;

    public byte** Stack;

    /// <summary>Takes up to <paramref name="wanted"/> objects.</summary>
    public static int Take(SharedObjects* self, byte** into, int wanted)
    {
        if (System.Threading.Volatile.Read(ref self->Count) == 0)
            return 0;
        ZoneLock.Acquire(ref self->Lock);
        var taken = Math.Min(wanted, self->Count);
        self->Count -= taken;
        NativeMemory.Copy(self->Stack + self->Count, into, (nuint)taken * (nuint)sizeof(void*));
        ZoneLock.Release(ref self->Lock);
        return taken;
    }

    /// <summary>Puts all objects, or none.</summary>
    public static bool TryPut(SharedObjects* self, byte** from, int count)
    {
        if (System.Threading.Volatile.Read(ref self->Count) + count > self->Limit)
            return false;
        ZoneLock.Acquire(ref self->Lock);
        var fits = self->Count + count <= self->Limit;
        if (fits)
        {
            NativeMemory.Copy(from, self->Stack + self->Count, (nuint)count * (nuint)sizeof(void*));
            self->Count += count;
        }
        ZoneLock.Release(ref self->Lock);
        return fits;
    }
}
