using System;
using System.Globalization;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Benchmarks.Native;
using KmemKit.Benchmarks.PageAllocation;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Benchmarks.PageTables;

/// <summary>Run-time tables, walks and the CPU port in turns with the same loops in C (Native/tables.c, gcc -O2).</summary>
/// <remarks>1 GiB in pages of 4 KiB, 39-bit addresses, three levels. A turn of the C side starts with a fresh pool, one of ours with what the turn before gave back.</remarks>
internal static unsafe class PairedTables
{
    private const ulong Page = 4096;
    private const ulong Size = 1UL << 30;
    private const int Pages = (int)(Size / Page);
    private const int Accesses = 16384;
    private const ulong Virt = 4UL << 30;

    /// <param name="part"><c>changes</c>, <c>growth</c> or <c>walks</c>; null for all.</param>
    public static void Run(string? part)
    {
        using var peer = NativePeer.Compile("tables.c", "-O2");
        using var board = new BenchmarkMachine(2048, 2);
        var format = new Vmsav8Format<Granule4K>(39);
        var domain = new TlbDomain();
        var cpu = board.Allocator.Cpus[0];
        var tables = Runtime.Mmu.PageTables.Create(cpu, board.Memory, format, domain)!;
        var prot = tables.Prot(new PageAttributes(AccessRights.ReadWrite, AccessRights.None, format.TypeFor(MemoryUse.Cached), Shareability.Inner), largestLeaf: Page);
        var port = new MmuCpu<Vmsav8Format<Granule4K>>(board.Memory, new TlbModel(TlbProfile.CortexA72, domain));
        port.SetTables(format, tables.Root, 1);
        var pool = (byte*)NativeMemory.AlignedAlloc(16 << 20, 4096);
        NativeMemory.Clear(pool, 16 << 20);
        if (part is null or "changes")
            Tables(peer, pool, cpu, tables, prot);
        if (part is null or "growth")
            Growth(cpu, tables, prot);
        if (part is null or "walks")
            Walks(peer, pool, board.Memory, cpu, tables, prot, port);
        NativeMemory.AlignedFree(pool);
    }

    private static void Tables(NativePeer peer, byte* pool, Runtime.Buddy.Cpu cpu, PageTables<Vmsav8Format<Granule4K>> tables, PageProt prot)
    {
        var reset = (delegate* unmanaged<byte*, void>)peer["reset"];
        var mapEach = (delegate* unmanaged<ulong, ulong, nuint, void>)peer["map_each"];
        var mapRange = (delegate* unmanaged<ulong, ulong, nuint, void>)peer["map_range"];
        var unmapRange = (delegate* unmanaged<ulong, nuint, void>)peer["unmap_range"];
        Console.WriteLine("1 GiB in pages of 4 KiB, ns a page, and over gcc -O2");
        reset(pool);
        mapRange(Virt, 0, Pages);
        var phys = PhysAddr.Zero;
        new Turns()
            .Add("gcc, a page a call", Pages, () => { mapEach(Virt, 0, Pages); return false; }, () => reset(pool))
            .Add("Map, a page a call", Pages, () => { MapEach(cpu, tables, prot); return false; }, () => Empty(cpu, tables))
            .Run(40);
        new Turns()
            .Add("gcc, in one call", Pages, () => { mapRange(Virt, 0, Pages); return false; }, () => reset(pool))
            .Add("Map, in one call", Pages, () => { tables.Map(cpu, new VirtAddr(Virt), phys, Size, prot); return false; }, () => Empty(cpu, tables))
            .Run(200);
        new Turns()
            .Add("gcc, memset", Pages, () => { unmapRange(Virt, Pages); return false; }, () => mapRange(Virt, 0, Pages))
            .Add("Unmap, in one call", Pages, () => { tables.Unmap(cpu, new VirtAddr(Virt), Size); return false; }, () => Full(cpu, tables, prot))
            .Run(200);
    }

