using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;

namespace KmemKit.Runtime.Memory;

/// <summary>The physical address space of a board on the host: RAM, devices, and holes that answer nobody.</summary>
/// <remarks>
/// <para>RAM is host memory that costs nothing until it is touched (see <see cref="RamPlan"/> for what is RAM). Every access by address is checked.</para>
/// <para>The largest contiguous piece of RAM is the <em>main window</em>. An access in it is one subtraction, one comparison and one load:</para>
/// <code>
///   offset = address - start of the main window          wraps to a huge number below it
///   offset &lt; size - 7  ?  load at host + offset  :  the other pieces, then the devices, else a BusFaultException
/// </code>
/// <para>Seven bytes are given up at the window's end so that one bound serves accesses of 1 to 8 bytes; those take the second way, which looks at their
/// real size. All accesses may be unaligned. Values are little-endian, as on the boards, and so the host must be.</para>
/// <para>Threads may read and write at once, as on hardware; <see cref="Dispose"/> may not run beside an access.</para>
/// </remarks>
public sealed unsafe partial class PhysicalMemory : IDisposable
{
    // What every access reads comes first and fits into a cache line.
    private readonly byte* _mainHost;
    private readonly ulong _mainStart;
    private ulong _mainGuard;

    private readonly Piece[] _pieces;
    private readonly HostMapping[] _mappings;
    private readonly ImmutableArray<PhysicalHole> _holes;
    private bool _disposed;

    // Invariant: sorted, apart from each other, and of 1 to 2^64-1 bytes.
    private readonly record struct Piece(ulong Start, ulong Size, nuint Host);

    private PhysicalMemory(ImmutableArray<PhysRange> ram, ImmutableArray<PhysicalHole> holes, ResourceTree iomem, bool isShared = false)
    {
        IsShared = isShared;
        if (!BitConverter.IsLittleEndian)
            throw new PlatformNotSupportedException("Simulated RAM is little-endian and read as the host reads: this host is big-endian.");
        Ram = ram;
        Iomem = iomem;
        _holes = holes;
        _pieces = new Piece[ram.Length];
        _mappings = new HostMapping[ram.Length];
        var done = 0;
        try
        {
            for (; done < ram.Length; done++)
            {
                var range = ram[done];
                if (range.Size.IsTop)
                    throw new PhysicalMemoryException("RAM of 2^64 bytes cannot be simulated.");
                // The same place in a host page as on the board, so that a page of the board can be mapped again.
                var skew = isShared ? range.Start.Value & ((ulong)Environment.SystemPageSize - 1) : 0;
                _mappings[done] = new HostMapping(checked(range.Size.Value + skew), isShared);
                _pieces[done] = new Piece(range.Start.Value, range.Size.Value, (nuint)_mappings[done].Base + (nuint)skew);
                TotalBytes += range.Size.Value;
            }
        }
        catch
        {
            for (var i = 0; i < done; i++)
                _mappings[i].Dispose();
            throw;
        }
        var main = default(Piece);
        foreach (var piece in _pieces)
            main = piece.Size > main.Size ? piece : main;
        _mainHost = (byte*)main.Host;
        _mainStart = main.Start;
        _mainGuard = main.Size > 7 ? main.Size - 7 : 0;
    }

