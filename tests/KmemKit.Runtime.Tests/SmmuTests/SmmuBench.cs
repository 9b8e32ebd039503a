using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Smmu.V3;
using KmemKit.Runtime.Smmu.V3.Driver;
using KmemKit.Runtime.Tests.PageTests;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>A board with an SMMU that its driver turned on, and the events that came.</summary>
internal sealed class SmmuBench : IDisposable
{
    public SmmuBench(SmmuV3Features? features = null, int eventBits = 7)
    {
        Machine = Machine.Arm(64 * Machine.MiB, new PageAllocatorOptions { Cpus = 2 });
        Smmu = new SmmuV3(Machine.Memory, features ?? new SmmuV3Features { StreamIdBits = 16 });
        Driver = SmmuV3Driver.Start(Cpu, Machine.Memory, Smmu, eventBits: eventBits);
        Driver.EventReceived += Events.Add;
    }

    public Machine Machine { get; }

    public SmmuV3 Smmu { get; }

    public SmmuV3Driver Driver { get; }

    public Cpu Cpu => Machine.Cpu;

    public List<EventRecord> Events { get; } = [];

    public SmmuDomain<Granule4K> Domain() => SmmuDomain.TryCreate<Granule4K>(Driver, Cpu, Machine.Memory)!;

    public long FreePages
    {
        get
        {
            Machine.Allocator.DrainAllPages(Cpu);
            var pages = 0L;
            foreach (var zone in Machine.Allocator.Zones)
                pages += zone.FreePages;
            return pages;
        }
    }

    public void Dispose()
    {
        Driver.Dispose();
        Machine.Allocator.Verify();
        Machine.Dispose();
    }
}
