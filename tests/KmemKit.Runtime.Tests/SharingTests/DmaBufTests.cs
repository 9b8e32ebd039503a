using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Sharing;
using KmemKit.Runtime.Sharing.Files;
using KmemKit.Runtime.Sharing.Upstream;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SharingTests;

/// <summary>dma-buf: attachments, mappings, the processor's access, fences, and the file that keeps it.</summary>
internal sealed class DmaBufTests
{
    private const ulong Page = 4096;
    private SharingBoard _board = null!;
    private DmaHeap _heap = null!;

    [SetUp]
    public void Start()
    {
        _board = new SharingBoard();
        _heap = DmaHeap.System(_board.Host);
    }

    [TearDown]
    public void End()
    {
        Assert.That(_heap.Allocated, Is.Zero);
        _board.Dispose();
    }

    [Test]
    public void A_buffer_goes_with_its_last_reference_and_not_while_it_is_used()
    {
        var process = new FileTable("app");
        var descriptor = _heap.Allocate(3 * Page, process);
        var buffer = DmaBuf.Get(process, descriptor);
        process.CloseAll();
        var device = _board.Device("gpu", withSmmu: true);
        var attachment = buffer.Attach(device.Device);
        SharingBoard.Refused(() => buffer.File.Put(), SharingError.Busy, "1 devices are attached");
        var mapping = attachment.Map(DmaDirection.FromDevice);
        SharingBoard.Refused(() => { attachment.Map(DmaDirection.FromDevice); }, SharingError.Busy, "gpu", "FromDevice");
        SharingBoard.Refused(() => buffer.Detach(attachment), SharingError.Busy, "gpu");
        SharingBoard.Refused(() => attachment.Unmap(DmaDirection.ToDevice), SharingError.NotMapped, "FromDevice, not ToDevice");
        Assert.That(device.Port.Write(mapping.Address, [9], out _), Is.EqualTo(SmmuOutcome.Translated));
        attachment.Unmap(DmaDirection.FromDevice);
        SharingBoard.Refused(() => attachment.Unmap(DmaDirection.FromDevice), SharingError.NotMapped, "not mapped");
        Assert.That(device.Port.Write(mapping.Address, [9], out _), Is.EqualTo(SmmuOutcome.Abort));
        buffer.Detach(attachment);
        SharingBoard.Refused(() => buffer.Detach(attachment), SharingError.NotMapped, "gpu");
        SharingBoard.Refused(() => { attachment.Map(DmaDirection.ToDevice); }, SharingError.NotMapped, "detached");
        var kernel = buffer.Vmap("codec");
        Assert.That(buffer.Vmap("codec"), Is.SameAs(kernel));
        SharingBoard.Refused(() => buffer.File.Put(), SharingError.Busy, "2 kernel");
        _board.Processor.Store(kernel.Address + 16, 8, 0xABC, Privilege.Privileged);
        Assert.That(_board.Host.Memory.ReadUInt64(buffer.Memory.At(16)), Is.EqualTo(0xABCUL));
        buffer.Vunmap();
        buffer.Vunmap();
        SharingBoard.Refused(() => buffer.Vunmap(), SharingError.NotMapped);
        Assert.That(buffer.File.References, Is.EqualTo(1));
        buffer.File.Put();
        Assert.That(_heap.Allocated, Is.Zero);
        SharingBoard.Refused(() => buffer.File.Put(), SharingError.BadFile);
        SharingBoard.Refused(() => buffer.Attach(device.Device), SharingError.BadFile, "the memory is gone");
        SharingBoard.Refused(() => buffer.Vmap("codec"), SharingError.BadFile);
        SharingBoard.Refused(() => _heap.Allocate(0), SharingError.BadSize);
    }

