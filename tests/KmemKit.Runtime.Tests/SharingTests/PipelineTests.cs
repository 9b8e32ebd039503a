using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Masters.Scanout;
using KmemKit.Runtime.Sharing;
using KmemKit.Runtime.Sharing.Ion;
using KmemKit.Runtime.Sharing.Pipeline;
using KmemKit.Runtime.Sharing.Pmem;
using KmemKit.Runtime.Sharing.Upstream;
using KmemKit.Runtime.Sharing.Vcm;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SharingTests;

/// <summary>Camera, encoder, display over each of the seed's worlds: the picture arrives, nothing is copied, and each device reaches what its world lets it.</summary>
internal sealed class PipelineTests
{
    private const int Width = 64;
    private const int Height = 64;
    private const int Pictures = 5;

    private static readonly string[] s_worlds = ["PMEM", "VCM", "ION", "upstream", "none"];

    // None, or an SMMU of an architecture.
    private static readonly SmmuVersion?[] s_smmus = [null, SmmuVersion.V3, SmmuVersion.V2];

    [Test]
    public void A_picture_goes_through_all_three_devices(
        [ValueSource(nameof(s_worlds))] string world, [ValueSource(nameof(s_smmus))] SmmuVersion? smmu, [Values] bool isCoherent)
    {
        using var board = new SharingBoard(smmu ?? SmmuVersion.V3);
        Run(board, world, smmu is not null, isCoherent, check: true);
        Assert.That(board.Faults, Is.Empty, "no access was refused");
    }

    // What the seed says of its worlds, in numbers.
    [Test]
    public void The_worlds_are_compared([Values] SmmuVersion smmu)
    {
        var results = new List<PipelineResult>();
        foreach (var withSmmu in new[] { false, true })
        {
            foreach (var world in s_worlds)
            {
                using var board = new SharingBoard(smmu);
                results.Add(Run(board, world, withSmmu, isCoherent: false, check: false));
            }
        }
        var text = SharingComparisonText.Results(results);
        TestContext.Out.WriteLine(SharingComparisonText.Roles(results));
        TestContext.Out.WriteLine(text);
        Assert.That(text.Split('\n'), Has.Length.EqualTo(2 + results.Count + 1));
        var of = results.ToDictionary(result => (result.World, result.WithSmmu));
        var buffers = (ulong)(Width * Height * (4 + 2 + 2));
        Assert.Multiple(() =>
        {
            foreach (var result in results)
            {
                var name = $"{result.World}, {(result.WithSmmu ? "with" : "without")} SMMU";
                var isShared = result.World != "none";
                Assert.That(result.CopiedBytes, Is.EqualTo(isShared ? 0 : (ulong)Pictures * (Width * Height * 6)), name);
                Assert.That(result.BufferBytes, Is.EqualTo(isShared ? buffers : 2 * buffers), name);
                Assert.That(result.CacheLines, Is.EqualTo(result.World is "ION" or "upstream" ? result.CacheLines : 0), name);
                foreach (var device in result.Devices)
                {
                    Assert.That(device.Needed, Is.LessThanOrEqualTo(device.Reachable), name);
                    var expected = (result.WithSmmu, result.World) switch
                    {
                        // All of RAM.
                        (false, _) => (128UL << 20) - device.Needed,
                        // All of the carve-out, and the rest of the ring's page.
                        (true, "PMEM") => SharingBoard.Carveout.Size.Value - (device.Needed & ~0xFFFUL) + RestOfRing(device),
                        // What no page can divide.
                        _ => RestOfRing(device),
                    };
                    Assert.That(device.Excess, Is.EqualTo(expected), $"{name}: {device.Device}");
                }
            }
            // Contiguous memory: whole buffers where nobody translates; a page where somebody does and the heap gives pages.
            foreach (var world in s_worlds)
                Assert.That(of[(world, false)].LargestRow, Is.EqualTo((ulong)(Width * Height * 4)), world);
            Assert.That(of[("ION", true)].LargestRow, Is.LessThan((ulong)(Width * Height * 4)), "of scattered pages");
            Assert.That(of[("upstream", true)].LargestRow, Is.LessThan((ulong)(Width * Height * 4)));
        });

        static ulong RestOfRing(DeviceReach device) => (4096 - (device.Needed & 0xFFF)) & 0xFFF;
    }

