using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>A board with an MMU of any format: page allocator, one tree, CPUs with small TLBs, and every report of a mistake kept.</summary>
internal sealed class MmuMachine<TFormat> : IDisposable
    where TFormat : struct, ITranslationFormat
{
    private readonly Machine _machine;

    public MmuMachine(TFormat format = default, int cpus = 1, bool watch = true, TlbProfile? profile = null, ulong megabytes = 64)
    {
        _machine = Machine.Arm(megabytes * Machine.MiB, new PageAllocatorOptions { Cpus = Math.Max(2, cpus) });
        Domain = new TlbDomain();
        Domain.BugReported += Bugs.Add;
        if (watch)
            Domain.Watch();
        Format = format;
        Tables = PageTables.Create(Cpu, _machine.Memory, format, Domain)!;
        for (var i = 0; i < cpus; i++)
        {
            var cpu = new MmuCpu<TFormat>(_machine.Memory, new TlbModel(profile ?? new TlbProfile("small", 64, 4), Domain));
            cpu.SetTables(format, Tables.Root, 1);
            Cpus.Add(cpu);
        }
        // Where execution cannot be withheld, all there is.
        Rw = Tables.TryProt(Attributes(AccessRights.ReadWrite, AccessRights.None), out var rw) == EncodingRefusal.None ? rw! : Prot(AccessRights.All, AccessRights.None);
    }

    public TFormat Format { get; }

    public TlbDomain Domain { get; }

    public PageTables<TFormat> Tables { get; }

    public List<MmuCpu<TFormat>> Cpus { get; } = [];

    public MmuCpu<TFormat> Port => Cpus[0];

    public List<TranslationBug> Bugs { get; } = [];

    public PageProt Rw { get; }

    public Machine Machine => _machine;

    public Cpu Cpu => _machine.Cpu;

    public ulong Page => 1UL << Format.PageShift;

    /// <summary>The lowest address of the tree.</summary>
    public ulong Base => Format.InputRanges[0].Start.Value;

    public PageAttributes Attributes(AccessRights privileged, AccessRights user, MemoryUse use = MemoryUse.Cached)
    {
        var type = Format.TypeFor(use);
        var attributes = new PageAttributes(privileged, user, type, type.IsNormal() ? Shareability.Inner : Shareability.None) { IsDirty = true };
        return Format.Canonical(attributes);
    }

    public PageProt Prot(AccessRights privileged, AccessRights user, MemoryUse use = MemoryUse.Cached, ulong largest = ulong.MaxValue)
    {
        Assert.That(Tables.TryProt(Attributes(privileged, user, use), out var prot, largest), Is.EqualTo(EncodingRefusal.None));
        return prot!;
    }

    public PageTableResult Map(ulong virt, ulong phys, ulong size, PageProt? prot = null) => Tables.Map(Cpu, new VirtAddr(virt), new PhysAddr(phys), size, prot ?? Rw);

    public PageTableResult Unmap(ulong virt, ulong size) => Tables.Unmap(Cpu, new VirtAddr(virt), size);

    public PageTableResult Protect(ulong virt, ulong size, PageProt prot) => Tables.Protect(Cpu, new VirtAddr(virt), size, prot);

    /// <summary>Where the reference walk of the manuals ends; null where it faults.</summary>
    public ulong? Walk(ulong virt) => Tables.Walk(new VirtAddr(virt)) is { IsMapped: true } found ? found.Output : null;

    public MemoryFault FaultOf(Action access) => Assert.Throws<MemoryFaultException>(() => access())!.Fault;

    public void NoBugs() => Assert.That(Bugs, Is.Empty, () => string.Join("\n", Bugs));

    public void Dispose() => _machine.Dispose();
}
