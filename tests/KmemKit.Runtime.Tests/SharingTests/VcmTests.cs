using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Sharing;
using KmemKit.Runtime.Sharing.Vcm;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SharingTests;

/// <summary>VCM: memory, device addresses and bindings, each counted by itself.</summary>
internal sealed class VcmTests
{
    private const ulong Page = 4096;
    private static readonly PhysRange s_window = new(new PhysAddr(0x4000_0000), 16 * Page);
    private SharingBoard _board = null!;
    private VcmDevice _vcm = null!;

    [SetUp]
    public void Start()
    {
        _board = new SharingBoard();
        _vcm = new VcmDevice(_board.Host, "vcm", SharingBoard.Carveout);
    }

    [TearDown]
    public void End()
    {
        Assert.That((_vcm.BufferCount, _vcm.Physical.Available), Is.EqualTo((0, SharingBoard.Carveout.Size.Value)));
        _board.Dispose();
    }

    [Test]
    public void A_buffer_lives_as_long_as_a_context_or_binding_has_it()
    {
        var device = _board.Device("dsp", withSmmu: true);
        using var space = new VcmSpace(_board.Host, device.Device, s_window);
        using var app = _vcm.Open("app");
        using var codec = _vcm.Open("codec");
        var number = app.Allocate(5 * Page);
        SharingBoard.Refused(() => { _ = codec[number]; }, SharingError.BadHandle, "codec", $"buffer {number}");
        codec.Import(number);
        SharingBoard.Refused(() => codec.Import(number), SharingError.Busy);
        SharingBoard.Refused(() => codec.Import(99), SharingError.BadHandle, "99");
        var at = codec.Bind(number, space, DmaDirection.Bidirectional);
        Assert.That(s_window.Contains(new PhysAddr(at.Value)), Is.True);
        Assert.That(device.Port.Write(at + (5 * Page) - 4, [1, 2, 3, 4], out _), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That(device.Port.Write(at + (5 * Page) - 2, [1, 2, 3, 4], out _), Is.EqualTo(SmmuOutcome.Abort), "not a byte more");
        Assert.That(_board.Host.Memory.ReadUInt32(app[number].Memory.At((5 * Page) - 4)), Is.EqualTo(0x0201_0201u), "the two of the second write that were its own");
        Assert.That(app[number].References, Is.EqualTo(3));
        app.Free(number);
        SharingBoard.Refused(() => app.Free(number), SharingError.BadHandle, "app");
        SharingBoard.Refused(() => codec.Free(number), SharingError.Busy, "vcm of dsp");
        SharingBoard.Refused(() => codec.Bind(number, space, DmaDirection.ToDevice), SharingError.Busy);
        SharingBoard.Refused(() => space.Dispose(), SharingError.Busy, "1 reservations");
        codec.Unbind(number, space);
        Assert.That(device.Port.Read(at, new byte[4], out _), Is.EqualTo(SmmuOutcome.Abort));
        SharingBoard.Refused(() => codec.Unbind(number, space), SharingError.NotMapped);
    }

    [Test]
    public void Fragments_are_one_range_behind_an_SMMU_and_none_without()
    {
        using var app = _vcm.Open("app");
        // Every other page of the memory is taken: what is left is single pages.
        var pages = (int)(SharingBoard.Carveout.Size.Value / Page);
        var all = Enumerable.Range(0, pages).Select(_ => app.Allocate(Page)).ToArray();
        for (var i = 0; i < pages; i += 2)
            app.Free(all[i]);
        var number = app.Allocate(8 * Page);
        Assert.That(app[number].Memory.Pieces, Has.Length.EqualTo(8));
        SharingBoard.Refused(() => app.Allocate(8 * Page, 64 * 1024), SharingError.NoMemory, "vcm");
        var (behind, bare) = (_board.Device("behind", withSmmu: true), _board.Device("bare", withSmmu: false));
        using var space = new VcmSpace(_board.Host, behind.Device, s_window);
        using var oneToOne = new VcmSpace(_board.Host, bare.Device, s_window);
        var at = app.Bind(number, space, DmaDirection.ToDevice);
        for (var i = 0UL; i < 8; i++)
        {
            _board.Host.Memory.WriteUInt64(app[number].Memory.At(i * Page), i + 1);
            var bytes = new byte[8];
            Assert.That(behind.Port.Read(at + (i * Page), bytes, out _), Is.EqualTo(SmmuOutcome.Translated));
            Assert.That(BitConverter.ToUInt64(bytes), Is.EqualTo(i + 1));
        }
        Assert.That(behind.Port.Write(at, [1], out _), Is.EqualTo(SmmuOutcome.Abort), "for reading only");
        SharingBoard.Refused(() => app.Bind(number, oneToOne, DmaDirection.ToDevice), SharingError.NotContiguous, "8 stretches");
        Assert.That(oneToOne.Reservations, Is.Zero, "nothing stays reserved");
        // The window has 16 pages.
        var large = app.Allocate(9 * Page);
        SharingBoard.Refused(() => app.Bind(large, space, DmaDirection.ToDevice), SharingError.NoMemory, "device addresses");
        app.Unbind(number, space);
    }

    [Test]
    public void The_kernel_s_mapping_is_the_buffer()
    {
        using var app = _vcm.Open("app");
        var number = app.Allocate(2 * Page);
        var mapping = app.MapKernel(number, MemoryUse.WriteCombining);
        _board.Processor.Store(mapping.Address + Page, 8, 77, Privilege.Privileged);
        Assert.That(_board.Host.Memory.ReadUInt64(app[number].Memory.At(Page)), Is.EqualTo(77UL));
        Assert.Throws<Ioremap.IoremapException>(() => app.MapKernel(number, MemoryUse.Cached));
        app.UnmapKernel(mapping);
    }

    [Test]
    public void The_pool_refuses_what_it_did_not_give()
    {
        var pool = new GenPool("pool", new PhysRange(new PhysAddr(0x1_1000), 32 * Page));
        Assert.That(pool.TryAllocate(Page, 0x4000, out var aligned) ? aligned.Value : 0, Is.EqualTo(0x1_4000UL));
        Assert.That(pool.TryAllocate(3 * Page, 1, out var before) ? before.Value : 0, Is.EqualTo(0x1_1000UL), "the hole in front is used");
        SharingBoard.Refused(() => pool.Free(before, 2 * Page), SharingError.BadSize);
        SharingBoard.Refused(() => pool.Free(before + Page, Page), SharingError.BadHandle);
        SharingBoard.Refused(() => { pool.TryAllocate(0, 1, out _); }, SharingError.BadSize);
        SharingBoard.Refused(() => { pool.TryAllocate(1, 3, out _); }, SharingError.BadAlignment);
        Assert.That(pool.TryAllocate(ulong.MaxValue, 1, out _), Is.False);
        Assert.That(pool.TryAllocate(1, 1UL << 63, out _), Is.False);
        pool.Free(aligned, 1);
        pool.Free(before, 3 * Page);
        SharingBoard.Refused(() => pool.Free(before, 3 * Page), SharingError.BadHandle);
        Assert.That((pool.Available, pool.Count), Is.EqualTo((32 * Page, 0)));
        Assert.That(pool.TryAllocate(32 * Page, 1, out _), Is.True);
        Assert.That(pool.TryAllocate(1, 1, out _), Is.False);
    }
}
