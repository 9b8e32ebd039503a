using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Smmu.Stages;

/// <summary>A stage of translation: a TLB, whose entries hold until they are invalidated, and a walk where it has none.</summary>
/// <param name="memory">Where tables are.</param>
/// <param name="tlb">The TLB.</param>
internal sealed class StageTranslator(PhysicalMemory memory, TlbModel tlb)
{
    /// <summary>Translates an address that the tree has.</summary>
    /// <param name="walk">The tree.</param>
    /// <param name="address">The address.</param>
    /// <param name="asid">Address space.</param>
    /// <param name="vmid">Guest.</param>
    /// <param name="access">What is tried.</param>
    /// <param name="privilege">Who tries.</param>
    /// <param name="guest">Stage 2 that the tables lie behind; the default for none.</param>
    public StageFault Translate(StageWalk walk, ulong address, ushort asid, ushort vmid, AccessRights access, Privilege privilege, in SecondStage guest = default)
    {
        if (!TryHit(address, TlbModel.ContextOf(asid, vmid), out var hit))
        {
            if (walk.Refusal.Cause != FaultCause.None)
                return StageFault.Of(walk.Refusal.Cause, walk.Refusal.Level);
            var tables = new SmmuTables(memory, walk.IsBigEndian, guest);
            var found = walk.Walk(ref tables, address);
            if (!found.IsMapped)
            {
                return tables.Nested.Cause != FaultCause.None
                    ? tables.Nested with { IsTableWalk = true, IsStage1Walk = true }
                    : StageFault.Of(found.Fault.Cause, found.Level) with { IsTableWalk = found.Fault.Cause == FaultCause.ExternalAbortOnWalk, Ipa = found.DescriptorAddress };
            }
            hit = EntryOf(walk, found, address, asid, vmid);
            // What faults by its access flag is never kept (Arm DDI 0487, D8.5.4).
            if (!hit.Attributes.IsAccessed)
                return StageFault.Of(FaultCause.AccessFlag, found.Level);
            Fill(hit);
        }
        var output = hit.Output.Value | (address & ((1UL << hit.Shift) - 1));
        return new StageFault(walk.Check(hit.Attributes, access, privilege), output, hit.Shift, hit.Attributes) { Level = hit.Level };
    }

    private static TlbEntry EntryOf(StageWalk walk, in Translation found, ulong address, ushort asid, ushort vmid)
    {
        var shift = walk.LeafShift(found);
        var mask = (1UL << shift) - 1;
        return new TlbEntry
        {
            First = new VirtAddr(address & ~mask), Output = new PhysAddr(found.Output & ~mask), Shift = (byte)shift, Level = (sbyte)found.Level,
            Attributes = walk.Decode(found), Asid = asid, Vmid = vmid,
        };
    }

    private bool TryHit(ulong address, ulong context, out TlbEntry entry)
    {
        tlb.Enter();
        var place = tlb.Find(address, context);
        if (place >= 0)
        {
            tlb.CountHit();
            entry = tlb.At(place);
        }
        else
        {
            tlb.CountMiss();
            entry = default;
        }
        tlb.Leave();
        return place >= 0;
    }

    private void Fill(in TlbEntry entry)
    {
        tlb.Enter();
        tlb.Fill(entry);
        tlb.Leave();
    }
}
