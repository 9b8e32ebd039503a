using System.Collections.Generic;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V3;
using KmemKit.Runtime.Smmu.V3.Driver;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>A board with an SMMUv3 that its driver turned on, and the events that came.</summary>
internal sealed class SmmuBench : DeviceBench
{
    public SmmuBench(SmmuV3Features? features = null, int eventBits = 7)
    {
        Smmu = new SmmuV3(Machine.Memory, features ?? new SmmuV3Features { StreamIdBits = 16 });
        Driver = SmmuV3Driver.Start(Cpu, Machine.Memory, Smmu, eventBits: eventBits);
        Driver.EventReceived += Events.Add;
        Driver.DeviceFaulted += Faults.Add;
    }

    public override SmmuV3 Smmu { get; }

    public override SmmuV3Driver Driver { get; }

    public List<EventRecord> Events { get; } = [];

    public override int StalledCount => Smmu.StalledCount;

    public override (ulong Invalidations, ulong Syncs) Maintenance => (Smmu.Statistics.TlbInvalidations, Smmu.Statistics.Syncs);

    public override ulong TlbHits => Smmu.Stage1Tlb.Hits;

    public override long PagesOfStream => 4;

    public new SmmuDomain<Granule4K> Domain() => SmmuDomain.TryCreate<Granule4K>(Driver, Cpu, Machine.Memory)!;

    public override void Stall(TranslatedDomain<Granule4K> domain, uint stream)
    {
        var at = Driver.ReadEntry(stream).ContextTable;
        var words = new ulong[StructureWords.Count];
        for (var i = 0; i < words.Length; i++)
            words[i] = Machine.Memory.ReadUInt64(at + ((ulong)i * 8));
        var cd = new ContextDescriptor(new StructureWords(words)).WithStalls();
        for (var i = 0; i < words.Length; i++)
            Machine.Memory.WriteUInt64(at + ((ulong)i * 8), cd.Words[i]);
        Driver.SendAndSync(Command.CfgiAll);
    }

    public override void Resume(TranslatedDomain<Granule4K> domain, ResumeAction action) =>
        Driver.SendAndSync(Command.Resume(Events[^1].StreamId, Events[^1].StallTag, action));
}
