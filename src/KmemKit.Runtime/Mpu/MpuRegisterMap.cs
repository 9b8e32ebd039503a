using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Runtime.Mpu;

/// <summary>The registers of a unit as places in one array: the shared ones, then each region's, by space and number.</summary>
internal sealed class MpuRegisterMap
{
    private readonly Dictionary<(MpuSpace Space, int Number, string Name), int> _slots = [];
    private readonly List<(MpuSpace Space, int Number, ImmutableArray<string> Names)> _regions = [];
    private readonly ImmutableArray<string> _shared;

    /// <summary>All registers of a unit.</summary>
    /// <param name="format">The unit.</param>
    /// <param name="regions">Regions of each space.</param>
    /// <param name="files">What is ever programmed: names the shared registers.</param>
    public MpuRegisterMap(MpuFormat format, int regions, IEnumerable<MpuRegisterFile> files)
    {
        Format = format;
        var shared = new SortedSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
        {
            foreach (var register in file.Shared)
                shared.Add(register.Name);
        }
        _shared = [.. shared];
        foreach (var name in _shared)
            _slots.Add((MpuSpace.Unified, -1, name), _slots.Count);
        foreach (var space in format.Spaces)
        {
            for (var number = 0; number < regions; number++)
            {
                ImmutableArray<string> names = [.. format.RegionRegisters(number)];
                _regions.Add((space, number, names));
                foreach (var name in names)
                    _slots.Add((space, number, name), _slots.Count);
            }
        }
    }

    /// <summary>The unit.</summary>
    public MpuFormat Format { get; }

    /// <summary>How many registers there are.</summary>
    public int Count => _slots.Count;

    /// <summary>The place of a region's register; of a shared one with number -1 and <see cref="MpuSpace.Unified"/>.</summary>
    /// <exception cref="ArgumentException">The unit has no such register.</exception>
    public int SlotOf(MpuSpace space, int number, string name) => _slots.TryGetValue((space, number, name), out var slot)
        ? slot
        : throw new ArgumentException(number < 0 ? $"The unit has no register {name}." : $"Region {number} of the unit ({space}) has no register {name}.", nameof(name));

    /// <summary>The values as a register file; a region that is off is in it with its values.</summary>
    public MpuRegisterFile ToFile(ReadOnlySpan<ulong> values, bool privilegedBackground)
    {
        var shared = ImmutableArray.CreateBuilder<MpuRegister>(_shared.Length);
        foreach (var name in _shared)
            shared.Add(new MpuRegister(name, values[SlotOf(MpuSpace.Unified, -1, name)]));
        var regions = ImmutableArray.CreateBuilder<MpuRegionRegisters>(_regions.Count);
        foreach (var (space, number, names) in _regions)
        {
            var registers = ImmutableArray.CreateBuilder<MpuRegister>(names.Length);
            foreach (var name in names)
                registers.Add(new MpuRegister(name, values[SlotOf(space, number, name)]));
            regions.Add(new MpuRegionRegisters(number, space, registers.MoveToImmutable()));
        }
        return new MpuRegisterFile(shared.MoveToImmutable(), regions.MoveToImmutable(), privilegedBackground);
    }
}
