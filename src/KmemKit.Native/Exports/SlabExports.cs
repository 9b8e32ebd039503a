using System;
using System.Runtime.InteropServices;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;

namespace KmemKit.Native.Exports;

/// <summary>kmalloc and object caches (include/linux/slab.h).</summary>
internal static unsafe class SlabExports
{
    /// <summary><c>kmalloc</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmalloc")]
    public static void* Kmalloc(nuint size, GfpFlags flags, CallSite* at) => Alloc(size, flags, at);

    /// <summary><c>kzalloc</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kzalloc")]
    public static void* Kzalloc(nuint size, GfpFlags flags, CallSite* at) => Alloc(size, flags | GfpFlags.Zero, at);

    /// <summary><c>kmalloc_array</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmalloc_array")]
    public static void* KmallocArray(nuint count, nuint size, GfpFlags flags, CallSite* at) =>
        size != 0 && count > nuint.MaxValue / size ? null : Alloc(unchecked(count * size), flags, at);

    /// <summary><c>kcalloc</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kcalloc")]
    public static void* Kcalloc(nuint count, nuint size, GfpFlags flags, CallSite* at) =>
        size != 0 && count > nuint.MaxValue / size ? null : Alloc(unchecked(count * size), flags | GfpFlags.Zero, at);

    /// <summary><c>krealloc</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_krealloc")]
    public static void* Krealloc(void* item, nuint size, GfpFlags flags, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            return machine.Objects.Krealloc(call.Cpu, item, size, Gfp.Checked(flags), call.Site.Shown.File ?? "", call.Site.Shown.Line);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>kmemdup</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmemdup")]
    public static void* Kmemdup(void* source, nuint size, GfpFlags flags, CallSite* at)
    {
        var copy = source == null ? null : Alloc(size, flags, at);
        if (copy != null && copy != ObjectAllocator.ZeroSizePointer)
            NativeMemory.Copy(source, copy, size);
        return copy;
    }

    /// <summary><c>kfree</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kfree")]
    public static void Kfree(void* item, CallSite* at) => Free(item, at);

    /// <summary><c>kfree_sensitive</c>: zeroes it first.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kfree_sensitive")]
    public static void KfreeSensitive(void* item, CallSite* at)
    {
        try
        {
            if ((nuint)item > (nuint)ObjectAllocator.ZeroSizePointer)
                NativeMemory.Clear(item, NativeMachine.Current.Objects.Ksize(item));
        }
        catch (ObjectErrorException)
        {
            // The free says it.
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
        Free(item, at);
    }

    /// <summary><c>ksize</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_ksize")]
    public static nuint Ksize(void* item, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            return machine.Objects.Ksize(item);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return 0;
        }
    }

    /// <summary><c>kmem_cache_create</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_cache_create")]
    public static void* CacheCreate(byte* name, uint size, uint align, SlabFlags flags, delegate* unmanaged<void*, void> constructor, CallSite* at)
    {
        try
        {
            if (name == null || size > int.MaxValue || align > int.MaxValue)
                return null;
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            ObjectConstructor? construct = constructor == null ? null : item => constructor(item);
            var cache = machine.Objects.CreateCache(Marshal.PtrToStringUTF8((nint)name) ?? "", (int)size, (int)align, flags & ~SlabFlags.Panic, construct);
            if (cache is null)
                return null;
            var handle = machine.Caches.Add(cache);
            if (handle == null)
                cache.Destroy(call.Cpu);
            return handle;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>kmem_cache_alloc</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_cache_alloc")]
    public static void* CacheAlloc(void* handle, GfpFlags flags, CallSite* at) => CacheTake(handle, flags, at);

    /// <summary><c>kmem_cache_zalloc</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_cache_zalloc")]
    public static void* CacheZalloc(void* handle, GfpFlags flags, CallSite* at) => CacheTake(handle, flags | GfpFlags.Zero, at);

    /// <summary><c>kmem_cache_free</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_cache_free")]
    public static void CacheFree(void* handle, void* item, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (CacheOf(machine, handle, "kmem_cache_free") is { } cache && item != null)
                cache.Free(call.Cpu, item, call.Site.Shown.File ?? "", call.Site.Shown.Line);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>kmem_cache_size</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_cache_size")]
    public static uint CacheSize(void* handle, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            return (uint)(CacheOf(machine, handle, "kmem_cache_size")?.ObjectSize ?? 0);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return 0;
        }
    }

    /// <summary><c>kmem_cache_shrink</c>.</summary>
    /// <returns>0 where nothing is left of it, as the kernel: else 1.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_cache_shrink")]
    public static int CacheShrink(void* handle, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (CacheOf(machine, handle, "kmem_cache_shrink") is not { } cache)
                return Caught.Einval;
            cache.Shrink(call.Cpu);
            return cache.Count().ActiveObjects == 0 ? 0 : 1;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    /// <summary><c>kmem_cache_destroy</c>. Objects that live are reported, and the cache stays.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_cache_destroy")]
    public static void CacheDestroy(void* handle, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (handle == null || CacheOf(machine, handle, "kmem_cache_destroy") is not { } cache)
                return;
            var name = cache.Name;
            var before = ThreadState.Current.Pending.Count;
            var result = cache.Destroy(call.Cpu);
            if (result.IsDestroyed)
                machine.Caches.Remove(handle);
            else if (ThreadState.Current.Pending.Count == before)
                NativeMachine.Warn(ReportKind.Object, $"kmem_cache_destroy {name}: Slab cache still has objects ({result.LiveCount} of them)");
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary>Lets an allocation of objects fail (<c>failslab</c>).</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_fail_nth")]
    public static int FailNth(ulong nth, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            if (nth > long.MaxValue || !machine.CanFail)
                return Caught.Einval;
            var slab = machine.Checks.FailSlab;
            (slab.Injector.FailNth, slab.IgnoreGfpWait) = ((long)nth, false);
            return 0;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    private static void* Alloc(nuint size, GfpFlags flags, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            return machine.Objects.Kmalloc(call.Cpu, size, Gfp.Checked(flags), call.Site.Shown.File ?? "", call.Site.Shown.Line);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    private static void Free(void* item, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            machine.Objects.Kfree(call.Cpu, item, call.Site.Shown.File ?? "", call.Site.Shown.Line);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    private static void* CacheTake(void* handle, GfpFlags flags, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            return CacheOf(machine, handle, "kmem_cache_alloc") is { } cache
                ? cache.Alloc(call.Cpu, Gfp.Checked(flags), call.Site.Shown.File ?? "", call.Site.Shown.Line)
                : null;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    private static KmemCache? CacheOf(NativeMachine machine, void* handle, string what)
    {
        if (machine.Caches.Find(handle) is { } cache)
            return cache;
        NativeMachine.Warn(ReportKind.Object, $"{what} of {(nuint)handle:x16}: no cache is there. It was never created, or destroyed already.", (nuint)handle);
        return null;
    }
}