    [Test]
    public void The_processor_waits_for_fences_and_keeps_caches_in_step()
    {
        var buffer = _heap.Allocate(2 * Page);
        var device = _board.Device("camera", withSmmu: true, isCoherent: false);
        var attachment = buffer.Attach(device.Device);
        attachment.Map(DmaDirection.FromDevice);
        var timeline = new FenceTimeline("camera");
        var fence = timeline.NewFence();
        SharingBoard.Refused(() => buffer.Reservation.Add(fence, FenceUsage.Write), SharingError.NotLocked, "camera:1");
        using (buffer.Reservation.Lock("camera"))
        {
            SharingBoard.Refused(() => buffer.Reservation.Lock("gpu"), SharingError.Busy, "camera", "gpu");
            buffer.Reservation.Add(fence, FenceUsage.Write);
        }
        Assert.That(buffer.TryBeginCpuAccess(DmaDirection.FromDevice, out var pending), Is.False);
        Assert.That(pending, Is.EqualTo(new[] { fence }));
        var told = 0;
        Assert.That(fence.AddCallback(_ => told++), Is.True);
        fence.Signal();
        Assert.That(told, Is.EqualTo(1));
        SharingBoard.Refused(() => fence.Signal(), SharingError.AlreadySignaled, "camera:1");
        Assert.That(fence.AddCallback(_ => told++), Is.False);
        Assert.That(told, Is.EqualTo(2));
        var before = device.Device.Caches.Operations;
        Assert.That(buffer.TryBeginCpuAccess(DmaDirection.FromDevice, out _), Is.True);
        Assert.That(device.Device.Caches.Operations, Is.GreaterThan(before), "what the device wrote is not hidden by old lines");
        SharingBoard.Refused(() => { buffer.TryBeginCpuAccess(DmaDirection.FromDevice, out _); }, SharingError.Busy);
        SharingBoard.Refused(() => buffer.EndCpuAccess(DmaDirection.ToDevice), SharingError.NotMapped, "FromDevice");
        buffer.EndCpuAccess(DmaDirection.FromDevice);
        SharingBoard.Refused(() => buffer.EndCpuAccess(DmaDirection.FromDevice), SharingError.NotMapped, "none was begun");
        attachment.Unmap(DmaDirection.FromDevice);
        buffer.Detach(attachment);
        buffer.File.Put();
    }

    // include/linux/dma-resv.h: readers wait for writers, writers for all; a timeline's later fence stands for its earlier ones.
    [Test]
    public void Reads_wait_for_writes_and_writes_for_all()
    {
        var reservation = new ReservationObject("buffer");
        var (camera, display, codec) = (new FenceTimeline("camera"), new FenceTimeline("display"), new FenceTimeline("codec"));
        var (write, read, later) = (camera.NewFence(), display.NewFence(), camera.NewFence());
        using (reservation.Lock("test"))
        {
            reservation.Add(write, FenceUsage.Write);
            reservation.Add(read, FenceUsage.Read);
        }
        Assert.That(reservation.IsLocked, Is.False);
        Assert.That(reservation.Pending(FenceUsage.Read), Is.EqualTo(new[] { write }));
        Assert.That(reservation.Pending(FenceUsage.Write), Is.EquivalentTo(new[] { write, read }));
        using (reservation.Lock("test"))
            reservation.Add(later, FenceUsage.Write);
        Assert.That(reservation.Pending(FenceUsage.Read), Is.EqualTo(new[] { later }), "the earlier one is over when the later one is");
        SharingBoard.Refused(() => later.Signal(), SharingError.OutOfOrder, "camera:2", "camera:1");
        write.Signal(-5);
        later.Signal();
        Assert.That((write.Error, later.Error, camera.Pending, display.Pending), Is.EqualTo((-5, 0, 0UL, 1UL)));
        Assert.That(reservation.Pending(FenceUsage.Read), Is.Empty);
        Assert.That(reservation.Pending(FenceUsage.Write), Is.EqualTo(new[] { read }));
        read.Signal();
        Assert.That(() => codec.NewFence().Signal(5), Throws.InstanceOf<System.ArgumentException>());
    }

    [Test]
    public void A_heap_of_a_contiguous_area_gives_rows_and_takes_them_back()
    {
        var cma = DmaHeap.Cma(_board.Host, _board.Area);
        var buffers = new List<DmaBuf>();
        for (var i = 0; i < 4; i++)
            buffers.Add(cma.Allocate(_board.Area.Pages * Page / 4));
        Assert.That(buffers.All(buffer => buffer.Memory.IsContiguous), Is.True);
        SharingBoard.Refused(() => cma.Allocate(Page), SharingError.NoMemory, cma.Name);
        buffers.ForEach(buffer => buffer.File.Put());
        Assert.That(cma.Allocated, Is.Zero);
    }
}
