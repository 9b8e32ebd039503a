using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Sharing;
using KmemKit.Runtime.Sharing.Files;
using KmemKit.Runtime.Sharing.Pmem;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SharingTests;

/// <summary>PMEM: a carve-out's pieces as files.</summary>
internal sealed class PmemTests
{
    private const ulong Page = 4096;
    private SharingBoard _board = null!;

    [SetUp]
    public void Start() => _board = new SharingBoard();

    [TearDown]
    public void End() => _board.Dispose();

    private PmemDevice Device(PmemAllocatorType type = PmemAllocatorType.Bitmap, bool cached = false) => new(_board.Host, "pmem", SharingBoard.Carveout, type, cached);

    [Test]
    public void Memory_lives_as_long_as_a_file_of_it_is_open()
    {
        var pmem = Device();
        var (app, service) = (new FileTable("app"), new FileTable("service"));
        var descriptor = app.Install(pmem.Open());
        Assert.That(pmem.Mmap(app[descriptor], 3 * Page).Single(), Is.EqualTo(new PhysRange(SharingBoard.Carveout.Start, 3 * Page)));
        var sent = app.SendTo(service, descriptor);
        var file = pmem.GetPmemFile(service, sent);
        app.CloseAll();
        service.CloseAll();
        Assert.That((pmem.Available, file.References), Is.EqualTo((SharingBoard.Carveout.Size.Value - (3 * Page), 1)), "the driver has it");
        Assert.That(pmem.GetPhys(file).Start, Is.EqualTo(SharingBoard.Carveout.Start));
        pmem.PutPmemFile(file);
        Assert.That((pmem.Available, pmem.OpenFiles), Is.EqualTo((SharingBoard.Carveout.Size.Value, 0)));
        SharingBoard.Refused(() => pmem.PutPmemFile(file), SharingError.BadHandle, "/dev/pmem");
        SharingBoard.Refused(() => { pmem.GetPhys(file); }, SharingError.BadFile, "closed");
        SharingBoard.Refused(() => app.Close(descriptor), SharingError.BadFile, "app", "descriptor 0");
    }

    [Test]
    public void What_is_given_is_clear()
    {
        var pmem = Device();
        _board.Host.Memory.Fill(SharingBoard.Carveout.Start, 2 * Page, 0xA5);
        var file = pmem.Open();
        pmem.Allocate(file, 2 * Page);
        Assert.That(_board.Host.Memory.ReadUInt64(SharingBoard.Carveout.Start + (2 * Page) - 8), Is.Zero);
        file.Put();
    }

    [Test]
    public void An_exhausted_carve_out_is_named()
    {
        var pmem = Device();
        var files = Enumerable.Range(0, 4).Select(_ => pmem.Open()).ToArray();
        foreach (var file in files)
            pmem.Allocate(file, SharingBoard.Carveout.Size.Value / 4);
        var more = pmem.Open();
        SharingBoard.Refused(() => pmem.Allocate(more, 1), SharingError.NoMemory, "pmem", $"{SharingBoard.Carveout}", "0 are free");
        // Two quarters that are no neighbours are no half.
        files[0].Put();
        files[2].Put();
        SharingBoard.Refused(() => pmem.Allocate(more, SharingBoard.Carveout.Size.Value / 2), SharingError.NoMemory);
        files[1].Put();
        pmem.Allocate(more, SharingBoard.Carveout.Size.Value / 2);
        SharingBoard.Refused(() => pmem.Allocate(more, 1), SharingError.Busy, "memory already");
        SharingBoard.Refused(() => pmem.Allocate(more, 0), SharingError.Busy);
        var empty = pmem.Open();
        SharingBoard.Refused(() => pmem.Allocate(empty, 0), SharingError.BadSize);
        SharingBoard.Refused(() => pmem.GetPhys(empty), SharingError.NotMapped);
        SharingBoard.Refused(() => pmem.Munmap(empty), SharingError.NotMapped);
        SharingBoard.Refused(() => pmem.Mmap(more, SharingBoard.Carveout.Size.Value), SharingError.BadSize);
        foreach (var file in new[] { files[3], more, empty })
            file.Put();
        Assert.That(pmem.Available, Is.EqualTo(SharingBoard.Carveout.Size.Value));
    }