    /// <summary>The memory of <paramref name="layout"/>'s board, with <see cref="Iomem"/> filled in (<see cref="IomemMap"/>).</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="isShared">Whether views of RAM can be made (<see cref="CreateView"/>); on a Linux host alone.</param>
    /// <exception cref="PhysicalMemoryException">The host has no address space left for it, or cannot share RAM.</exception>
    public static PhysicalMemory Create(MemoryLayout layout, bool isShared = false)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var (iomem, refused) = IomemMap.FromLayout(layout);
        return new PhysicalMemory(RamPlan.Plan(layout), layout.Holes, iomem, isShared) { RefusedDevices = refused };
    }

    /// <summary>RAM at the given places and nothing else: for tests and tools that have no board.</summary>
    /// <param name="ram">Physical addresses, in any order; ranges that touch or overlap become one.</param>
    /// <exception cref="PhysicalMemoryException">The host has no address space left for it.</exception>
    public static PhysicalMemory Create(IEnumerable<PhysRange> ram)
    {
        ArgumentNullException.ThrowIfNull(ram);
        var merged = RamPlan.Merge([.. ram]);
        var iomem = new ResourceTree();
        foreach (var range in merged)
            iomem.Request(range, IomemMap.SystemRam, busy: true);
        return new PhysicalMemory(merged, [], iomem);
    }

    /// <summary>Where RAM is, by rising address; ranges that touch are one.</summary>
    public ImmutableArray<PhysRange> Ram { get; }

    /// <summary>RAM in bytes.</summary>
    public ulong TotalBytes { get; }

    /// <summary>Who has which physical addresses: what <c>/proc/iomem</c> shows.</summary>
    public ResourceTree Iomem { get; }

    /// <summary>Devices of the board that are not in <see cref="Iomem"/>, because another resource has their addresses.</summary>
    public ImmutableArray<ResourceException> RefusedDevices { get; private init; } = [];

    /// <summary>Claims addresses for a driver and puts a device there (request_mem_region, kernel/resource.c).</summary>
    /// <param name="range">Physical addresses; not empty.</param>
    /// <param name="name">The claimant, as <c>/proc/iomem</c> shows it.</param>
    /// <param name="device">What answers there; null claims the addresses and leaves them a hole.</param>
    /// <exception cref="ResourceException">EBUSY: RAM or another driver's region is in the way.</exception>
    public Resource RequestMemRegion(PhysRange range, string name, IBusDevice? device)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Iomem.RequestRegion(range, name, device);
    }

    /// <summary>Gives a claimed region back (release_mem_region); its device answers no longer.</summary>
    /// <exception cref="ResourceException">ENOENT: no claimed region has exactly these addresses.</exception>
    public void ReleaseMemRegion(PhysRange range) => Iomem.ReleaseRegion(range);

    /// <summary>The host address of a byte of RAM; null where there is none.</summary>
    /// <remarks>It stays good until <see cref="Dispose"/>, as long as something refers to this object.</remarks>
    public byte* PointerTo(PhysAddr address)
    {
        var offset = unchecked(address.Value - _mainStart);
        return offset < _mainGuard ? _mainHost + offset : PointerElsewhere(address, 1);
    }

    /// <summary>The host address of <paramref name="length"/> bytes of RAM in a row; null where not all of them are RAM.</summary>
    public byte* PointerTo(PhysAddr address, ulong length) => PointerElsewhere(address, length);

    /// <summary>Whether views of RAM can be made.</summary>
    public bool IsShared { get; }

    /// <summary>The physical address of a host address of RAM: what <see cref="PointerTo(PhysAddr)"/> came from. Views are not looked at.</summary>
    /// <returns>False where it is no RAM.</returns>
    public bool TryToPhys(void* host, out PhysAddr address)
    {
        foreach (ref readonly var piece in _pieces.AsSpan())
        {
            var offset = unchecked((nuint)host - piece.Host);
            if (offset >= piece.Size)
                continue;
            address = new PhysAddr(piece.Start + offset);
            return true;
        }
        address = default;
        return false;
    }

    /// <summary>Pages that lie anywhere in RAM, in a row for host code: what a kernel's own mapping gives its code.</summary>
    /// <param name="pages">Pieces of RAM, whole host pages, in the order wanted.</param>
    /// <param name="guardBytes">Host addresses in front of and behind them that fault; whole host pages.</param>
    /// <exception cref="InvalidOperationException">RAM is not shared (<see cref="IsShared"/>).</exception>
    /// <exception cref="ArgumentException">A piece is not whole host pages of RAM.</exception>
    /// <exception cref="PhysicalMemoryException">The host has no address space left.</exception>
    public HostView CreateView(IReadOnlyList<PhysRange> pages, ulong guardBytes)
    {
        ArgumentNullException.ThrowIfNull(pages);
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (!IsShared)
            throw new InvalidOperationException("Views need RAM that was created shared.");
        var mask = (ulong)Environment.SystemPageSize - 1;
        var parts = new HostView.Part[pages.Count];
        for (var i = 0; i < parts.Length; i++)
        {
            var host = (nuint)PointerElsewhere(pages[i].Start, pages[i].Size.Value);
            var at = Array.FindIndex(_pieces, piece => host != 0 && unchecked(host - piece.Host) < piece.Size);
            if (at < 0 || ((pages[i].Start.Value | pages[i].Size.Value) & mask) != 0)
                throw new ArgumentException($"{pages[i]} is not whole host pages of RAM.", nameof(pages));
            parts[i] = new HostView.Part(_mappings[at].File, (nint)(host - (nuint)_mappings[at].Base), (nuint)pages[i].Size.Value);
        }
        return new HostView(parts, (nuint)guardBytes);
    }

    /// <summary>Whether all bytes are RAM in one piece.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool HasRam(PhysAddr address, ulong length)
    {
        var offset = unchecked(address.Value - _mainStart);
        return (offset < _mainGuard && length <= _mainGuard - offset) || PointerElsewhere(address, length) is not null;
    }

    /// <summary>The largest piece of RAM: its host address, its first physical address, and bytes that are good until <see cref="Disposing"/>.</summary>
    internal MainWindowPlace MainWindow => new(_mainHost, _mainStart, _mainGuard);

    /// <summary>Where the largest piece of RAM is.</summary>
    internal readonly struct MainWindowPlace(byte* host, ulong start, ulong size)
    {
        public void Deconstruct(out byte* atHost, out ulong atStart, out ulong bytes)
        {
            atHost = host;
            atStart = start;
            bytes = size;
        }
    }

    /// <summary>The memory goes: whoever keeps host addresses forgets them.</summary>
    internal event Action? Disposing;

    /// <summary>Gives the host memory back. Accesses afterwards throw <see cref="ObjectDisposedException"/>.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Disposing?.Invoke();
        // The windows shut, so that the ways to RAM need no check of their own.
        _mainGuard = 0;
        Array.Clear(_pieces);
        foreach (var mapping in _mappings)
            mapping.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* PointerElsewhere(PhysAddr address, ulong length)
    {
        var pointer = Find(address, length);
        if (pointer is null)
            ObjectDisposedException.ThrowIf(_disposed, this);
        return pointer;
    }

    // The last piece that does not start above the address, found by halves: one step for two pieces, seven for 128.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Find(PhysAddr address, ulong length)
    {
        var pieces = _pieces;
        if (pieces.Length == 0)
            return null;
        var at = 0;
        for (var count = pieces.Length; count > 1;)
        {
            var half = count >> 1;
            if (pieces[at + half].Start <= address.Value)
                at += half;
            count -= half;
        }
        ref readonly var piece = ref pieces[at];
        var offset = unchecked(address.Value - piece.Start);
        return offset < piece.Size && length <= piece.Size - offset ? (byte*)piece.Host + offset : null;
    }
}
