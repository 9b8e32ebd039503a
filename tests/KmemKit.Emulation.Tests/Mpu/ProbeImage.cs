using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>Tables and probes as <c>Firmware/Mpu/probe.c</c> reads them, and what it reports.</summary>
internal static class ProbeImage
{
    private const int HeadSize = 24;

    public static byte[] Write(IReadOnlyList<ProbeTable> tables, ProbedCore core)
    {
        var programs = tables.Select(t => core.Program(t.Registers)).ToList();
        var image = new byte[8 + tables.Select((t, i) => HeadSize + programs[i].Length * RegisterWrite.Size + t.Probes.Length * Probe.Size).Sum()];
        BinaryPrimitives.WriteUInt64LittleEndian(image, (ulong)tables.Count);
        var rest = image.AsSpan(8);
        var locked = 0u;
        for (var i = 0; i < tables.Count; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(rest, programs[i].Length);
            BinaryPrimitives.WriteInt32LittleEndian(rest[4..], tables[i].Probes.Length);
            BinaryPrimitives.WriteUInt32LittleEndian(rest[8..], core.Control(tables[i].Registers));
            BinaryPrimitives.WriteUInt32LittleEndian(rest[12..], ProbedCore.IsLocked(tables[i].Registers) ? ++locked : 0);
            BinaryPrimitives.WriteUInt32LittleEndian(rest[16..], (uint)(tables[i].Stack ?? core.Firmware.Symbols.GetValueOrDefault("probe_stack_end")));
            BinaryPrimitives.WriteUInt32LittleEndian(rest[20..], tables[i].Generated);
            rest = rest[HeadSize..];
            foreach (var write in programs[i])
            {
                BinaryPrimitives.WriteUInt32LittleEndian(rest, write.Number);
                BinaryPrimitives.WriteUInt32LittleEndian(rest[4..], write.Index);
                BinaryPrimitives.WriteUInt64LittleEndian(rest[8..], write.Value);
                rest = rest[RegisterWrite.Size..];
            }
            foreach (var probe in tables[i].Probes)
            {
                probe.Write(rest, core.HasMemory(probe.Address) && core.CanExecute(probe.Address));
                rest = rest[Probe.Size..];
            }
        }
        return image;
    }

    /// <summary>For each table the registers as they were read back, and what came of each probe.</summary>
    public static IEnumerable<(ImmutableArray<ulong> ReadBack, ImmutableArray<Outcome> Outcomes)> Read(
        byte[] results, IReadOnlyList<ProbeTable> tables, ProbedCore core)
    {
        var at = 0;
        foreach (var table in tables)
        {
            var values = ImmutableArray.CreateBuilder<ulong>();
            for (var i = core.Program(table.Registers).Length; i > 0; i--, at += sizeof(ulong))
                values.Add(BinaryPrimitives.ReadUInt64LittleEndian(results.AsSpan(at)));
            var outcomes = ImmutableArray.CreateBuilder<Outcome>(table.Probes.Length);
            for (var i = 0; i < table.Probes.Length; i++, at += Outcome.Size)
                outcomes.Add(Outcome.Read(results.AsSpan(at)));
            yield return (values.ToImmutable(), outcomes.MoveToImmutable());
        }
        if (at != results.Length)
            throw new InvalidOperationException($"{results.Length - at} bytes of the results belong to no probe.");
    }
}
