using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.Architecture.Smmu.V3;

namespace KmemKit.Emulation.Tests.Smmu;

/// <summary>An access that a device is made to do.</summary>
/// <param name="Device">Number of the device (<see cref="SmmuMachine.Streams"/>).</param>
/// <param name="Address">Device address of the page.</param>
/// <param name="IsWrite">Direction.</param>
public readonly record struct DmaProbe(int Device, ulong Address, bool IsWrite)
{
    /// <summary>Where in a page a read finds its number, and where a write goes.</summary>
    public const ulong Number = 16, Written = 24;

    /// <summary>The very address.</summary>
    public ulong Target => Address + (IsWrite ? Written : Number);

    public override string ToString() => $"device {Device} {(IsWrite ? "write" : "read")} 0x{Target:x}";
}

/// <summary>Probes under one stream table.</summary>
public sealed record SmmuRound(string Name, ulong StrtabBase, uint StrtabBaseConfig, IReadOnlyList<DmaProbe> Probes)
{
    /// <summary>SMMU_CR2: RECINVSID, as QEMU 7.2 records C_BAD_STREAMID whether it is asked to or not.</summary>
    public uint Cr2 { get; init; } = 2;

    /// <summary>64-bit words that the processor writes first.</summary>
    public IReadOnlyList<(ulong Address, ulong Value)> Writes { get; init; } = [];

    /// <summary>Commands, before the probes; as a rule everything is forgotten.</summary>
    public IReadOnlyList<Command> Commands { get; init; } = [Command.CfgiAll, Command.TlbiNsnhAll, Command.Sync()];
}

/// <summary>What an access met.</summary>
/// <param name="Value">What a read brought.</param>
/// <param name="Events">Records that came.</param>
/// <param name="Record">The first of them.</param>
public readonly record struct DmaOutcome(ulong Value, ulong Events, EventRecord Record)
{
    public override string ToString() => Events == 0
        ? $"no event, read 0x{Value:x}"
        : $"{Events} event(s): {Record.Type} stream 0x{Record.StreamId:x} at 0x{Record.InputAddress:x} {(Record.IsRead ? "read" : "write")} class {Record.Class} fetch 0x{Record.IpaOrFetchAddress:x}, read 0x{Value:x}";
}

/// <summary>Rounds, the pages that the firmware numbers, and how both go into memory (Firmware/Smmu/smmu.c).</summary>
public sealed record SmmuScript(IReadOnlyList<SmmuRound> Rounds, IReadOnlyList<ulong> Fills)
{
    public const ulong Address = 0x4100_0000;

    public byte[] ToBytes()
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        foreach (var word in (ulong[])[(ulong)Rounds.Count, (ulong)Fills.Count, (ulong)SmmuMachine.Streams.Length, .. Fills])
            writer.Write(word);
        foreach (var round in Rounds)
        {
            foreach (var word in (ulong[])[round.StrtabBase, round.StrtabBaseConfig, round.Cr2, (ulong)round.Writes.Count, (ulong)round.Commands.Count, (ulong)round.Probes.Count])
                writer.Write(word);
            foreach (var (address, value) in round.Writes)
            {
                writer.Write(address);
                writer.Write(value);
            }
            foreach (var command in round.Commands)
            {
                writer.Write(command.Word0);
                writer.Write(command.Word1);
            }
            foreach (var probe in round.Probes)
            {
                writer.Write(probe.Target);
                writer.Write((probe.IsWrite ? 1UL : 0) | (ulong)probe.Device << 8);
            }
        }
        return stream.ToArray();
    }

    /// <summary>Takes the results apart: identification registers, an outcome for each probe, and by page the number of the probe that wrote there last.</summary>
    public (uint[] Id, DmaOutcome[][] Outcomes, Dictionary<ulong, ulong> Written) Read(ReadOnlySpan<byte> results)
    {
        var id = new uint[8];
        for (var i = 0; i < id.Length; i++)
            id[i] = BinaryPrimitives.ReadUInt32LittleEndian(results[(4 * i)..]);
        results = results[32..];
        var outcomes = new DmaOutcome[Rounds.Count][];
        Span<ulong> words = stackalloc ulong[6];
        for (var r = 0; r < outcomes.Length; r++)
        {
            outcomes[r] = new DmaOutcome[Rounds[r].Probes.Count];
            for (var p = 0; p < outcomes[r].Length; p++, results = results[48..])
            {
                for (var i = 0; i < words.Length; i++)
                    words[i] = BinaryPrimitives.ReadUInt64LittleEndian(results[(8 * i)..]);
                outcomes[r][p] = new DmaOutcome(words[0], words[1], EventRecord.Decode(words[2..]));
            }
        }
        var written = new Dictionary<ulong, ulong>();
        foreach (var page in Fills)
        {
            written[page] = BinaryPrimitives.ReadUInt64LittleEndian(results);
            results = results[8..];
        }
        return (id, outcomes, written);
    }
}
