using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using KmemKit.Architecture;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>An access to try.</summary>
/// <param name="Address">Virtual address.</param>
/// <param name="Access">Read, Write or Execute.</param>
/// <param name="Privilege">Who.</param>
/// <param name="State">The architecture's state bits: PAN on AArch64; SUM and MXR on RISC-V; EFLAGS.AC on x86.</param>
public readonly record struct Probe(ulong Address, AccessRights Access, Privilege Privilege, int State = 0)
{
    public override string ToString() => $"{Privilege} {Access} 0x{Address:x} state {State}";
}

/// <summary>What an access met.</summary>
/// <param name="Status">Fault status register; 0 with <paramref name="Source"/> 0 where it went through.</param>
/// <param name="Source">The exception; 0 for none.</param>
/// <param name="Address">Fault address register.</param>
/// <param name="Value">What it loaded, or what the code at the address said: the number of the physical page.</param>
public readonly record struct ProbeOutcome(ulong Status, ulong Source, ulong Address, ulong Value)
{
    public bool Faulted => Source != 0;

    public override string ToString() => Faulted ? $"fault status 0x{Status:x} (exception {Source}) address 0x{Address:x}" : $"page 0x{Value:x}";
}

/// <summary>Everything one run of probes needs, and how it goes into memory and comes back (Firmware/Mmu/probe.h).</summary>
/// <param name="Setup">Registers, in the architecture's order.</param>
/// <param name="Fills">Physical pages of 4 KiB that say their number.</param>
/// <param name="Probes">In the order they are tried.</param>
/// <param name="Dump">Physical address of what is reported at the end.</param>
/// <param name="DumpSize">Its bytes.</param>
public sealed record ProbeScript(IReadOnlyList<ulong> Setup, IReadOnlyList<ulong> Fills, IReadOnlyList<Probe> Probes, ulong Dump, int DumpSize)
{
    private const int SetupWords = 20;

    /// <summary>Where in a page a load finds its number, a store may write, and code begins.</summary>
    public static ulong OffsetOf(AccessRights access) => access switch { AccessRights.Read => 16, AccessRights.Write => 24, _ => 0 };

    public int Size => 8 * (5 + SetupWords + Fills.Count + 2 * Probes.Count);

    public byte[] ToBytes(ulong next)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        foreach (var word in (ulong[])[next, (ulong)Probes.Count, (ulong)Fills.Count, Dump, (ulong)DumpSize])
            writer.Write(word);
        for (var i = 0; i < SetupWords; i++)
            writer.Write(i < Setup.Count ? Setup[i] : 0);
        foreach (var page in Fills)
            writer.Write(page);
        foreach (var probe in Probes)
        {
            writer.Write(probe.Address);
            var kind = probe.Access switch { AccessRights.Read => 0u, AccessRights.Write => 1u, _ => 2u };
            writer.Write((ulong)(kind | (probe.Privilege == Privilege.User ? 4u : 0) | (uint)probe.State << 8));
        }
        return stream.ToArray();
    }

    /// <summary>Takes this script's part off the front of the results.</summary>
    public ProbeResults Read(ref ReadOnlySpan<byte> results)
    {
        var outcomes = new ProbeOutcome[Probes.Count];
        for (var i = 0; i < outcomes.Length; i++)
            outcomes[i] = new ProbeOutcome(Word(results, 4 * i), Word(results, 4 * i + 1), Word(results, 4 * i + 2), Word(results, 4 * i + 3));
        results = results[(32 * outcomes.Length)..];
        var stored = new Dictionary<ulong, uint>();
        for (var i = 0; i < Fills.Count; i++)
            stored[Fills[i]] = BinaryPrimitives.ReadUInt32LittleEndian(results[(4 * i)..]);
        results = results[(4 * Fills.Count)..];
        var dump = results[..DumpSize].ToArray();
        results = results[DumpSize..];
        return new ProbeResults(outcomes, stored, dump);

        static ulong Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[(8 * at)..]);
    }
}

/// <summary>What came back.</summary>
/// <param name="Outcomes">One for each probe.</param>
/// <param name="Stored">By page: the number, from 1, of the probe that stored there last; 0 for none.</param>
/// <param name="Dump">The tables as hardware left them.</param>
public sealed record ProbeResults(IReadOnlyList<ProbeOutcome> Outcomes, IReadOnlyDictionary<ulong, uint> Stored, byte[] Dump);
