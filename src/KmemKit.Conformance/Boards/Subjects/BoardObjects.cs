using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Conformance.Allocators;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Conformance.Boards.Subjects;

/// <summary>A booted board's <c>kmalloc</c>: addresses are those of the linear map, and free pages are few, so that it can run out.</summary>
internal sealed unsafe class BoardObjects : IAllocatorSubject
{
    private const GfpFlags Flags = GfpFlags.MemAlloc | GfpFlags.NoWarn;

    private readonly BootedMemory _memory;
    private readonly Cpu _cpu;
    private readonly HashSet<ulong>? _taken;

    /// <summary>Uses a booted board.</summary>
    /// <param name="memory">The board, booted with <see cref="BootFor"/>.</param>
    /// <param name="isShared">Whether it stays the caller's: what was taken goes back at the end, and nothing is promised about the order of its answers.</param>
    public BoardObjects(BootedMemory memory, bool isShared)
    {
        _memory = memory;
        _taken = isShared ? [] : null;
        var layout = memory.Layout;
        _cpu = _memory.Allocator.Cpus[0];
        var largest = (ulong)Math.Min(_memory.Objects.KmallocMaxSize, 8192);
        // A quick run leaves out the smallest sizes, of which there are thousands in a page.
        Promises = AllocatorPromises.Objects(alignment: layout.Board.Architecture is BoardCompiler.Policies.TargetArchitecture.Arm64 or BoardCompiler.Policies.TargetArchitecture.X64 or BoardCompiler.Policies.TargetArchitecture.RiscV64 ? 8UL : 4, largest) with { Smallest = isShared ? 64UL : 8, Zeroes = true, IsDeterministic = !isShared };
        Arena = [.. layout.Linear.Segments.Select(s => new AddressSpan(s.Virt.Value, s.Size))];
    }

    /// <summary>Boots for an object allocator's rules, with few free pages in lowmem: at least so many, and less than twice as many.</summary>
    public static BootedMemory BootFor(MemoryLayout layout, int freePages)
    {
        var memory = BootedMemory.Boot(layout, new MemoryBootOptions { Pages = new PageAllocatorOptions { Cpus = 1 } });
        var cpu = memory.Allocator.Cpus[0];
        var blocks = new Stack<(Page Block, int Order)>();
        for (var order = memory.Map.MaxOrder; order >= 0; order--)
        {
            for (Page block; (block = cpu.AllocPages(Flags, order)) != Page.Null;)
                blocks.Push((block, order));
        }
        // The smallest first, and of the last one the half is taken again that is not needed.
        var pages = 0;
        for (; pages < freePages && blocks.TryPop(out var free); pages += 1 << free.Order)
            cpu.FreePages(free.Block, free.Order);
        for (var order = memory.Map.MaxOrder; order >= 0; order--)
        {
            while (pages - (1 << order) >= freePages && cpu.AllocPages(Flags, order) != Page.Null)
                pages -= 1 << order;
        }
        return memory;
    }

    public AllocatorPromises Promises { get; }

    public IReadOnlyList<AddressSpan> Arena { get; }

    public ulong FreeBytes => 0;

    public ulong? Allocate(ulong bytes, bool zeroed)
    {
        if (bytes > Promises.Largest)
            return null;
        var flags = Flags | (zeroed ? GfpFlags.Zero : GfpFlags.None);
        var item = _memory.Objects.Kmalloc(_cpu, (nuint)bytes, flags);
        if (item is null)
        {
            // Slabs that no object needs go back, as they do when the kernel is short of memory.
            _memory.Objects.ShrinkAll(_cpu);
            _memory.Allocator.DrainAllPages();
            item = _memory.Objects.Kmalloc(_cpu, (nuint)bytes, flags);
        }
        if (item is null)
            return null;
        var address = _memory.Objects.AddressOf(item)!.Value.Value;
        _taken?.Add(address);
        return address;
    }

    public bool Free(ulong address, ulong bytes)
    {
        _memory.Objects.Kfree(_cpu, _memory.Objects.PointerTo(new VirtAddr(address)));
        _taken?.Remove(address);
        return true;
    }

    public void Write(ulong address, ReadOnlySpan<byte> source) => source.CopyTo(new Span<byte>(_memory.Objects.PointerTo(new VirtAddr(address)), source.Length));

    public void Read(ulong address, Span<byte> destination) => new ReadOnlySpan<byte>(_memory.Objects.PointerTo(new VirtAddr(address)), destination.Length).CopyTo(destination);

    public void Dispose()
    {
        if (_taken is null)
        {
            _memory.Dispose();
            return;
        }
        foreach (var address in _taken)
            _memory.Objects.Kfree(_cpu, _memory.Objects.PointerTo(new VirtAddr(address)));
        _memory.Objects.ShrinkAll(_cpu);
        _memory.Allocator.DrainAllPages();
    }
}