    // What a page costs by the length of the range, and by what is mapped already.
    private static void Growth(Runtime.Buddy.Cpu cpu, PageTables<Vmsav8Format<Granule4K>> tables, PageProt prot)
    {
        Console.WriteLine("ns a page by the length of the range, over one page");
        var turns = new Turns();
        foreach (var pages in new[] { 1, 8, 64, 512, 4096, 32768 })
        {
            var size = (ulong)pages * Page;
            var repeats = Math.Max(1, 4096 / pages);
            turns.Add(
                string.Create(CultureInfo.InvariantCulture, $"Map of {pages} pages"), pages * repeats,
                () =>
                {
                    for (var i = 0; i < repeats; i++)
                        tables.Map(cpu, new VirtAddr(Virt + ((ulong)i * size)), PhysAddr.Zero, size, prot);
                    return false;
                },
                () => Empty(cpu, tables));
        }
        turns.Run(200);
        foreach (var gibibytes in new[] { 0, 16, 64 })
        {
            for (var i = 0; i < gibibytes; i++)
                tables.Map(cpu, new VirtAddr((128UL + (ulong)i) << 30), PhysAddr.Zero, Size / 8, prot);
            new Turns()
                .Add(
                    string.Create(CultureInfo.InvariantCulture, $"Map of 4096 pages, {gibibytes / 8} GiB mapped"), 4096,
                    () => { tables.Map(cpu, new VirtAddr(Virt), PhysAddr.Zero, 4096 * Page, prot); return false; },
                    () => Empty(cpu, tables))
                .Run(200);
            for (var i = 0; i < gibibytes; i++)
                tables.Unmap(cpu, new VirtAddr((128UL + (ulong)i) << 30), Size / 8);
        }
    }

    private static void Walks(
        NativePeer peer, byte* pool, PhysicalMemory memory, Runtime.Buddy.Cpu cpu, PageTables<Vmsav8Format<Granule4K>> tables, PageProt prot,
        MmuCpu<Vmsav8Format<Granule4K>> port)
    {
        var reset = (delegate* unmanaged<byte*, void>)peer["reset"];
        var mapRange = (delegate* unmanaged<ulong, ulong, nuint, void>)peer["map_range"];
        var walk = (delegate* unmanaged<ulong*, nuint, ulong>)peer["walk"];
        var fill = (delegate* unmanaged<ulong, ulong, ulong>)peer["tlb_fill"];
        var hit = (delegate* unmanaged<ulong*, nuint, ulong>)peer["tlb_hit"];
        var load = (delegate* unmanaged<ulong*, nuint, ulong>)peer["tlb_load"];
        reset(pool);
        mapRange(Virt, 0, Pages);
        Empty(cpu, tables);
        // All of it onto the same 2 MiB of RAM, so that what is behind the translation stays in the cache; the board's RAM starts at 4 GiB.
        for (var at = 0UL; at < Size; at += 2UL << 20)
            tables.Map(cpu, new VirtAddr(Virt + at), new PhysAddr((4UL << 30) + (512UL << 20)), 2UL << 20, prot);
        var random = new Random(1);
        var far = (ulong*)NativeMemory.AlignedAlloc(Accesses * 8, 64);
        var near = (ulong*)NativeMemory.AlignedAlloc(Accesses * 8, 64);
        for (var i = 0; i < Accesses; i++)
        {
            far[i] = Virt + (ulong)random.NextInt64((long)Size / 8) * 8;
            near[i] = Virt + (ulong)random.Next(128 * 4096 / 8) * 8;
        }
        // A word each of 1024 pages, 16 times what a small TLB holds: descriptors and data stay in the host's second-level cache.
        var words = new ulong[1024];
        for (var i = 0; i < words.Length; i++)
            words[i] = far[i];
        var cached = (ulong*)NativeMemory.AlignedAlloc(Accesses * 8, 64);
        for (var i = 0; i < Accesses; i++)
            cached[i] = words[random.Next(words.Length)];
        var small = new MmuCpu<Vmsav8Format<Granule4K>>(memory, new TlbModel(TlbProfile.PentiumPro, tables.Domain));
        small.SetTables(tables.Format, tables.Root, 1);
        var portReset = (delegate* unmanaged<void>)peer["port_reset"];
        var portLoad = (delegate* unmanaged<ulong*, nuint, ulong>)peer["port_load"];
        var portMisses = (delegate* unmanaged<ulong>)peer["port_misses"];
        var target = (byte*)NativeMemory.AlignedAlloc(128 * 4096, 4096);
        NativeMemory.Clear(target, 128 * 4096);
        for (var i = 0UL; i < 128; i++)
            fill(Virt + (i * Page), unchecked((ulong)target - Virt));
        Console.WriteLine("random addresses, ns an access, and over gcc -O2");
        new Turns()
            .Add("gcc, walk in 1 GiB", Accesses, () => Sink = walk(far, Accesses))
            .Add("TryTranslate, walk in 1 GiB", Accesses, () => WalkAll(tables, far))
            .Run(2000);
        new Turns()
            .Add("gcc, direct-mapped hit", Accesses, () => Sink = hit(near, Accesses))
            .Add("port, TLB hit, translate", Accesses, () => TranslateAll(port, near))
            .Run(4000);
        new Turns()
            .Add("gcc, hit and load", Accesses, () => Sink = load(near, Accesses))
            .Add("port, TLB hit, load", Accesses, () => LoadAll(port, near))
            .Run(4000);
        new Turns()
            .Add("gcc, walk in 1 GiB", Accesses, () => Sink = walk(far, Accesses))
            .Add("port, TLB miss, walk, load", Accesses, () => LoadAll(port, far))
            .Run(500);
        new Turns()
            .Add("gcc, walk to 1024 pages", Accesses, () => Sink = walk(cached, Accesses))
            .Add("port, TLB miss, all cached", Accesses, () => LoadAll(small, cached))
            .Run(500);
        // The same onto the same memory as ours, behind the tables: of the C side's pool, 2 MiB.
        reset(pool);
        for (var at = 0UL; at < Size; at += 2UL << 20)
            mapRange(Virt + at, 8UL << 20, 512);
        portReset();
        var missedBefore = (Peer: portMisses(), Own: small.Tlb.Statistics.Misses);
        new Turns()
            .Add("gcc, TLB miss, all cached", Accesses, () => Sink = portLoad(cached, Accesses))
            .Add("port, TLB miss, all cached", Accesses, () => LoadAll(small, cached))
            .Run(500);
        var missed = (Peer: portMisses() - missedBefore.Peer, Own: small.Tlb.Statistics.Misses - missedBefore.Own);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"misses in these turns: gcc {missed.Peer}, port {missed.Own}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"TLB: {port.Tlb.Statistics}"));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"small TLB: {small.Tlb.Statistics}"));
        NativeMemory.AlignedFree(far);
        NativeMemory.AlignedFree(near);
        NativeMemory.AlignedFree(cached);
        NativeMemory.AlignedFree(target);
    }

