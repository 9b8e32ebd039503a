using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;

namespace KmemKit.Runtime.Slab;

/// <summary>What looks at every object of caches that have debug flags: slub_debug, memory checkers, fault injection. Each hook does nothing by default.</summary>
/// <remarks>
/// <para>One is given at boot (<see cref="ObjectAllocatorOptions.Debugger"/>). A cache whose flags are in <see cref="SlabFlags.Debug"/> or
/// <see cref="SlabFlags.FailSlab"/>, or for which <see cref="Watches"/> says so, has no per-CPU objects: each call takes the slow path, where the hooks are.
/// All other caches never come here, but for <see cref="FlagsFor"/> and for what is wrong with a free.</para>
/// <para>Hooks that say so run with the cache's lock held: they must not use this cache, and must not allocate pages.</para>
/// </remarks>
public abstract unsafe class ObjectDebugger
{
    /// <summary>The flags that a cache gets (<c>kmem_cache_flags</c>): called before it is made or merged.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="objectSize">Bytes of an object.</param>
    /// <param name="flags">What its creator asked for.</param>
    public virtual SlabFlags FlagsFor(string name, int objectSize, SlabFlags flags) => flags;

    /// <summary>Whether a cache takes the slow path although it has no debug flag: a checker with redzones of its own, a quarantine.</summary>
    public virtual bool Watches(KmemCache cache) => false;

    /// <summary>It belongs to an allocator from now on: called before the first cache is made.</summary>
    public virtual void Attached(ObjectAllocator allocator)
    {
    }

    /// <summary>Bytes that it needs behind each object for itself (<c>kasan_cache_create</c>): called before a cache is made. The cache is merged with no other then.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="objectSize">Bytes of an object.</param>
    /// <param name="flags">What <see cref="FlagsFor"/> gave.</param>
    public virtual int ExtraBytes(string name, int objectSize, SlabFlags flags) => 0;

    /// <summary>A cache was made.</summary>
    public virtual void CacheCreated(KmemCache cache)
    {
    }

    /// <summary>A cache is gone.</summary>
    public virtual void CacheDestroyed(KmemCache cache)
    {
    }

    /// <summary>Fault injection (<c>should_failslab</c>): asked before an allocation from a cache that has <see cref="SlabFlags.FailSlab"/>.</summary>
    /// <returns>True to fail it.</returns>
    public virtual bool ShouldFail(KmemCache cache, GfpFlags flags) => false;

    /// <summary>Fault injection into what the caches ask of the page allocator (<c>should_fail_alloc_page</c>): slabs, and blocks of pages of kmalloc.</summary>
    /// <returns>True to fail it.</returns>
    public virtual bool ShouldFailPages(GfpFlags flags, int order) => false;

    /// <summary>
    /// An allocation that a sampling checker may serve from memory of its own (<c>kfence_alloc</c>): asked on the slow path of any cache, once after each
    /// <see cref="ObjectAllocator.ArmSample"/>, for objects of at most a page. Without lock.
    /// </summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="cache">The cache.</param>
    /// <param name="requested">Bytes that kmalloc was asked for, else the object size.</param>
    /// <param name="flags">The request.</param>
    /// <param name="site">The caller.</param>
    /// <returns>An object on pages that were claimed by <see cref="ObjectAllocator.ClaimGuarded"/>; null to serve it as usual.</returns>
    public virtual void* AllocSampled(Cpu cpu, KmemCache cache, int requested, GfpFlags flags, AllocationSite site) => null;

    /// <summary>A free of an address on pages that <see cref="ObjectAllocator.ClaimGuarded"/> claimed. Without lock.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="cache">The cache that was named; null for kfree.</param>
    /// <param name="address">What is freed.</param>
    /// <param name="site">The caller.</param>
    public virtual void FreeSampled(Cpu cpu, KmemCache? cache, void* address, AllocationSite site)
    {
    }

    /// <summary>Bytes of an allocated object that <see cref="AllocSampled"/> gave; 0 where none starts there.</summary>
    public virtual int SampledSize(void* address) => 0;

    /// <summary>A slab was made (<c>setup_slab_debug</c>, <c>setup_object_debug</c>); its constructors run afterwards. Without lock; nobody else knows the slab yet.</summary>
    public virtual void SlabCreated(Cpu cpu, in SlabView slab)
    {
    }

    /// <summary>
    /// Whether an object of a cache says by itself if it is free. Then CPUs keep objects of the cache in their arrays although it is watched, no lock is held
    /// and the slab is not looked up: <see cref="AllocChecked"/> and <see cref="FreeChecked"/> are called instead of the two that get a slab.
    /// </summary>
    public virtual bool ChecksAlone(KmemCache cache) => false;

    /// <summary>Checks of a cache that <see cref="ChecksAlone"/> says so of, which are made in one piece while nothing is wrong; asked once, when the cache was made.</summary>
    internal virtual SlubDebug.SlubChecks? QuickChecks(KmemCache cache) => null;

