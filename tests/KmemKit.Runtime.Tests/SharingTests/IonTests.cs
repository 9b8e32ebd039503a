using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Sharing;
using KmemKit.Runtime.Sharing.Files;
using KmemKit.Runtime.Sharing.Ion;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SharingTests;

/// <summary>ION: heaps by mask and order, handles, files, counts.</summary>
internal sealed class IonTests
{
    private const ulong Page = 4096;
    private const uint System = 1, Contig = 2, Carveout = 4, Cma = 8;
    private SharingBoard _board = null!;
    private IonDevice _ion = null!;

    [SetUp]
    public void Start()
    {
        _board = new SharingBoard();
        _ion = new IonDevice(_board.Host);
        _ion.AddHeap(new IonSystemHeap(0));
        _ion.AddHeap(new IonCmaHeap(3, _board.Area));
        _ion.AddHeap(new IonCarveoutHeap(2, SharingBoard.Carveout));
        _ion.AddHeap(new IonSystemContigHeap(1));
    }

    [TearDown]
    public void End()
    {
        Assert.That(_ion.BufferCount, Is.Zero);
        Assert.That(_ion.Heaps.Sum(heap => (long)heap.Allocated), Is.Zero);
        _board.Dispose();
    }

    [Test]
    public void Heaps_are_tried_from_the_highest_number_on()
    {
        Assert.That(_ion.Heaps.Select(heap => heap.Type), Is.EqualTo(new[] { IonHeapType.Cma, IonHeapType.Carveout, IonHeapType.SystemContig, IonHeapType.System }));
        using var client = _ion.CreateClient("app");
        Assert.That(client.Allocate(Page, 0, uint.MaxValue).Buffer.Heap.Type, Is.EqualTo(IonHeapType.Cma));
        Assert.That(client.Allocate(Page, 0, System | Contig).Buffer.Heap.Type, Is.EqualTo(IonHeapType.SystemContig));
        // The carve-out is full: the next of the mask gives.
        var all = client.Allocate(SharingBoard.Carveout.Size.Value, 0, Carveout);
        Assert.That(client.Allocate(Page, 0, Carveout | System).Buffer.Heap.Type, Is.EqualTo(IonHeapType.System));
        SharingBoard.Refused(() => client.Allocate(Page, 0, Carveout), SharingError.NoMemory, "app", "carveout");
        client.Free(all);
        Assert.That(client.Allocate(Page, 0, Carveout | System).Buffer.Heap.Type, Is.EqualTo(IonHeapType.Carveout));
        SharingBoard.Refused(() => client.Allocate(Page, 0, 0x80), SharingError.NoHeap, "0x80", "carveout (4)");
        SharingBoard.Refused(() => client.Allocate(0, 0, System), SharingError.BadSize);
        SharingBoard.Refused(() => client.Allocate(Page, 3 * Page, System), SharingError.BadAlignment);
        SharingBoard.Refused(() => client.Allocate(1UL << 40, 0, System), SharingError.BadSize);
        SharingBoard.Refused(() => _ion.AddHeap(new IonSystemHeap(2, "another")), SharingError.Busy, "another", "carveout");
        using var limited = _ion.CreateClient("limited", System);
        SharingBoard.Refused(() => limited.Allocate(Page, 0, Carveout | Cma), SharingError.NoHeap, "limited");
    }

    [Test]
    public void An_alignment_is_held_or_refused()
    {
        using var client = _ion.CreateClient("app");
        foreach (var mask in new[] { Contig, Carveout, Cma })
        {
            client.Allocate(Page, 0, mask);
            var handle = client.Allocate(3 * Page, 64 * 1024, mask);
            Assert.That(client.Phys(handle).Start.IsAligned(64 * 1024), Is.True, $"heap {mask}");
            Assert.That(client.Phys(handle).Size.Value, Is.EqualTo(3 * Page));
        }
        SharingBoard.Refused(() => client.Allocate(Page, 64 * 1024, System), SharingError.NoMemory, "system");
        SharingBoard.Refused(() => client.Phys(Scattered(client)), SharingError.NotContiguous, "stretches");
    }

    private IonHandle Scattered(IonClient client)
    {
        var pages = Enumerable.Range(0, 64).Select(_ => _board.Cpu.AllocPage(Gfp.GfpFlags.Kernel)).ToArray();
        for (var i = 0; i < 64; i++)
            _board.Cpu.FreePage(pages[i * 37 % 64]);
        return client.Allocate(5 * Page, 0, System);
    }

