using System.Runtime.CompilerServices;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;

namespace KmemKit.Runtime.Slab;

/// <summary>Initialises an object of a type.</summary>
/// <param name="item">The object.</param>
public delegate void ObjectConstructor<T>(ref T item)
    where T : unmanaged;

/// <summary>A cache of objects of one type (<c>KMEM_CACHE(struct, flags)</c>): a <see cref="KmemCache"/> whose objects need no casts.</summary>
/// <param name="cache">The cache.</param>
public readonly unsafe struct KmemCache<T>(KmemCache cache)
    where T : unmanaged
{
    /// <summary>The cache.</summary>
    public KmemCache Cache { get; } = cache;

    /// <summary>Takes an object: see <see cref="KmemCache.Alloc"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T* Alloc(Cpu cpu, GfpFlags flags, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => (T*)Cache.Alloc(cpu, flags, file, line);

    /// <summary>Gives an object back: see <see cref="KmemCache.Free"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(Cpu cpu, T* item, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) => Cache.Free(cpu, item, file, line);
}

/// <summary>Caches by type.</summary>
public sealed unsafe partial class ObjectAllocator
{
    /// <summary>Makes a cache for objects of a type.</summary>
    /// <param name="name">Its name; null for the type's.</param>
    /// <param name="flags">How it behaves.</param>
    /// <param name="constructor">Called for each object when its slab is made.</param>
    /// <returns>Null when it cannot be made: see <see cref="CreateCache(string, int, int, SlabFlags, ObjectConstructor?, ObjectConstructor?)"/>.</returns>
    public KmemCache<T>? CreateCache<T>(string? name = null, SlabFlags flags = SlabFlags.None, ObjectConstructor<T>? constructor = null)
        where T : unmanaged
    {
        ObjectConstructor? construct = constructor is null ? null : item => constructor(ref *(T*)item);
        return CreateCache(name ?? typeof(T).Name, sizeof(T), 0, flags, construct) is { } cache ? new KmemCache<T>(cache) : null;
    }
}
