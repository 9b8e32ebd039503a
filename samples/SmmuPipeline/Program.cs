using System;
using System.Collections.Generic;
using System.Linq;
using Boards;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Sharing;
using KmemKit.Runtime.Sharing.Pipeline;
using KmemKit.Runtime.Sharing.Pmem;
using KmemKit.Runtime.Sharing.Upstream;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V3;
using KmemKit.Runtime.Smmu.V3.Driver;

// Camera, encoder and display pass pictures on without a copy: first with devices on the bus, then with each behind an SMMU in an address space of its own.
const int Width = 64, Height = 48, Pictures = 4;
var results = new List<PipelineResult>();
foreach (var withSmmu in new[] { false, true })
{
    using var kernel = MmuKernel<Apq8016Sbc>.Boot();
    var cpu = kernel.Allocator.Cpus[0];
    var smmu = new SmmuV3(kernel.Memory, new SmmuV3Features { StreamIdBits = 8 });
    using var driver = SmmuV3Driver.Start(cpu, kernel.Memory, smmu);
    var refused = new List<EventRecord>();
    driver.EventReceived += refused.Add;

    var owned = new Stack<IDisposable>();
    string[] names = ["camera", "encoder", "display"];
    var devices = names.Select((name, i) =>
    {
        if (!withSmmu)
        {
            var onBus = new DmaDevice(name);
            return new PipelineDevice(onBus, new BusPort(kernel.Memory, onBus));
        }
        var domain = SmmuDomain.TryCreate<Granule4K>(driver, cpu, kernel.Memory)!;
        owned.Push(domain);
        domain.Attach((uint)i + 1);
        var port = new SmmuPort(smmu, (uint)i + 1);
        owned.Push(port);
        return new PipelineDevice(new DmaDevice(name) { Domain = domain }, port);
    }).ToArray();

    var host = new SharingHost(cpu, kernel.Memory, new DmaMapper(kernel.Memory), new BufferCpuMapper(kernel));
    // Without an SMMU buffers have to be contiguous: they come from memory that the board sets aside. With one, any pages will do.
    var carveout = Apq8016Sbc.Reserved.ToArray().First(r => r.Name.Contains("venus", StringComparison.Ordinal)).Range;
    using (BufferWorld world = withSmmu ? new UpstreamWorld(host, DmaHeap.System(host)) : new PmemWorld(host, new PmemDevice(host, "pmem_venus", carveout, PmemAllocatorType.Bitmap)))
    using (var pipeline = new MediaPipeline(host, world, devices[0], devices[1], devices[2], Width, Height))
    {
        var picture = new byte[Width * Height * 4];
        for (var number = 0; number < Pictures; number++)
        {
            Draw(picture, number);
            pipeline.Run(number, picture);
        }
        Console.WriteLine(withSmmu ? "== each device behind the SMMU" : "== all devices on the bus");
        Console.WriteLine($"{Pictures} pictures went through; the last one on the screen:");
        for (var row = 0; row < Height; row += 6)
            Console.WriteLine("    " + string.Concat(Enumerable.Range(0, Width / 2).Select(x => (pipeline.Display.Screen[(row * Width) + (x * 2)] & 0xff) > 0x80 ? '#' : '.')));

        // Now the encoder writes where it may only read: the camera's buffer, and memory of the kernel.
        var kernelMemory = kernel.Alloc(4096)!.Value;
        var phys = kernel.Addresses.VirtToPhys(kernelMemory);
        Console.WriteLine($"the encoder writes into the camera's picture: {devices[1].Port.Write(pipeline.Raw.Read, [0, 0, 0, 0], out _)}");
        Console.WriteLine($"the encoder writes into the kernel's memory:  {devices[1].Port.Write(new BusAddr(phys.Value), [0, 0, 0, 0], out _)}");
        foreach (var record in refused)
            Console.WriteLine($"    the SMMU reports {record.Type} of stream {record.StreamId} at 0x{record.InputAddress:x}");
        kernel.Free(kernelMemory);
        results.Add(pipeline.Result());
    }
    while (owned.TryPop(out var each))
        each.Dispose();
    Console.WriteLine();
}
Console.Write(SharingComparisonText.Results(results));

// A bright square that moves.
static void Draw(byte[] picture, int number)
{
    for (var y = 0; y < Height; y++)
    {
        for (var x = 0; x < Width; x++)
        {
            var isBright = Math.Abs(x - (12 + (number * 12))) < 8 && Math.Abs(y - 24) < 12;
            picture.AsSpan(((y * Width) + x) * 4, 4).Fill(isBright ? (byte)0xff : (byte)0x10);
        }
    }
}