    [Test]
    public void Behind_an_SMMU_a_device_reaches_no_other_s_buffer([Values] SmmuVersion smmu)
    {
        using var board = new SharingBoard(smmu);
        var (camera, encoder, display) = (board.Device("camera", true), board.Device("encoder", true), board.Device("display", true));
        using var world = World(board, "upstream", true);
        using var pipeline = new MediaPipeline(board.Host, world, camera, encoder, display, Width, Height);
        // The camera may write its buffer, the encoder only read it; at the camera's address the display has something else or nothing.
        Assert.That(camera.Port.Write(pipeline.Raw.Written, [1, 2, 3], out _), Is.EqualTo(SmmuOutcome.Translated));
        Assert.That(encoder.Port.Write(pipeline.Raw.Read, [1, 2, 3], out _), Is.EqualTo(SmmuOutcome.Abort));
        Assert.That(board.Faults[^1].Kind, Is.EqualTo(DeviceFaultKind.Permission));
        var phys = camera.Device.Domain!.TryToPhys(pipeline.Raw.Written, out var raw) ? raw : default;
        foreach (var range in display.Device.Domain!.ReachableMemory())
            Assert.That(range.Contains(raw), Is.False);
        Assert.That(phys.Value, Is.Not.Zero);
    }

    private static PipelineResult Run(SharingBoard board, string name, bool withSmmu, bool isCoherent, bool check)
    {
        var devices = new[] { "camera", "encoder", "display" }.Select(device => board.Device(device, withSmmu, isCoherent)).ToArray();
        using var world = World(board, name, withSmmu);
        using var pipeline = new MediaPipeline(board.Host, world, devices[0], devices[1], devices[2], Width, Height);
        var picture = new byte[Width * Height * 4];
        for (var number = 0; number < Pictures; number++)
        {
            new Random(number).NextBytes(picture);
            var seen = false;
            pipeline.Run(number, picture, memory =>
            {
                seen = true;
                if (!check)
                    return;
                // What the processor finds is the picture in 16 bits.
                for (var pixel = 0; pixel < Width * Height; pixel += 37)
                {
                    var expected = PixelFormats.ToRgb565(BitConverter.ToUInt32(picture, pixel * 4));
                    Assert.That(board.Host.Memory.ReadUInt16(memory.At((ulong)pixel * 2)), Is.EqualTo(expected), $"pixel {pixel} of picture {number}");
                }
            });
            Assert.That(seen, Is.True);
            if (!check)
                continue;
            for (var pixel = 0; pixel < Width * Height; pixel++)
            {
                var expected = PixelFormats.FromRgb565(PixelFormats.ToRgb565(BitConverter.ToUInt32(picture, pixel * 4)));
                Assert.That(pipeline.Display.Screen[pixel], Is.EqualTo(expected), $"pixel {pixel} of picture {number} on the screen");
            }
        }
        return pipeline.Result();
    }

    private static BufferWorld World(SharingBoard board, string name, bool withSmmu)
    {
        switch (name)
        {
            case "PMEM":
                return new PmemWorld(board.Host, new PmemDevice(board.Host, "pmem_adsp", SharingBoard.Carveout, PmemAllocatorType.Bitmap));
            case "VCM":
                return new VcmWorld(board.Host, new VcmDevice(board.Host, "vcm", SharingBoard.Carveout), new PhysRange(new PhysAddr(0x4000_0000), 0x100_0000));
            case "ION":
                var ion = new IonDevice(board.Host);
                ion.AddHeap(new IonSystemHeap(0));
                ion.AddHeap(new IonCarveoutHeap(4, SharingBoard.Carveout));
                // Small blocks only, so that its pages are really scattered.
                Fragment(board);
                return new IonWorld(board.Host, ion, withSmmu ? 1u : 1u << 4);
            case "upstream":
                Fragment(board);
                return new UpstreamWorld(board.Host, withSmmu ? DmaHeap.System(board.Host) : DmaHeap.Cma(board.Host, board.Area));
            default:
                return new UnsharedWorld(board.Host);
        }
    }

    // Every other page of some is free and in front: the next single pages are these.
    private static void Fragment(SharingBoard board)
    {
        var cpu = board.Cpu;
        var pages = new Pages.Page[128];
        for (var i = 0; i < pages.Length; i++)
            pages[i] = cpu.AllocPage(Gfp.GfpFlags.Kernel);
        for (var i = 0; i < pages.Length; i++)
            cpu.FreePage(pages[(i * 37) % pages.Length]);
    }
}