    [Test]
    public void Handles_and_files_keep_a_buffer()
    {
        var (app, server) = (new FileTable("app"), new FileTable("server"));
        var (a, b) = (_ion.CreateClient("app"), _ion.CreateClient("server"));
        var mine = a.Allocate(Page, 0, Carveout);
        var sent = app.SendTo(server, a.Share(mine, app));
        var theirs = b.Import(server, sent);
        Assert.That((theirs.Buffer, theirs.Buffer.References), Is.EqualTo((mine.Buffer, 3)));
        Assert.That(b.Import(server, sent), Is.SameAs(theirs), "one handle a buffer and client");
        Assert.That(theirs.References, Is.EqualTo(2));
        SharingBoard.Refused(() => b.Free(mine), SharingError.BadHandle, "app's");
        a.Free(mine);
        SharingBoard.Refused(() => a.Free(mine), SharingError.BadHandle, "freed");
        SharingBoard.Refused(() => a.MapKernel(mine), SharingError.BadHandle, "freed");
        SharingBoard.Refused(() => { a.MapDevice(mine, new DmaDevice("d"), DmaDirection.ToDevice); }, SharingError.BadHandle);
        app.CloseAll();
        b.Free(theirs);
        Assert.That(_ion.BufferCount, Is.EqualTo(1));
        b.Free(theirs);
        Assert.That(_ion.BufferCount, Is.EqualTo(1), "the server's descriptor has it");
        server.CloseAll();
        Assert.That(_ion.BufferCount, Is.Zero);
        SharingBoard.Refused(() => b.Import(server, sent), SharingError.BadFile);
        a.Dispose();
        b.Dispose();
    }

    [Test]
    public void A_buffer_is_mapped_once_however_often_asked_for()
    {
        using var client = _ion.CreateClient("app");
        var device = _board.Device("codec", withSmmu: true);
        var handle = Scattered(client);
        var (first, second) = (client.MapDevice(handle, device.Device, DmaDirection.Bidirectional), client.MapDevice(handle, device.Device, DmaDirection.ToDevice));
        Assert.That(second, Is.SameAs(first));
        Assert.That(first.Stretches, Has.Length.EqualTo(1), "five pages, one range");
        SharingBoard.Refused(() => client.Free(handle), SharingError.Busy, "2 device");
        client.UnmapDevice(handle, device.Device);
        Assert.That(device.Port.Write(first.Address, [1], out _), Is.EqualTo(SmmuOutcome.Translated), "the other one still holds");
        client.UnmapDevice(handle, device.Device);
        Assert.That(device.Port.Write(first.Address, [1], out _), Is.EqualTo(SmmuOutcome.Abort));
        SharingBoard.Refused(() => client.UnmapDevice(handle, device.Device), SharingError.NotMapped, "codec");
        var read = client.MapDevice(handle, device.Device, DmaDirection.ToDevice);
        SharingBoard.Refused(() => { client.MapDevice(handle, device.Device, DmaDirection.FromDevice); }, SharingError.Busy, "ToDevice");
        // A client that goes leaves nothing.
        client.MapKernel(client.Allocate(Page, 0, Carveout));
        Assert.That(read.Stretches, Has.Length.EqualTo(1));
    }

    // Carve-outs either way, pages as the linear map has them: cached.
    [Test]
    public void Cache_policy_is_the_mapping_s_and_an_alias_is_refused()
    {
        using var client = _ion.CreateClient("app");
        var uncached = client.Allocate(2 * Page, 0, Carveout);
        var mapping = client.MapKernel(uncached);
        Assert.That((mapping.Use, client.MapKernel(uncached)), Is.EqualTo((MemoryUse.WriteCombining, mapping)));
        Assert.That(_board.Kernel.Tables.AttributesAt(mapping.Address)!.Value.Memory, Is.EqualTo(_board.Kernel.Tables.TypeFor(MemoryUse.WriteCombining)));
        client.UnmapKernel(uncached);
        _board.Processor.Store(mapping.Address, 8, 5, Privilege.Privileged);
        client.UnmapKernel(uncached);
        SharingBoard.Refused(() => client.UnmapKernel(uncached), SharingError.NotMapped);
        var cached = client.Allocate(3 * Page, 0, System, IonFlags.Cached);
        var pages = client.MapKernel(cached);
        _board.Processor.Store(pages.Address + (2 * Page), 8, 0x77, Privilege.Privileged);
        Assert.That(_board.Host.Memory.ReadUInt64(cached.Buffer.Memory.At(2 * Page)), Is.EqualTo(0x77UL));
        client.UnmapKernel(cached);
        var alias = client.Allocate(Page, 0, System);
        var refused = Assert.Throws<IoremapException>(() => client.MapKernel(alias))!;
        Assert.That(refused.Message, Does.Contain("the linear map").And.Contain("app: "));
    }

    [Test]
    public void Foreign_files_are_no_buffers()
    {
        using var client = _ion.CreateClient("app");
        var process = new FileTable("app");
        var heap = Runtime.Sharing.Upstream.DmaHeap.System(_board.Host);
        var descriptor = heap.Allocate(Page, process);
        SharingBoard.Refused(() => client.Import(process, descriptor), SharingError.BadFile, "dma-buf");
        SharingBoard.Refused(() => client.Import(process, 7), SharingError.BadFile, "descriptor 7");
        var shared = client.Share(client.Allocate(Page, 0, System), process);
        SharingBoard.Refused(() => Runtime.Sharing.Upstream.DmaBuf.Get(process, shared), SharingError.BadFile, "no dma-buf");
        process.CloseAll();
    }
}
