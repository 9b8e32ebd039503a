using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V3;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>An SMMUv3 with its driver, and structures written by hand.</summary>
internal abstract class SmmuRuleFixture
{
    protected const ulong Page = 4096;
    protected static readonly PhysAddr s_ram = new(0x200_0000);

    protected SmmuBench _bench = null!;

    [SetUp]
    public void Start() => _bench = new SmmuBench(new SmmuV3Features { StreamIdBits = 16, SubstreamIdBits = 8, Pri = true, Hypervisor = true });

    [TearDown]
    public void End() => _bench.Dispose();

    protected SmmuResult Access(uint stream, ulong address, AccessRights access = AccessRights.Read, uint? substream = null, Privilege privilege = Privilege.User) =>
        _bench.Smmu.Translate(new SmmuTransaction(stream, substream, address, access, privilege));

    protected void Reported(params EventType[] types) => Assert.That(_bench.Events.Select(e => e.Type), Is.EqualTo(types));

    protected PhysAddr NewPage()
    {
        var page = _bench.Cpu.GetZeroedPage(Runtime.Gfp.GfpFlags.Kernel)!.Value;
        return _bench.Machine.Map.PageToPhys(_bench.Machine.Map.VirtToPage(page));
    }

    protected void Write(PhysAddr at, StructureWords words)
    {
        for (var i = 0; i < StructureWords.Count; i++)
            _bench.Machine.Memory.WriteUInt64(at + (ulong)(8 * i), words[i]);
    }

    protected PageTables<Vmsav8Format<Granule4K>> Stage1(params (ulong Virt, PhysAddr Phys)[] maps)
    {
        var tables = PageTables.Create(_bench.Cpu, _bench.Machine.Memory, new Vmsav8Format<Granule4K>(39, 48), new TlbDomain())!;
        var prot = tables.Prot(new PageAttributes(AccessRights.ReadWrite, AccessRights.ReadWrite, MemoryType.NormalWriteBackWriteAllocate) { IsGlobal = false, IsDirty = true });
        foreach (var (virt, phys) in maps)
            Assert.That(tables.Map(_bench.Cpu, new VirtAddr(virt), phys, Page, prot).IsOk, Is.True);
        return tables;
    }

    protected PageTables<Vmsav8Stage2Format<Granule4K>> Stage2(AccessRights rights, params (ulong Ipa, PhysAddr Phys)[] maps)
    {
        var tables = PageTables.Create(_bench.Cpu, _bench.Machine.Memory, new Vmsav8Stage2Format<Granule4K>(40, 48), new TlbDomain())!;
        var prot = tables.Prot(new PageAttributes(rights, rights, MemoryType.NormalWriteBackWriteAllocate));
        foreach (var (ipa, phys) in maps)
            Assert.That(tables.Map(_bench.Cpu, new VirtAddr(ipa), phys, Page, prot).IsOk, Is.True);
        return tables;
    }

    protected static ContextDescriptor Cd(PhysAddr root, ushort asid = 1) => ContextDescriptor.Lower(root, 39, 12, 48, Vmsav8Format<Granule4K>.DefaultMair, asid);
}
