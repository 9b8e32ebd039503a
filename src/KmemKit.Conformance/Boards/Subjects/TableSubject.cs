using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Conformance.Protections;
using KmemKit.Conformance.Translations;

namespace KmemKit.Conformance.Boards.Subjects;

/// <summary>A page that an image maps.</summary>
/// <param name="Virt">First virtual address.</param>
/// <param name="Phys">Where it leads.</param>
/// <param name="Size">Bytes of the entry.</param>
/// <param name="Privileged">Rights of the kernel.</param>
/// <param name="User">Rights of processes.</param>
internal readonly record struct MappedEntry(ulong Virt, ulong Phys, ulong Size, AccessRights Privileged, AccessRights User)
{
    /// <summary>The last virtual address.</summary>
    public ulong Last => Virt + (Size - 1);

    public override string ToString() => $"0x{Virt:x} to 0x{Last:x} mapped to 0x{Phys:x}, \"{Privileged.ToText()}\" for the kernel and \"{User.ToText()}\" for processes";
}

/// <summary>The image of a board's page tables: walked by the reference walker for an address, and read through entry by entry for all of them.</summary>
internal sealed class TableSubject(PageTablePlan plan, System.Collections.Immutable.ImmutableArray<byte> image) : ITranslationSubject, IProtectionSubject
{
    private TableImageMemory _memory = new(plan.Base, image);

    public bool HasPhysToVirt => false;

    // It maps more than the linear map; what it must not map is its own rule.
    public bool Refuses => false;

    public ulong? PhysToVirt(ulong address) => null;

    public ulong? VirtToPhys(ulong address) => Walk(address, out _) is { IsMapped: true } found ? found.Output : null;

    public AccessRights RightsAt(ulong address, Privilege privilege)
    {
        var found = Walk(address, out var format);
        if (format is null || !found.IsMapped)
            return AccessRights.None;
        var attributes = format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
        return privilege == Privilege.Privileged ? attributes.Privileged : attributes.User;
    }

    public MpuMemoryType? MemoryAt(ulong address, Privilege privilege) => null;

    /// <summary>Every entry that maps something, of all trees, by reading every descriptor that is reachable.</summary>
    public IEnumerable<MappedEntry> Entries()
    {
        for (var i = 0; i < plan.Roots.Length; i++)
        {
            var format = plan.Regime.Trees[plan.Tables[plan.Roots[i]].Tree].Format;
            foreach (var entry in Entries(format, plan.AddressOf(plan.Roots[i]).Value, format.RootLevel, 0, 0, 0))
                yield return entry;
        }
    }

    private IEnumerable<MappedEntry> Entries(ITranslationFormat format, ulong table, int level, ulong virt, ulong limits, int depth)
    {
        if (depth > 8)
            throw new System.InvalidOperationException($"The table at 0x{table:x} leads to itself.");
        var count = 1UL << format.IndexBits(level);
        for (var i = 0UL; i < count; i++)
        {
            if (!_memory.TryRead(table + (i * (ulong)format.DescriptorSize), format.DescriptorSize, out var descriptor))
                throw new System.InvalidOperationException($"Entry {i} of the table at 0x{table:x} (level {level}) lies outside of the image.");
            var at = virt + (i << format.LevelShift(level));
            if (depth == 0 && !format.Translates(at))
                at |= format.InputBits < 64 ? ulong.MaxValue << format.InputBits : 0;
            switch (format.KindOf(descriptor, level))
            {
                case DescriptorKind.Table:
                    foreach (var entry in Entries(format, format.TableAddress(descriptor, level), format.NextLevel(level), at, limits | format.Limits(descriptor, level), depth + 1))
                        yield return entry;
                    break;
                case DescriptorKind.Leaf:
                    var attributes = format.DecodeLeaf(descriptor, level, limits);
                    var within = at & ((1UL << format.LeafShift(descriptor, level)) - 1);
                    yield return new MappedEntry(at, format.LeafAddress(descriptor, level) | within, 1UL << format.LevelShift(level), attributes.Privileged, attributes.User);
                    break;
            }
        }
    }

    private Translation Walk(ulong address, out ITranslationFormat? format)
    {
        var tree = plan.Regime.TreeOf(new VirtAddr(address));
        format = tree < 0 ? null : plan.Regime.Trees[tree].Format;
        return format is null ? default(Translation) with { Fault = new TranslationFault(FaultCause.Translation, 0) } : Walker.Walk(format, ref _memory, plan.AddressOf(plan.Roots[tree]).Value, address);
    }
}
