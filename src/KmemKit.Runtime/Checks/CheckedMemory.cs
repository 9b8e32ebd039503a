using System;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Kasan;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;

namespace KmemKit.Runtime.Checks;

/// <summary>Checked access to simulated RAM on behalf of a CPU: what compiled-in checks do for C, a harness gets by reading and writing through this.</summary>
/// <remarks>
/// <para>An access looks at one shadow byte, or two where it crosses a granule, and goes on where both are 0. Everything else is the slow path: the part of a
/// granule, the KFENCE pool, and what is forbidden. That is reported, and then done all the same, as the kernel does; where no RAM is, nothing is
/// done and 0 is read.</para>
/// <para>A value that contains <see cref="SlabPoison.InUse"/> may be what a fresh object holds. Stores mark such bytes as written, so that a load of them is
/// known to be of written ones. Code under check has to write through this, then, or its own 0x5a bytes look unwritten.</para>
/// <para>As many threads as CPUs may use their ports at once.</para>
/// </remarks>
public sealed unsafe class CheckedMemory
{
    private readonly byte* _base;
    private readonly nuint _guard;
    private readonly byte* _shadow;
    private readonly bool _findsUninitialized;
    private readonly MemoryChecks _checks;
    private readonly Cpu _cpu;

    internal CheckedMemory(MemoryChecks checks, ShadowMemory shadow, bool findsUninitialized, Cpu cpu)
    {
        _checks = checks;
        _cpu = cpu;
        _base = shadow.MainBase;
        // An access of up to 8 bytes that starts below this ends inside.
        _guard = shadow.MainBytes > 7 ? shadow.MainBytes - 7 : 0;
        _shadow = shadow.MainShadow;
        _findsUninitialized = findsUninitialized;
    }

    /// <summary>Reads a value from any alignment.</summary>
    /// <typeparam name="T">Up to 8 bytes: an integer, a floating-point number, a small struct; larger ones are checked byte by byte.</typeparam>
    /// <param name="address">Host address of simulated RAM, as allocations give it.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Load<T>(T* address, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged
    {
        if (IsPlain(address, sizeof(T)))
        {
            var value = Unsafe.ReadUnaligned<T>(address);
            if (!MayBeUnwritten(value))
                return value;
        }
        return LoadSlow(address, null, file, line);
    }

    /// <summary>Writes a value to any alignment.</summary>
    /// <typeparam name="T">As for <see cref="Load{T}(T*, string, int)"/>.</typeparam>
    /// <param name="address">Host address of simulated RAM, as allocations give it.</param>
    /// <param name="value">The value.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<T>(T* address, T value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged
    {
        if (IsPlain(address, sizeof(T)) && !MayBeUnwritten(value))
            Unsafe.WriteUnaligned(address, value);
        else
            StoreSlow(address, value, null, file, line);
    }

    /// <summary>
    /// Reads a value of an object that is known by its first byte: however far the offset leads, even into another allocated object, the access has to stay
    /// in that one.
    /// </summary>
    /// <typeparam name="T">As for <see cref="Load{T}(T*, string, int)"/>.</typeparam>
    /// <param name="item">The object, as its allocation gave it.</param>
    /// <param name="offset">In bytes; may be negative.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    public T LoadAt<T>(void* item, nint offset, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged
    {
        var address = (T*)unchecked((byte*)item + offset);
        return _checks.IsInside(item, address, sizeof(T)) ? Load(address, file, line) : LoadSlow(address, item, file, line);
    }

    /// <summary>Writes a value of an object that is known by its first byte; see <see cref="LoadAt{T}"/>.</summary>
    /// <typeparam name="T">As for <see cref="Load{T}(T*, string, int)"/>.</typeparam>
    /// <param name="item">The object, as its allocation gave it.</param>
    /// <param name="offset">In bytes; may be negative.</param>
    /// <param name="value">The value.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    public void StoreAt<T>(void* item, nint offset, T value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged
    {
        var address = (T*)unchecked((byte*)item + offset);
        if (_checks.IsInside(item, address, sizeof(T)))
            Store(address, value, file, line);
        else
            StoreSlow(address, value, item, file, line);
    }

