using System;
using System.Collections.Generic;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Tests.PageTests;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>A board with an SMMU of either architecture that its driver turned on, and the faults of devices that it told.</summary>
internal abstract class DeviceBench : IDisposable
{
    protected DeviceBench() => Machine = Machine.Arm(64 * Machine.MiB, new PageAllocatorOptions { Cpus = 2 });

    /// <summary>One of an architecture.</summary>
    public static DeviceBench Of(SmmuVersion version) => version == SmmuVersion.V2 ? new SmmuV2Bench() : new SmmuBench();

    public Machine Machine { get; }

    public abstract SystemMmu Smmu { get; }

    public abstract SmmuDriver Driver { get; }

    public Cpu Cpu => Machine.Cpu;

    public List<DeviceFault> Faults { get; } = [];

    /// <summary>Accesses that wait.</summary>
    public abstract int StalledCount { get; }

    /// <summary>Invalidations of TLBs, and syncs.</summary>
    public abstract (ulong Invalidations, ulong Syncs) Maintenance { get; }

    public abstract ulong TlbHits { get; }

    /// <summary>Pages that the driver keeps for a stream that was attached once: a second-level stream table of 2^8 entries of 64 bytes, or nothing.</summary>
    public abstract long PagesOfStream { get; }

    /// <summary>From now on faults of a domain stall.</summary>
    public abstract void Stall(TranslatedDomain<Granule4K> domain, uint stream);

    /// <summary>Answers the last fault.</summary>
    public abstract void Resume(TranslatedDomain<Granule4K> domain, Architecture.Smmu.V3.ResumeAction action);

    public TranslatedDomain<Granule4K> Domain() => Driver.TryCreateDomain<Granule4K>(Cpu, Machine.Memory)!;

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
