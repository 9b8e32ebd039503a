using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Tests.Streams;

/// <summary>Memory that a stream may access, as the test gave it.</summary>
internal sealed record Given(ulong Iova, ulong Phys, ulong Size, AccessRights Access);

/// <summary>A devicetree with masters behind one SMMU, made by chance, and what each StreamID is given.</summary>
/// <remarks>What is given is written down while the tree is made: nothing of it is read back out of the tree.</remarks>
internal sealed class RandomBoard
{
    private const ulong Ram = 0x4000_0000, RamSize = 0x2000_0000;
    private readonly Random _random;
    private readonly StringBuilder _reserved = new(), _masters = new(), _policy = new();
    private ulong _free = Ram + 0x10_0000;

    /// <param name="seed">Replays it.</param>
    /// <param name="isV2">An SMMUv2 with ids and masks, or an SMMUv3.</param>
    /// <param name="canBeTwoLevel">Of an SMMUv3: IDR0.ST_LEVEL.</param>
    public RandomBoard(int seed, bool isV2 = false, bool canBeTwoLevel = true)
    {
        _random = new Random(seed);
        var used = new HashSet<uint>();
        var masters = _random.Next(1, 7);
        var page = _random.Next(4) switch { 0 => 0x4000UL, 1 => 0x1_0000UL, _ => 0x1000UL };
        for (var i = 0; i < masters; i++)
            AddMaster(i, isV2, page, used);
        Text = Assemble(isV2, canBeTwoLevel);
    }

    /// <summary>The source.</summary>
    public string Text { get; }

    /// <summary>By StreamID; a null list passes through. Others are aborted.</summary>
    public Dictionary<uint, List<Given>?> Streams { get; } = [];

    private void AddMaster(int number, bool isV2, ulong page, HashSet<uint> used)
    {
        var ids = new List<(uint Id, uint Mask)>();
        for (var n = _random.Next(1, 4); n > 0; n--)
        {
            var mask = isV2 && _random.Next(3) == 0 ? (1u << _random.Next(1, 4)) - 1 : 0;
            var id = (uint)_random.Next(isV2 ? 0x8000 : 1 << _random.Next(1, 13)) & ~mask;
            var all = Enumerable.Range(0, 16).Select(k => (id & ~mask) | ((uint)k & mask)).Distinct().ToList();
            if (all.Any(used.Contains))
                continue;
            used.UnionWith(all);
            ids.Add((id, mask));
        }
        if (ids.Count == 0)
            return;
        var given = new List<Given>();
        var regions = new List<string>();
        for (var n = _random.Next(0, 3); n > 0; n--)
            regions.Add(AddRegion(number, n, page, given));
        _masters.Append(CultureInfo.InvariantCulture, $"\tm{number}: dma@{0xa000000 + (number * 0x1000):x} {{\n\t\treg = <0x0 0x{0xa000000 + (number * 0x1000):x} 0x0 0x1000>;\n");
        _masters.Append("\t\tiommus = ").AppendJoin(", ", ids.Select(i => isV2 ? $"<&smmu 0x{i.Id:x} 0x{i.Mask:x}>" : $"<&smmu 0x{i.Id:x}>")).Append(";\n");
        if (regions.Count > 0)
            _masters.Append("\t\tmemory-region = ").AppendJoin(", ", regions.Select(r => $"<&{r}>")).Append(";\n");
        _masters.Append("\t};\n");
        var way = _random.Next(6);
        if (way == 0)
            given = [];
        var isBypass = way == 1;
        if (way == 0 || isBypass)
            _policy.Append(CultureInfo.InvariantCulture, $"\t\tdevice-m{number} {{ masters = <&m{number}>; translation = \"{(isBypass ? "bypass" : "abort")}\"; }};\n");
        else if (way > 2 || page != 0x1000)
            AddPolicy(number, page, given);
        if (given.Count == 0 && !isBypass)
            return;
        foreach (var (id, mask) in ids)
        {
            foreach (var one in Enumerable.Range(0, 16).Select(k => (id & ~mask) | ((uint)k & mask)).Distinct())
                Streams[one] = isBypass ? null : given;
        }
    }

