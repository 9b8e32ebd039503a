using System;
using System.Globalization;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Benchmarks.PageAllocation;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Iova;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V3;
using KmemKit.Runtime.Smmu.V3.Driver;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Benchmarks.Smmu;

/// <summary>The DMA API over an SMMUv3, in turns with what it is made of: calls of page tables, plain reads and copies of memory.</summary>
internal static unsafe class PairedSmmu
{
    private const ulong Page = 4096;
    private const int Pairs = 256;
    private const int Reads = 16384;
    private static readonly PhysAddr s_ram = new((4UL << 30) + (512UL << 20));

    private static ulong Sink { get; set; }

    /// <summary>Measures all, or the parts whose names contain a word; what is quoted of pairs, in both ways in which the JIT may have compiled it.</summary>
    /// <returns>The exit code.</returns>
    public static int Run(string? only)
    {
        if (IsAskedFor("pairs", only) && JitModes.Run("--smmu", "pairs") is var failed and not 0)
            return failed;
        RunHere(only, ["scatter", "reads", "iova"]);
        return 0;
    }

    /// <summary>Measures parts in this process.</summary>
    public static void RunHere(string? only, params ReadOnlySpan<string> parts)
    {
        using var board = new BenchmarkMachine(2048, 2);
        var cpu = board.Allocator.Cpus[0];
        var smmu = new SmmuV3(board.Memory);
        using var driver = SmmuV3Driver.Start(cpu, board.Memory, smmu);
        using var domain = SmmuDomain.TryCreate<Granule4K>(driver, cpu, board.Memory)!;
        domain.Attach(1);
        using var port = new SmmuPort(smmu, 1);
        var device = new DmaDevice("nic") { Domain = domain };
        var mapper = new DmaMapper(board.Memory);
        foreach (var (name, run) in new (string, Action)[]
        {
            ("pairs", () => MapPairs(board, cpu, domain, device, mapper)),
            ("scatter", () => Scatter(board, cpu, device, mapper)),
            ("reads", () => ReadsAndCopies(board, cpu, smmu, domain, port)),
            ("iova", Addresses),
        })
        {
            if (parts.Contains(name) && IsAskedFor(name, only))
                run();
        }
    }

    private static bool IsAskedFor(string part, string? only) => only is null || part.Contains(only, StringComparison.Ordinal);

