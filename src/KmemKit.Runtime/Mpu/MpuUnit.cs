using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Runtime.Mpu;

/// <summary>Addresses about which a unit says the same.</summary>
/// <param name="Start">First address.</param>
/// <param name="Size">Bytes, of which there is at least one.</param>
/// <param name="Decision">What it says.</param>
public readonly record struct MpuSpan(ulong Start, ulong Size, MpuDecision Decision);

/// <summary>A memory protection unit: registers that are written, and what they decide.</summary>
/// <remarks>
/// What it decides comes from its registers alone, by the format's decoder. Off after reset, when everybody has the default map; a PMP is never off. It belongs to
/// one CPU, and so to one thread at a time.
/// </remarks>
public sealed class MpuUnit
{
    private const ulong DefaultMapStep = 0x2000_0000;

    private readonly ulong[] _values;
    private MpuTable? _table;
    private bool _background;

    /// <summary>A unit in reset.</summary>
    /// <param name="format">Which one.</param>
    /// <param name="regions">Regions of each space.</param>
    /// <param name="files">What it will be programmed with: it has the shared registers that are named there.</param>
    public MpuUnit(MpuFormat format, int regions, IEnumerable<MpuRegisterFile> files)
    {
        ArgumentNullException.ThrowIfNull(format);
        ArgumentNullException.ThrowIfNull(files);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(regions);
        Format = format;
        Regions = regions;
        Map = new MpuRegisterMap(format, regions, files);
        _values = new ulong[Map.Count];
        IsEnabled = format.Shape == MpuShape.PriorityChain;
    }

    /// <summary>Which unit.</summary>
    public MpuFormat Format { get; }

    /// <summary>Regions of each space.</summary>
    public int Regions { get; }

    /// <summary>Whether it decides anything; <see cref="Apply"/> turns it on.</summary>
    public bool IsEnabled { get; private set; }

    /// <summary>Registers written since reset, selections of a region not counted.</summary>
    public ulong RegisterWrites { get; private set; }

    /// <summary>Changes with everything that is written: who remembers a decision remembers it too.</summary>
    public uint Version { get; private set; }

    /// <summary>What it holds: every region, those that are off among them.</summary>
    public MpuRegisterFile Registers => Map.ToFile(_values, _background);

    /// <summary>What its registers mean.</summary>
    /// <exception cref="MpuEncodingException">A value is reserved.</exception>
    public MpuTable Table => _table ??= Format.Decode(Registers);

    internal MpuRegisterMap Map { get; }

    /// <summary>Writes one register, as code does that has its own idea of the plan.</summary>
    /// <param name="space">Which accesses its region answers.</param>
    /// <param name="region">Number of its region; -1 for a register that all share.</param>
    /// <param name="register">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <exception cref="ArgumentException">There is no such register.</exception>
    public void Write(MpuSpace space, int region, string register, ulong value)
    {
        _values[Map.SlotOf(space, region, register)] = value;
        RegisterWrites++;
        Version++;
        _table = null;
    }

    /// <summary>Writes what a switch says, and has the unit on.</summary>
    /// <param name="change">A switch from what the unit holds.</param>
    public void Apply(MpuSwitch change)
    {
        ArgumentNullException.ThrowIfNull(change);
        if (change.Slots.Length != change.Writes.Length)
            change.Bind(Map);
        var (slots, values) = (change.Slots, change.Values);
        for (var i = 0; i < slots.Length; i++)
            _values[slots[i]] = values[i];
        RegisterWrites += (ulong)slots.Length;
        Version++;
        _background = change.Registers.PrivilegedBackground;
        _table = null;
        IsEnabled = true;
    }

    /// <summary>As <see cref="Apply"/>, for a switch whose outcome is known because nobody else wrote.</summary>
    internal void ApplyKnown(MpuSwitch change)
    {
        Apply(change);
        _table = change.Table;
    }

    /// <summary>What the unit says about an address, and about which addresses around it the same.</summary>
    /// <param name="address">In the format's address space.</param>
    /// <param name="privilege">Who accesses.</param>
    public MpuSpan At(ulong address, Privilege privilege)
    {
        if (!IsEnabled)
        {
            var map = Format.DefaultMap(address);
            return new MpuSpan(address & ~(Format.Granule - 1), Format.Granule, new MpuDecision(map.Privileged, map.Memory, map.Shareable, null, null));
        }
        var table = Table;
        var (start, end) = (address & ~(DefaultMapStep - 1), (address & ~(DefaultMapStep - 1)) + DefaultMapStep);
        Narrow(Format.Ungoverned);
        Narrow(Format.NeverExecuted);
        foreach (var region in table.Regions)
        {
            Narrow(region.Range);
            if (region.SubregionDisable == 0 || !region.Range.Contains(new PhysAddr(address)))
                continue;
            var eighth = region.Range.Size.Value / 8;
            var first = address & ~(eighth - 1);
            (start, end) = (Math.Max(start, first), Math.Min(end, first + eighth));
        }
        return new MpuSpan(start, end - start, table.Decide(address, privilege));

        void Narrow(PhysRange range)
        {
            Edge(range.Start.Value);
            if (!range.End.IsTop)
                Edge(range.End.Value);
        }

        void Edge(ulong edge)
        {
            if (edge <= address)
                start = Math.Max(start, edge);
            else
                end = Math.Min(end, edge);
        }
    }

    /// <summary>The switch from what it is known to hold.</summary>
    internal MpuSwitch SwitchBetween(MpuRegisterFile? from, MpuRegisterFile to) => MpuSwitch.Between(Format, from, to, Regions).Bind(Map);
}
