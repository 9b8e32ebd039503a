using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Tables;
using KmemKit.Conformance.Streams;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V3;

namespace KmemKit.Conformance.Boards.Subjects;

/// <summary>The registers and the image of an SMMU's tables, read by the reference walker.</summary>
internal sealed class StreamImageSubject(SmmuPlan smmu, PhysAddr start, ImmutableArray<byte> image) : IStreamSubject
{
    private readonly StreamWalk.ImageWalker _walker = new(smmu, new TableImageMemory(start, image));

    // What is illegal is refused by the hardware.
    public StreamReach? Reach(uint stream, ulong address) => _walker.Walk(stream, new BusAddr(address)) is { Outcome: StreamOutcome.Translated or StreamOutcome.Bypassed, Output: { } output } walk
        ? new StreamReach(output.Value, walk.Access) : null;
}

/// <summary>The runtime's SMMUv3, with the image in its memory and the registers written: switched on, as the firmware would.</summary>
internal sealed class BootedSmmu : IStreamSubject, IDisposable
{
    private readonly PhysicalMemory _memory;
    private readonly SmmuV3 _smmu;

    public BootedSmmu(SmmuPlan smmu, PhysAddr start, ImmutableArray<byte> image)
    {
        // Nothing is read but the tables.
        var first = start.Value & ~0xFFFFUL;
        _memory = PhysicalMemory.Create([new PhysRange(new PhysAddr(first), ((start.Value + (ulong)image.Length) | 0xFFFF) + 1 - first)]);
        _memory.Write(start, image.AsSpan());
        // What the model does not have changes nothing of how these tables are walked.
        _smmu = new SmmuV3(_memory, smmu.Smmu.V3 with { HardwareUpdate = 0, AArch32Tables = false, Ats = false });
        foreach (var register in smmu.Registers)
            _smmu.Write(register.Offset, register.Size, register.Value);
        _smmu.Write(SmmuV3Register.Cr0, 4, (uint)SmmuV3Control.SmmuEnable);
    }

    public StreamReach? Reach(uint stream, ulong address)
    {
        var (reach, rights) = (0UL, AccessRights.None);
        foreach (var access in (ReadOnlySpan<AccessRights>)[AccessRights.Read, AccessRights.Write])
        {
            var result = _smmu.Translate(new SmmuTransaction(stream, null, address, access));
            if (result.Outcome == SmmuOutcome.Translated)
                (reach, rights) = (result.Address.Value, rights | access);
        }
        return rights == AccessRights.None ? null : new StreamReach(reach, rights);
    }

    public void Dispose() => _memory.Dispose();
}
