using System;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>Makes trees of translation tables.</summary>
public static unsafe class PageTables
{
    /// <summary>An empty tree, its root taken from the page allocator.</summary>
    /// <typeparam name="TFormat">The format.</typeparam>
    /// <param name="cpu">Who asks for the root.</param>
    /// <param name="memory">The RAM that the tables are in.</param>
    /// <param name="format">The format with its parameters.</param>
    /// <param name="domain">The TLBs that have to hear of changes.</param>
    /// <param name="flags">How pages for tables are asked for; null for GFP_KERNEL. Not from highmem.</param>
    /// <param name="shared">Whether all address spaces share it, as the kernel's.</param>
    /// <returns>Null where there is no memory.</returns>
    /// <exception cref="ArgumentException">Tables would come from highmem, or the format's tables below the root differ in size.</exception>
    public static PageTables<TFormat>? Create<TFormat>(
        Cpu cpu, PhysicalMemory memory, TFormat format, TlbDomain domain, GfpFlags? flags = null, bool shared = true)
        where TFormat : struct, ITranslationFormat
    {
        var tables = AllocatorFor(cpu, memory, format, domain, flags);
        var size = (ulong)Math.Max(format.TableBytes(format.RootLevel), format.RootAlignment);
        var order = tables.OrderOf(size);
        var host = tables.TryTakeBlock(cpu, order, out var root);
        if (host is null)
            return null;
        var map = cpu.Allocator.Map;
        Unsafe.InitBlock(host, 0, (uint)(map.Pages.PageSize << order));
        return new PageTables<TFormat>(format, map, memory, domain, tables, root, order) { IsShared = shared };
    }

    /// <summary>A tree that is in RAM already: a table image that was loaded, which the kernel goes on with.</summary>
    /// <typeparam name="TFormat">The format.</typeparam>
    /// <param name="cpu">Where further tables come from.</param>
    /// <param name="memory">The RAM that the tables are in.</param>
    /// <param name="format">The format with its parameters.</param>
    /// <param name="domain">The TLBs that have to hear of changes.</param>
    /// <param name="root">The root.</param>
    /// <param name="image">Where the image is: its tables are used again once they are empty, and never the page allocator's.</param>
    /// <param name="tables">Tables of the tree below the root.</param>
    /// <param name="flags">How pages for tables are asked for; null for GFP_KERNEL.</param>
    /// <exception cref="ArgumentException">Tables would come from highmem, or the format's tables below the root differ in size.</exception>
    public static PageTables<TFormat> Adopt<TFormat>(
        Cpu cpu, PhysicalMemory memory, TFormat format, TlbDomain domain, PhysAddr root, PhysRange image, long tables, GfpFlags? flags = null)
        where TFormat : struct, ITranslationFormat
    {
        var allocator = AllocatorFor(cpu, memory, format, domain, flags);
        allocator.Adopt(image, tables);
        return new PageTables<TFormat>(format, cpu.Allocator.Map, memory, domain, allocator, root.Value, PageTables<TFormat>.NotOfTheAllocator);
    }

    private static TableAllocator AllocatorFor<TFormat>(Cpu cpu, PhysicalMemory memory, TFormat format, TlbDomain domain, GfpFlags? flags)
        where TFormat : struct, ITranslationFormat
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(domain);
        var gfp = flags ?? GfpFlags.Kernel;
        if ((gfp & GfpFlags.HighMem) != 0)
            throw new ArgumentException("Tables are reached through the linear map: they cannot come from highmem.", nameof(flags));
        var bytes = (ulong)format.TableBytes(format.LastLevel);
        for (var level = format.RootLevel; level != format.LastLevel; level = format.NextLevel(level))
        {
            if (level != format.RootLevel && (ulong)format.TableBytes(level) != bytes)
                throw new ArgumentException($"{format.Name}: tables of level {level} and of the last level differ in size.", nameof(format));
        }
        return new TableAllocator(cpu.Allocator.Map, memory, bytes, gfp);
    }
}