    /// <summary>What <see cref="AllocProcessing"/> is for a cache that <see cref="ChecksAlone"/> says so of. Without lock; nobody else has the object.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="cache">The cache.</param>
    /// <param name="item">The object.</param>
    /// <param name="requested">Bytes that kmalloc was asked for, else the object size.</param>
    /// <param name="site">The caller.</param>
    /// <returns>False when it is damaged: its slab is taken out of use.</returns>
    public virtual bool AllocChecked(Cpu cpu, KmemCache cache, void* item, int requested, AllocationSite site) => true;

    /// <summary>
    /// What <see cref="FreeProcessing"/> is for a cache that <see cref="ChecksAlone"/> says so of: the address lies on a slab of the cache, and that is all that
    /// is known. Without lock. Two CPUs that free one object at the very same moment are the one double free that need not be seen.
    /// </summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="cache">The cache.</param>
    /// <param name="item">What is freed.</param>
    /// <param name="site">The caller.</param>
    public virtual FreeVerdict FreeChecked(Cpu cpu, KmemCache cache, void* item, AllocationSite site) => FreeVerdict.Free;

    /// <summary>A slab's pages are about to go back (<c>free_slab</c>): all its objects are free. Without lock; nobody else knows the slab any more.</summary>
    public virtual void SlabDestroyed(Cpu cpu, in SlabView slab)
    {
    }

    /// <summary>An object is about to be given out (<c>alloc_debug_processing</c>). The cache's lock is held.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="slab">Its slab.</param>
    /// <param name="index">Its slot.</param>
    /// <param name="requested">Bytes that kmalloc was asked for, else the object size.</param>
    /// <param name="site">The caller.</param>
    /// <returns>False when it is damaged: then all objects of the slab count as used, none of its free ones is ever given out, and another slab is tried.</returns>
    public virtual bool AllocProcessing(Cpu cpu, in SlabView slab, int index, int requested, AllocationSite site) => true;

    /// <summary>
    /// An object is about to become free (<c>free_debug_processing</c>). The cache's lock is held. The address is in the slab of the cache it is freed to, but
    /// need not be an object's, and the object need not be allocated.
    /// </summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="slab">The slab that the address lies in.</param>
    /// <param name="address">What is freed.</param>
    /// <param name="isFree">Whether the slot is free already.</param>
    /// <param name="site">The caller.</param>
    /// <returns>What becomes of it.</returns>
    public virtual FreeVerdict FreeProcessing(Cpu cpu, in SlabView slab, void* address, bool isFree, AllocationSite site) =>
        isFree || slab.IndexOf(address, out var offset) < 0 || offset != 0 ? FreeVerdict.Refuse : FreeVerdict.Free;

    /// <summary>An object was kept (<see cref="FreeVerdict.Keep"/>). Without lock: others, of any cache, may be given back here.</summary>
    public virtual void Kept(Cpu cpu)
    {
    }

    /// <summary>A cache is about to be shrunk or destroyed: what is kept of it has to be given back. Without lock.</summary>
    public virtual void Flushing(Cpu cpu, KmemCache cache)
    {
    }

    /// <summary>The owner of an object may use more or fewer bytes of it from now on: krealloc that leaves it where it is, ksize. Without lock.</summary>
    /// <param name="slab">Its slab.</param>
    /// <param name="index">Its slot.</param>
    /// <param name="size">Bytes that it may use, up to the object size.</param>
    public virtual void Resized(in SlabView slab, int index, int size)
    {
    }

    /// <summary>
    /// A free that cannot be done on any cache, debugged or not: the address is on no slab, or on one of another cache (<c>cache_from_obj</c>). Nothing was
    /// changed. Without lock.
    /// </summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="named">The cache that was named; null for kfree.</param>
    /// <param name="actual">The cache that the address belongs to; null where it is on no slab.</param>
    /// <param name="address">What was freed.</param>
    /// <param name="site">The caller.</param>
    /// <returns>True when it was reported; false to throw <see cref="ObjectErrorException"/>.</returns>
    public virtual bool InvalidFree(Cpu cpu, KmemCache? named, KmemCache? actual, void* address, AllocationSite site) => false;

    /// <summary>A block of pages that kmalloc made for a size beyond its caches. Without lock.</summary>
    public virtual void LargeAllocated(Cpu cpu, void* address, long requested, AllocationSite site)
    {
    }

    /// <summary>The owner of such a block may use more or fewer bytes of it. Without lock.</summary>
    public virtual void LargeResized(void* address, long size)
    {
    }

    /// <summary>Such a block is freed. Without lock.</summary>
    public virtual void LargeFreed(Cpu cpu, void* address, AllocationSite site)
    {
    }

    /// <summary>A cache cannot be destroyed (<c>list_slab_objects</c>): called once for each slab that has live objects. The cache's lock is held.</summary>
    /// <param name="slab">The slab.</param>
    /// <param name="live">The slots that are not free.</param>
    public virtual void LiveAtDestroy(in SlabView slab, System.ReadOnlySpan<int> live)
    {
    }
}

/// <summary>What becomes of an object that is freed.</summary>
public enum FreeVerdict
{
    /// <summary>It is free.</summary>
    Free,

    /// <summary>It is not freed: it was damaged, or was not allocated. It stays as it is, and is lost if it was allocated.</summary>
    Refuse,

    /// <summary>The debugger keeps it, as a quarantine does, and gives it back by <see cref="KmemCache.Release"/>.</summary>
    Keep,
}
