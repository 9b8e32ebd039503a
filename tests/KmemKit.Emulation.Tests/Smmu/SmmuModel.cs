using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V3;
using R = KmemKit.Architecture.Smmu.V3.SmmuV3Register;

namespace KmemKit.Emulation.Tests.Smmu;

/// <summary>What the model says about an access.</summary>
/// <param name="Output">Where it goes; null where it ends.</param>
/// <param name="Event">The record; null for none.</param>
public readonly record struct DmaPrediction(ulong? Output, EventRecord? Event)
{
    public override string ToString() => Output is { } output ? $"goes to 0x{output:x}"
        : Event is { } e ? $"{e.Type} stream 0x{e.StreamId:x} at 0x{e.InputAddress:x} {(e.IsRead ? "read" : "write")} class {e.Class} fetch 0x{e.IpaOrFetchAddress:x}" : "is aborted without an event";
}

/// <summary>The run-time SMMUv3 with the machine's RAM and the same images, driven by the same register writes and commands as the firmware's.</summary>
public sealed class SmmuModel : IDisposable
{
    private const ulong Commands = 0x4000_0000, Events = 0x4000_1000;
    private const int QueueBits = 6;

    private readonly PhysicalMemory _memory = PhysicalMemory.Create([new PhysRange(new PhysAddr(0x4000_0000), 0x4000_0000)]);
    private readonly SmmuV3 _smmu;
    private uint _producer;

    public SmmuModel(SmmuV3Features features, IEnumerable<MemoryImage> images)
    {
        foreach (var image in images)
            _memory.Write(new PhysAddr(image.Address), image.Bytes);
        _smmu = new SmmuV3(_memory, features);
        _smmu.Write(R.CmdqBase, 8, Commands | QueueBits);
        _smmu.Write(R.EventqBase, 8, Events | QueueBits);
    }

    /// <summary>A round's predictions.</summary>
    public IReadOnlyList<DmaPrediction> Run(SmmuRound round)
    {
        _smmu.Write(R.Cr0, 4, 0);
        _smmu.Write(R.Cr2, 4, round.Cr2);
        _smmu.Write(R.StrtabBase, 8, round.StrtabBase);
        _smmu.Write(R.StrtabBaseCfg, 4, round.StrtabBaseConfig);
        foreach (var (address, value) in round.Writes)
            _memory.WriteUInt64(new PhysAddr(address), value);
        _smmu.Write(R.Cr0, 4, 12);
        foreach (var command in round.Commands)
            Do(command);
        _smmu.Write(R.Cr0, 4, 13);
        return [.. round.Probes.Select(Access)];
    }

    private void Do(Command command)
    {
        var at = Commands + ((_producer & ((1u << QueueBits) - 1)) * Command.Bytes);
        _memory.WriteUInt64(new PhysAddr(at), command.Word0);
        _memory.WriteUInt64(new PhysAddr(at + 8), command.Word1);
        _producer = (_producer + 1) & ((2u << QueueBits) - 1);
        _smmu.Write(R.CmdqProd, 4, _producer);
        if (((uint)_smmu.Read(R.CmdqCons, 4) & ((2u << QueueBits) - 1)) != _producer)
            throw new InvalidOperationException("The model refuses a command.");
    }

    private DmaPrediction Access(DmaProbe probe)
    {
        var result = _smmu.Translate(new SmmuTransaction(SmmuMachine.Streams[probe.Device], null, probe.Target, probe.IsWrite ? AccessRights.Write : AccessRights.Read));
        var (producer, consumer) = ((uint)_smmu.Read(R.EventqProd, 4), (uint)_smmu.Read(R.EventqCons, 4));
        EventRecord? record = null;
        if (producer != consumer)
        {
            Span<ulong> words = stackalloc ulong[EventRecord.Count];
            for (var i = 0; i < words.Length; i++)
                words[i] = _memory.ReadUInt64(new PhysAddr(Events + ((consumer & ((1u << QueueBits) - 1)) * EventRecord.Bytes) + (ulong)(8 * i)));
            record = EventRecord.Decode(words);
            _smmu.Write(R.EventqCons, 4, producer);
        }
        return new DmaPrediction(result.Outcome == SmmuOutcome.Translated ? result.Address.Value : null, record);
    }

    public void Dispose() => _memory.Dispose();
}
