using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Cma;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Sharing;
using KmemKit.Runtime.Sharing.Pipeline;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V2;
using KmemKit.Runtime.Smmu.V2.Driver;
using KmemKit.Runtime.Smmu.V3;
using KmemKit.Runtime.Smmu.V3.Driver;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SharingTests;

/// <summary>A board with a carve-out, a contiguous area, an SMMU and a kernel with its MMU on. At the end everything must be back.</summary>
internal sealed class SharingBoard : IDisposable
{
    public static readonly PhysRange Carveout = new(new PhysAddr(0x8700_0000), 0x80_0000);

    private static readonly MemoryLayout s_layout = TestBoards.Arm64("""
        memory@80000000 { device_type = "memory"; reg = <0x0 0x80000000 0x0 0x8000000>; };
        reserved-memory {
            #address-cells = <2>;
            #size-cells = <2>;
            ranges;
            pmem@87000000 { no-map; reg = <0x0 0x87000000 0x0 0x800000>; };
            multimedia@86000000 { compatible = "shared-dma-pool"; reusable; linux,cma-default; reg = <0x0 0x86000000 0x0 0x800000>; };
        };
        """);

    private readonly List<TranslatedDomain<Granule4K>> _domains = [];
    private readonly List<SmmuPort> _ports = [];
    private readonly MmuKernel _kernel;
    private readonly SmmuDriver _driver;
    private readonly int _types;
    private readonly long _free;

    public SharingBoard(SmmuVersion version = SmmuVersion.V3)
    {
        _kernel = MmuKernel.Boot(s_layout);
        _driver = version == SmmuVersion.V2
            ? SmmuV2Driver.Start(new SmmuV2(_kernel.Memory, unknownSeed: 3))
            : SmmuV3Driver.Start(Cpu, _kernel.Memory, new SmmuV3(_kernel.Memory, new SmmuV3Features { StreamIdBits = 8 }));
        _driver.DeviceFaulted += Faults.Add;
        Processor = _kernel.Cpu;
        Host = new SharingHost(Cpu, _kernel.Memory, new DmaMapper(_kernel.Memory), new BufferCpuMapper(_kernel));
        // The table of the vmalloc range's first pages stays once it is made: it is made now.
        Host.CpuMapper.Unmap(Cpu, Host.CpuMapper.Map(Cpu, BufferMemory.Of([new DmaPiece(Carveout.Start, 4096)]), Architecture.Mmu.MemoryUse.Cached, "warm-up"));
        _types = _kernel.Types.Mappings.Count;
        _free = FreePages;
    }

    public SharingHost Host { get; }

    public SystemMmu Smmu => _driver.Smmu;

    public List<DeviceFault> Faults { get; } = [];

    public ICpuPort Processor { get; }

    public Cpu Cpu => _kernel.Allocator.Cpus[0];

    public CmaArea Area => _kernel.Allocator.CmaAreas.Single();

    public MmuKernel Kernel => _kernel;

    /// <summary>A device, with a domain of its own or on the bus.</summary>
    public PipelineDevice Device(string name, bool withSmmu, bool isCoherent = true)
    {
        if (!withSmmu)
        {
            var onBus = new DmaDevice(name) { IsCoherent = isCoherent };
            return new PipelineDevice(onBus, new BusPort(_kernel.Memory, onBus));
        }
        var domain = _driver.TryCreateDomain<Granule4K>(Cpu, _kernel.Memory)!;
        _domains.Add(domain);
        domain.Attach((uint)_domains.Count);
        var port = new SmmuPort(Smmu, (uint)_domains.Count);
        _ports.Add(port);
        return new PipelineDevice(new DmaDevice(name) { Domain = domain, IsCoherent = isCoherent }, port);
    }

    public void Dispose()
    {
        foreach (var port in _ports)
            port.Dispose();
        foreach (var domain in _domains)
            domain.Dispose();
        _kernel.Vmalloc.Purge(Cpu);
        Assert.Multiple(() =>
        {
            Assert.That(_kernel.Vmalloc.Areas, Is.Empty, "every kernel mapping is gone");
            Assert.That(_kernel.Types.Mappings, Has.Count.EqualTo(_types), "and its type with it");
            Assert.That(FreePages, Is.EqualTo(_free), "every page is back");
            Assert.That(Area.Statistics().Used, Is.Zero);
        });
        _driver.Dispose();
        _kernel.Allocator.Verify();
        _kernel.Dispose();
    }

    private long FreePages
    {
        get
        {
            _kernel.Allocator.DrainAllPages(Cpu);
            return _kernel.Allocator.Zones.Sum(zone => zone.FreePages);
        }
    }

    public static SharingException Refused(Action action, SharingError error, params string[] named)
    {
        var refused = Assert.Throws<SharingException>(() => action())!;
        Assert.That(refused.Error, Is.EqualTo(error), refused.Message);
        foreach (var name in named)
            Assert.That(refused.Message, Does.Contain(name));
        return refused;
    }
}