    private static void MapPairs(BenchmarkMachine board, Cpu cpu, SmmuDomain<Granule4K> domain, DmaDevice device, DmaMapper mapper)
    {
        Console.WriteLine("a page mapped and unmapped, ns a pair, and over the calls of page tables");
        var format = new Vmsav8Format<Granule4K>(39);
        var tables = Runtime.Mmu.PageTables.Create(cpu, board.Memory, format, new TlbDomain())!;
        var prot = tables.Prot(new PageAttributes(AccessRights.ReadWrite, AccessRights.ReadWrite, format.TypeFor(MemoryUse.Cached), Shareability.Inner) { IsGlobal = false, IsDirty = true });
        var iova = new IovaDomain(new PageGeometry(12), new PhysRange(PhysAddr.Zero, 1UL << 32), 2);
        // A neighbour keeps the tables there, as in use.
        tables.Map(cpu, new VirtAddr(0), s_ram, Page, prot);
        mapper.TryMap(cpu, device, s_ram, Page, DmaDirection.Bidirectional, out var keep);
        new Turns()
            .Add("PageTables.Map and Unmap", Pairs, () =>
            {
                for (var i = 0; i < Pairs; i++)
                {
                    tables.Map(cpu, new VirtAddr(Page), s_ram, Page, prot);
                    tables.Unmap(cpu, new VirtAddr(Page), Page);
                }
            })
            .Add("IOVA take and give", Pairs, () =>
            {
                for (var i = 0; i < Pairs; i++)
                {
                    iova.TryTake(0, Page, uint.MaxValue, out var at);
                    iova.Give(0, at, Page);
                }
            })
            .Add("SmmuDomain map and unmap", Pairs, () =>
            {
                DmaPiece piece = new(s_ram, Page);
                for (var i = 0; i < Pairs; i++)
                {
                    domain.TryMap(cpu, new ReadOnlySpan<DmaPiece>(in piece), DmaAccess.Read | DmaAccess.Write | DmaAccess.Cacheable, uint.MaxValue, out var bus);
                    domain.Unmap(cpu, bus, Page);
                }
            })
            .Add("dma_map_page and dma_unmap_page", Pairs, () =>
            {
                for (var i = 0; i < Pairs; i++)
                {
                    mapper.TryMap(cpu, device, s_ram, Page, DmaDirection.Bidirectional, out var bus);
                    mapper.Unmap(cpu, device, bus, Page, DmaDirection.Bidirectional);
                }
            })
            .WarmUp(TimeSpan.FromSeconds(2))
            .Run(4000);
        // Apart from the turns, which keep books of their own.
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000 * Pairs; i++)
        {
            mapper.TryMap(cpu, device, s_ram, Page, DmaDirection.Bidirectional, out var bus);
            mapper.Unmap(cpu, device, bus, Page, DmaDirection.Bidirectional);
        }
        var managed = GC.GetAllocatedBytesForCurrentThread() - before;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"managed bytes a pair: {managed / (1000.0 * Pairs):F3}"));
        mapper.Unmap(cpu, device, keep, Page, DmaDirection.Bidirectional);
        tables.Unmap(cpu, new VirtAddr(0), Page);
        tables.Free(cpu);
        iova.Dispose();
    }

    private static void Scatter(BenchmarkMachine board, Cpu cpu, DmaDevice device, DmaMapper mapper)
    {
        Console.WriteLine("1000 scattered pages as one range, ns a page, and over calls of page tables");
        var format = new Vmsav8Format<Granule4K>(39);
        var tables = Runtime.Mmu.PageTables.Create(cpu, board.Memory, format, new TlbDomain())!;
        var prot = tables.Prot(new PageAttributes(AccessRights.ReadWrite, AccessRights.ReadWrite, format.TypeFor(MemoryUse.Cached), Shareability.Inner) { IsGlobal = false, IsDirty = true });
        var pieces = Enumerable.Range(0, 1000).Select(i => new DmaPiece(s_ram + ((ulong)(i * 7 % 1000) * 2 * Page), Page)).ToArray();
        var stretches = new DmaStretch[1000];
        var count = 0;
        new Turns()
            .Add("PageTables.Map, a page a call", 1000, () =>
            {
                for (var i = 0; i < 1000; i++)
                    tables.Map(cpu, new VirtAddr((1UL << 30) + ((ulong)i * Page)), pieces[i].Address, Page, prot);
                return false;
            }, () => tables.Unmap(cpu, new VirtAddr(1UL << 30), 1000 * Page))
            .Add("dma_map_sg", 1000, () =>
            {
                mapper.TryMapScattered(cpu, device, pieces, DmaDirection.Bidirectional, stretches, out count);
                return false;
            }, () =>
            {
                if (count != 0)
                    mapper.UnmapScattered(cpu, device, pieces, stretches.AsSpan(0, count), DmaDirection.Bidirectional);
            })
            .Add("dma_map_sg and dma_unmap_sg", 1000, () =>
            {
                mapper.TryMapScattered(cpu, device, pieces, DmaDirection.Bidirectional, stretches, out count);
                mapper.UnmapScattered(cpu, device, pieces, stretches.AsSpan(0, count), DmaDirection.Bidirectional);
                count = 0;
            })
            .Run(2000);
        tables.Free(cpu);
    }

    private static void ReadsAndCopies(BenchmarkMachine board, Cpu cpu, SmmuV3 smmu, SmmuDomain<Granule4K> domain, SmmuPort port)
    {
        const int pages = 256;
        domain.TryMap(cpu, [new DmaPiece(s_ram, pages * Page)], DmaAccess.Read | DmaAccess.Write, uint.MaxValue, out var bus);
        var host = board.Memory.PointerTo(s_ram, pages * Page);
        new Span<byte>(host, (int)(pages * Page)).Fill(1);
        var random = new Random(1);
        var (near, far) = (new ulong[Reads], new ulong[Reads]);
        for (var i = 0; i < Reads; i++)
        {
            near[i] = (ulong)random.Next(32 * 512) * 8;
            far[i] = (ulong)random.Next(pages * 512) * 8;
        }
        Console.WriteLine("8 bytes at random addresses, ns a read, and over plain reads");
        new Turns()
            .Add("plain, 32 pages", Reads, () => Sink = Sum(host, near))
            .Add("PhysicalMemory, 32 pages", Reads, () => Sink = Sum(board.Memory, near))
            .Add("device, hit of its port", Reads, () => Sink = Sum(port, bus, near))
            .Run(2000);
        new Turns()
            .Add("plain, 256 pages", Reads, () => Sink = Sum(host, far))
            .Add("device, hits of port and SMMU", Reads, () => Sink = Sum(port, bus, far))
            .Run(500);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"TLB: {smmu.Stage1Tlb}"));
        Console.WriteLine("4 KiB from one page to another, ns a copy, and over a plain one");
        var buffer = new byte[Page];
        var plain = new BusPort(board.Memory, new DmaDevice("bus") { DmaMask = ulong.MaxValue });
        new Turns()
            .Add("plain, through a buffer", 512, () => Copy(board.Memory, buffer))
            .Add("device on the bus", 512, () => Copy(plain, new BusAddr(s_ram.Value), buffer))
            .Add("device behind the SMMU", 512, () => Copy(port, bus, buffer))
            .Run(2000);
        domain.Unmap(cpu, bus, pages * Page);
    }

    private static void Addresses()
    {
        Console.WriteLine("IOVA, a page taken and given, ns a pair, by live ranges, and over 1");
        var (turns, plain) = (new Turns(), new Turns());
        foreach (var live in new[] { 1, 1000, 100_000, 1_000_000 })
        {
            var domain = new IovaDomain(new PageGeometry(12), new PhysRange(PhysAddr.Zero, 1UL << 34), 2);
            var random = new Random(3);
            var taken = new BusAddr[live];
            for (var i = 0; i < live; i++)
                domain.TryTake(0, Page, ulong.MaxValue, out taken[i]);
            // They go in another order than they came; where the driver keeps them is not the allocator's matter.
            random.Shuffle(taken);
            AddPlain(plain, taken);
            var next = 0;
            turns.Add(string.Create(CultureInfo.InvariantCulture, $"{live} live ranges"), 8192, () =>
            {
                for (var i = 0; i < 8192; i++)
                {
                    domain.Give(0, taken[next], Page);
                    domain.TryTake(0, Page, ulong.MaxValue, out taken[next]);
                    next = next + 1 == taken.Length ? 0 : next + 1;
                }
            });
        }
        var allocator = turns.Run(400);
        Console.WriteLine("the host's caches alone: a plain loop over as many bytes and addresses in the same order");
        var host = plain.Run(400);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"more than with 1 live range: {allocator[^1] - allocator[0]:F1} ns the allocator, {host[^1] - host[0]:F1} ns the plain loop"));
    }

    // Of what grows with the live ranges, an allocator that is told an address alone has to touch one byte for each range at least, where the range is known, and its caller the
    // place where the address is kept. Nothing else is touched here. Where the loop goes on depends on the byte, so that no miss hides behind the one before.
    private static void AddPlain(Turns turns, BusAddr[] taken)
    {
        var kept = Array.ConvertAll(taken, address => address.Value >> 12);
        var bytes = GC.AllocateArray<byte>((int)kept.Max() + 1, pinned: true);
        bytes.AsSpan().Fill(1);
        var cells = (byte*)Marshal.UnsafeAddrOfPinnedArrayElement(bytes, 0);
        var next = 0;
        turns.Add(string.Create(CultureInfo.InvariantCulture, $"{kept.Length} bytes"), 8192, () =>
        {
            for (var i = 0; i < 8192; i++)
            {
                var first = kept[next];
                var one = cells[first];
                cells[first] = one;
                kept[next] = first;
                next += one;
                if (next == kept.Length)
                    next = 0;
            }
            GC.KeepAlive(bytes);
        });
    }

    private static ulong Sum(byte* host, ulong[] offsets)
    {
        var sum = 0UL;
        foreach (var offset in offsets)
            sum += *(ulong*)(host + offset);
        return sum;
    }

    private static ulong Sum(PhysicalMemory memory, ulong[] offsets)
    {
        var sum = 0UL;
        foreach (var offset in offsets)
            sum += memory.ReadUInt64(s_ram + offset);
        return sum;
    }

    private static ulong Sum(SmmuPort port, BusAddr bus, ulong[] offsets)
    {
        var sum = 0UL;
        foreach (var offset in offsets)
        {
            port.Read(bus + offset, out var value);
            sum += value;
        }
        return sum;
    }

    private static void Copy(PhysicalMemory memory, byte[] buffer)
    {
        for (var i = 0UL; i < 512; i++)
        {
            memory.Read(s_ram + (i % 16 * Page), buffer);
            memory.Write(s_ram + ((16 + (i % 16)) * Page), buffer);
        }
    }

    private static void Copy(IDmaPort port, BusAddr bus, byte[] buffer)
    {
        for (var i = 0UL; i < 512; i++)
        {
            port.Read(bus + (i % 16 * Page), buffer, out _);
            port.Write(bus + ((16 + (i % 16)) * Page), buffer, out _);
        }
    }
}