    // The msm's three ways: pages; powers of two, aligned to their size; all to the first.
    [Test]
    public void Allocators_give_as_they_say()
    {
        var buddy = Device(PmemAllocatorType.BuddyBestFit);
        var files = new[] { 3, 1, 5, 16, 1, 2 }.Select(pages =>
        {
            var file = buddy.Open();
            buddy.Allocate(file, (ulong)pages * Page);
            return (File: file, Pages: pages, Start: buddy.GetPhys(file).Start);
        }).ToArray();
        foreach (var (_, pages, start) in files)
            Assert.That(start.IsAligned(System.Numerics.BitOperations.RoundUpToPowerOf2((ulong)pages) * Page), Is.True, $"{pages} pages at {start}");
        var ranges = files.Select(f => new PhysRange(f.Start, (ulong)f.Pages * Page)).OrderBy(r => r.Start).ToArray();
        Assert.That(ranges.Zip(ranges.Skip(1)).All(pair => !pair.First.Overlaps(pair.Second)), Is.True);
        Assert.That(buddy.Available, Is.EqualTo(SharingBoard.Carveout.Size.Value - ((4 + 1 + 8 + 16 + 1 + 2) * Page)), "what rounding loses is lost while it is given");
        foreach (var (file, _, _) in files)
            file.Put();
        var all = buddy.Open();
        buddy.Allocate(all, SharingBoard.Carveout.Size.Value);
        Assert.That(buddy.Available, Is.Zero, "blocks merged again");
        all.Put();

        var whole = Device(PmemAllocatorType.AllOrNothing);
        var first = whole.Open();
        whole.Allocate(first, 1);
        Assert.That(whole.Available, Is.Zero);
        var second = whole.Open();
        SharingBoard.Refused(() => whole.Allocate(second, 1), SharingError.NoMemory);
        first.Put();
        whole.Allocate(second, 1);
        second.Put();
    }

    [Test]
    public void A_connected_file_sees_what_its_owner_shows_and_nothing_after()
    {
        var pmem = Device();
        var (owner, client) = (pmem.Open(), pmem.Open());
        SharingBoard.Refused(() => pmem.Connect(client, owner), SharingError.NotMapped);
        pmem.Allocate(owner, 8 * Page);
        pmem.Connect(client, owner);
        Assert.That(pmem.Visible(client), Is.Empty);
        SharingBoard.Refused(() => pmem.GetPhys(client), SharingError.NotVisible);
        pmem.Show(owner, 2 * Page, 3 * Page);
        Assert.That(pmem.Visible(client).Single(), Is.EqualTo(new PhysRange(SharingBoard.Carveout.Start + (2 * Page), 3 * Page)));
        SharingBoard.Refused(() => pmem.GetPhys(client), SharingError.NotVisible, "parts are shown");
        SharingBoard.Refused(() => pmem.Hide(owner, 2 * Page, Page), SharingError.NotMapped);
        SharingBoard.Refused(() => pmem.Show(owner, 7 * Page, 2 * Page), SharingError.BadSize);
        SharingBoard.Refused(() => pmem.Show(client, 0, Page), SharingError.NotMapped, "of its own");
        SharingBoard.Refused(() => pmem.Connect(client, owner), SharingError.Busy);
        pmem.Hide(owner, 2 * Page, 3 * Page);
        Assert.That(pmem.Visible(client), Is.Empty);
        pmem.Show(owner, 0, 8 * Page);
        Assert.That(pmem.GetPhys(client), Is.EqualTo(pmem.GetPhys(owner)));
        owner.Put();
        Assert.That(pmem.Visible(client), Is.Empty, "revoked");
        client.Put();
        SharingBoard.Refused(() => Device().GetPhys(pmem.Open()), SharingError.BadFile);
    }

    // The rule of ioremap: one type an address, and both mappings are named.
    [Test]
    public void Cached_and_uncached_at_once_is_refused()
    {
        var pmem = Device();
        var file = pmem.Open();
        pmem.Allocate(file, 4 * Page);
        var mapping = pmem.MapKernel(file, "camera driver");
        _board.Processor.Store(mapping.Address + 8, 8, 0x1234, Privilege.Privileged);
        Assert.That(_board.Host.Memory.ReadUInt64(SharingBoard.Carveout.Start + 8), Is.EqualTo(0x1234UL));
        var refused = Assert.Throws<IoremapException>(() => pmem.MapKernel(file, "video driver", MemoryUse.Cached))!;
        Assert.That(refused.Kind, Is.EqualTo(IoremapErrorKind.Alias));
        Assert.That(refused.Message, Does.Contain("video driver").And.Contain("camera driver").And.Contain("normal-wb").And.Contain($"{mapping.Address}"));
        var same = pmem.MapKernel(file, "video driver");
        pmem.UnmapKernel(mapping);
        Assert.Throws<IoremapException>(() => pmem.MapKernel(file, "video driver", MemoryUse.Cached));
        pmem.UnmapKernel(same);
        pmem.UnmapKernel(pmem.MapKernel(file, "video driver", MemoryUse.Cached));
        file.Put();
    }
}