    private static ulong Sink { get; set; }

    private static void MapEach(Runtime.Buddy.Cpu cpu, PageTables<Vmsav8Format<Granule4K>> tables, PageProt prot)
    {
        for (var i = 0UL; i < Pages; i++)
            tables.Map(cpu, new VirtAddr(Virt + (i * Page)), new PhysAddr(i * Page), Page, prot);
    }

    private static void WalkAll(PageTables<Vmsav8Format<Granule4K>> tables, ulong* addresses)
    {
        var sum = 0UL;
        for (var i = 0; i < Accesses; i++)
        {
            tables.TryTranslate(new VirtAddr(addresses[i]), out var output);
            sum += output.Value;
        }
        Sink = sum;
    }

    private static void TranslateAll(MmuCpu<Vmsav8Format<Granule4K>> port, ulong* addresses)
    {
        var sum = 0UL;
        for (var i = 0; i < Accesses; i++)
            sum += port.Translate(new VirtAddr(addresses[i]), AccessRights.Read, Privilege.Privileged).Value;
        Sink = sum;
    }

    private static void LoadAll(MmuCpu<Vmsav8Format<Granule4K>> port, ulong* addresses)
    {
        var sum = 0UL;
        for (var i = 0; i < Accesses; i++)
            sum += port.Load<ulong>(new VirtAddr(addresses[i]), Privilege.Privileged);
        Sink = sum;
    }

    private static void Empty(Runtime.Buddy.Cpu cpu, PageTables<Vmsav8Format<Granule4K>> tables)
    {
        for (var at = 0UL; at < Size; at += 128UL << 20)
        {
            // Whatever part of it a turn has mapped.
            for (var size = 128UL << 20; size >= Page && !tables.Unmap(cpu, new VirtAddr(Virt + at), size).IsOk; size /= 2)
            {
            }
        }
        tables.ReclaimTables(cpu, new VirtRange(new VirtAddr(Virt), Size));
    }

    private static void Full(Runtime.Buddy.Cpu cpu, PageTables<Vmsav8Format<Granule4K>> tables, PageProt prot) =>
        tables.Map(cpu, new VirtAddr(Virt), PhysAddr.Zero, Size, prot);
}
