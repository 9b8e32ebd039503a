using System.Collections.Generic;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V2;
using KmemKit.Runtime.Smmu.V2.Driver;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>A board with an SMMUv2 that its driver turned on, whatever its registers held after reset, and the faults that came.</summary>
internal sealed class SmmuV2Bench : DeviceBench
{
    public SmmuV2Bench(SmmuV2Features? features = null, uint streamMatchMask = 0, bool letsOthersPass = false)
    {
        Smmu = new SmmuV2(Machine.Memory, features, unknownSeed: 20);
        Driver = SmmuV2Driver.Start(Smmu, streamMatchMask, letsOthersPass);
        Driver.ContextFaultReceived += ContextFaults.Add;
        Driver.GlobalFaultReceived += GlobalFaults.Add;
        Driver.DeviceFaulted += Faults.Add;
    }

    public override SmmuV2 Smmu { get; }

    public override SmmuV2Driver Driver { get; }

    public List<ContextFault> ContextFaults { get; } = [];

    public List<GlobalFault> GlobalFaults { get; } = [];

    /// <summary>No fault is kept from here on, as where several threads make them.</summary>
    public void StopListening()
    {
        Driver.ContextFaultReceived -= ContextFaults.Add;
        Driver.GlobalFaultReceived -= GlobalFaults.Add;
        Driver.DeviceFaulted -= Faults.Add;
    }

    public override int StalledCount => Smmu.StalledCount;

    public override (ulong Invalidations, ulong Syncs) Maintenance => (Smmu.Statistics.TlbInvalidations, Smmu.Statistics.Syncs);

    public override ulong TlbHits => Smmu.Stage1Tlb.Hits;

    public override long PagesOfStream => 0;

    public new SmmuV2Domain<Granule4K> Domain() => SmmuV2Domain.TryCreate<Granule4K>(Driver, Cpu, Machine.Memory)!;

    public override void Stall(TranslatedDomain<Granule4K> domain, uint stream) => ((SmmuV2Domain<Granule4K>)domain).StallsFaults = true;

    public override void Resume(TranslatedDomain<Granule4K> domain, ResumeAction action) =>
        Driver.Resume(((SmmuV2Domain<Granule4K>)domain).Bank, action != ResumeAction.Retry);
}
