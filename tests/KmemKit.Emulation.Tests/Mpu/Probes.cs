using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>Where a table is asked: at every edge of every region and subregion, a granule and an access to both sides of it, and at random.</summary>
internal static class Probes
{
    public static ImmutableArray<Probe> Of(ProbedCore core, MpuTable table, int randomAddresses, Random random)
    {
        var addresses = new SortedSet<ulong>();
        foreach (var edge in table.Regions.SelectMany(Edges))
        {
            foreach (var distance in new[] { core.Format.Granule, core.InstructionSize, 2ul })
            {
                Add(unchecked(edge - distance));
                Add(unchecked(edge + distance));
            }
            Add(edge);
        }
        var places = core.Void.Add(core.Window).Add(core.Window).AddRange(core.Memory);
        for (var i = 0; i < randomAddresses; i++)
        {
            var place = places[random.Next(places.Length)];
            Add(place.Start.Value + (ulong)random.NextInt64((long)place.Size.Value) / core.InstructionSize * core.InstructionSize);
            Add(core.Window.Start.Value + (ulong)random.Next(0x1000) / core.InstructionSize * core.InstructionSize);
        }
        ImmutableArray<Probe> probes = [.. from address in addresses
                                           from access in new[] { AccessRights.Read, AccessRights.Execute, AccessRights.Write }
                                           where access != AccessRights.Execute || core.CanExecute(address)
                                           from privilege in Enum.GetValues<Privilege>()
                                           select new Probe(address, access, privilege)];
        // What a write leaves is the instruction that comes back, so that any order will do; the core's caches of what it decided then meet every order.
        var shuffled = probes.ToArray();
        random.Shuffle(shuffled);
        return [.. shuffled, .. core.FixedProbes];

        void Add(ulong address)
        {
            if (address < core.Format.AddressSpace.End.Value && address % 2 == 0 && core.IsHarmless(address))
                addresses.Add(address);
        }
    }

    private static IEnumerable<ulong> Edges(MpuRegion region)
    {
        yield return region.Range.Start.Value;
        yield return region.Range.End.Value;
        for (var i = 1; region.SubregionDisable != 0 && i < 8; i++)
            yield return region.Range.Start.Value + region.Range.Size.Value / 8 * (ulong)i;
    }
}