    /// <summary>Reads a value at a board address; see <see cref="Load{T}(T*, string, int)"/>.</summary>
    /// <typeparam name="T">As there.</typeparam>
    /// <param name="address">A kernel address.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    public T Load<T>(VirtAddr address, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged => Load((T*)_checks.HostOf(address), file, line);

    /// <summary>Writes a value at a board address; see <see cref="Store{T}(T*, T, string, int)"/>.</summary>
    /// <typeparam name="T">As there.</typeparam>
    /// <param name="address">A kernel address.</param>
    /// <param name="value">The value.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    public void Store<T>(VirtAddr address, T value, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
        where T : unmanaged => Store((T*)_checks.HostOf(address), value, file, line);

    /// <summary>Copies bytes out. Bytes that nobody wrote may be copied: using them is what is wrong.</summary>
    /// <param name="address">Host address of simulated RAM.</param>
    /// <param name="destination">Where to.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    public void Read(void* address, Span<byte> destination, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (_checks.CheckRange(_cpu, address, destination.Length, isWrite: false, null, new AllocationSite(file, line)))
            new ReadOnlySpan<byte>(address, destination.Length).CopyTo(destination);
        else
            destination.Clear();
    }

    /// <summary>Copies bytes in.</summary>
    /// <param name="address">Host address of simulated RAM.</param>
    /// <param name="source">What to copy.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    public void Write(void* address, ReadOnlySpan<byte> source, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (!_checks.CheckRange(_cpu, address, source.Length, isWrite: true, null, new AllocationSite(file, line)))
            return;
        source.CopyTo(new Span<byte>(address, source.Length));
        _checks.MarkWritten((byte*)address, source);
    }

    // Both the first and the last byte's granule are all usable: for up to 8 bytes that is all of them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool IsPlain(void* address, int size)
    {
        var offset = unchecked((nuint)((byte*)address - _base));
        return size <= 8 && offset < _guard && (_shadow[offset >> 3] | _shadow[(offset + (nuint)size - 1) >> 3]) == 0;
    }

    // Whether one of the bytes is the one that fresh objects are filled with: x has a zero byte iff (x - 0x01..) & ~x & 0x80.. is not 0.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayBeUnwritten<T>(T value)
        where T : unmanaged
    {
        if (!_findsUninitialized || sizeof(T) > 8)
            return _findsUninitialized;
        const ulong ones = 0x0101010101010101;
        var wide = 0UL;
        Unsafe.WriteUnaligned(ref Unsafe.As<ulong, byte>(ref wide), value);
        var bytes = sizeof(T) == 8 ? ulong.MaxValue : (1UL << (sizeof(T) * 8)) - 1;
        var x = wide ^ (SlabPoison.InUse * ones & bytes) ^ ~bytes;
        return (unchecked(x - ones) & ~x & (ones << 7)) != 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T LoadSlow<T>(T* address, void* meant, string file, int line)
        where T : unmanaged
    {
        var site = new AllocationSite(file, line);
        if (!_checks.CheckRange(_cpu, address, sizeof(T), isWrite: false, meant, site))
            return default;
        if (_findsUninitialized)
            _checks.CheckWritten(_cpu, (byte*)address, sizeof(T), site);
        return Unsafe.ReadUnaligned<T>(address);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void StoreSlow<T>(T* address, T value, void* meant, string file, int line)
        where T : unmanaged
    {
        if (!_checks.CheckRange(_cpu, address, sizeof(T), isWrite: true, meant, new AllocationSite(file, line)))
            return;
        Unsafe.WriteUnaligned(address, value);
        _checks.MarkWritten((byte*)address, new ReadOnlySpan<byte>(&value, sizeof(T)));
    }
}