    private string AddRegion(int master, int number, ulong page, List<Given> given)
    {
        var (at, size) = Take(page, 0x20_0000);
        _reserved.Append(CultureInfo.InvariantCulture, $"\t\tr{master}_{number}: r@{at:x} {{ reg = <0x0 0x{at:x} 0x0 0x{size:x}>; no-map; }};\n");
        given.Add(new Given(at, at, size, AccessRights.ReadWrite));
        return $"r{master}_{number}";
    }

    private void AddPolicy(int number, ulong page, List<Given> given)
    {
        var isStage2 = _random.Next(2) == 0;
        _policy.Append(CultureInfo.InvariantCulture, $"\t\tdevice-m{number} {{\n\t\t\tmasters = <&m{number}>;\n\t\t\tgranule = <0x{page:x}>;\n\t\t\ttranslation = \"{(isStage2 ? "stage2" : "stage1")}\";\n");
        // Device addresses above those of the regions, which are one to one.
        var iova = 0x8000_0000UL;
        for (var n = _random.Next(1, 5); n > 0; n--)
        {
            var (at, size) = Take(page, 0x60_0000);
            iova += ((ulong)_random.Next(0, 1 << _random.Next(1, 16)) * page) & ~(page - 1);
            // At times where a block would fit.
            if (_random.Next(3) == 0)
                iova = (iova + 0x1F_FFFF) & ~0x1F_FFFFUL | (at & 0x1F_FFFF);
            var access = _random.Next(isStage2 ? 3 : 2) switch { 0 => AccessRights.Read, 1 => AccessRights.ReadWrite, _ => AccessRights.Write };
            _policy.Append(CultureInfo.InvariantCulture,
                $"\t\t\tg{n}@{at:x} {{ reg = <0x0 0x{at:x} 0x0 0x{size:x}>; access = \"{access.ToText()}\"; iova = <0x{iova >> 32:x} 0x{iova & 0xffffffff:x}>; }};\n");
            given.Add(new Given(iova, at, size, access));
            iova += size;
        }
        _policy.Append("\t\t};\n");
    }

    private (ulong At, ulong Size) Take(ulong page, int most)
    {
        var step = Math.Max(page, 0x1_0000UL);
        var at = (_free + ((ulong)_random.Next(0, 0x40) * step) + step - 1) & ~(step - 1);
        if (_random.Next(2) == 0)
            at = (at + 0x1F_FFFF) & ~0x1F_FFFFUL;
        var size = ((ulong)_random.Next(1, most) & ~(page - 1)) + page;
        _free = at + size;
        if (_free > Ram + RamSize - 0x100_0000)
            throw new InvalidOperationException("The random board has no memory left.");
        return (at, size);
    }

    private string Assemble(bool isV2, bool canBeTwoLevel) => $$"""
        /dts-v1/;
        / {
        	compatible = "vendor,board";
        	#address-cells = <2>;
        	#size-cells = <2>;
        	cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a53"; reg = <0>; }; };
        	memory@40000000 { device_type = "memory"; reg = <0x0 0x40000000 0x0 0x{{RamSize:x}}>; };
        	reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
        {{_reserved}}	};
        	smmu: iommu@9050000 {
        		compatible = "{{(isV2 ? "arm,mmu-500" : "arm,smmu-v3")}}";
        		reg = <0x0 0x09050000 0x0 0x20000>;
        		#iommu-cells = <{{(isV2 ? 2 : 1)}}>;
        		kmemkit,idr = <{{(isV2 ? "0x78005e80 0x60000010 0x00007055" : canBeTwoLevel ? "0x0c28101b 0x02730010 0x00000075" : "0x0428101b 0x02730010 0x00000075")}}>;
        	};
        {{_masters}}
        	protection {
        		compatible = "kmemkit,protection";
        		#address-cells = <2>;
        		#size-cells = <2>;
        		device-none { masters = <&idle>; translation = "abort"; };
        {{_policy}}	};
        	idle: idle@b000000 { reg = <0x0 0x0b000000 0x0 0x1000>; iommus = {{(isV2 ? "<&smmu 0x7fff 0x0>" : "<&smmu 0xffff>")}}; };
        };
        """;
}
