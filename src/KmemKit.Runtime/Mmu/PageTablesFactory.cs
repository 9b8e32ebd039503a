using System;
using System.Runtime.CompilerServices;
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
    /// <returns>Null where there is no memory.</returns>
    /// <exception cref="ArgumentException">Tables would come from highmem, or the format's tables below the root differ in size.</exception>
    public static PageTables<TFormat>? Create<TFormat>(Cpu cpu, PhysicalMemory memory, TFormat format, TlbDomain domain, GfpFlags? flags = null)
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
        var map = cpu.Allocator.Map;
        var tables = new TableAllocator(map, memory, bytes, gfp);
        var size = (ulong)Math.Max(format.TableBytes(format.RootLevel), format.RootAlignment);
        var order = tables.OrderOf(size);
        var host = tables.TryTakeBlock(cpu, order, out var root);
        if (host is null)
            return null;
        Unsafe.InitBlock(host, 0, (uint)(map.Pages.PageSize << order));
        return new PageTables<TFormat>(format, map, memory, domain, tables, root, order);
    }
}
