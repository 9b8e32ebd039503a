using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Writers.Images;
using KmemKit.Conformance.Boards.Readers;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Boards.Rules;

/// <summary>What holds for the files that hardware and emulators are told by: register tables, images and their headers, memory maps. Each is read back and says what the plan says.</summary>
internal static class MachineArtifactRules
{
    private const string Kind = "Artifacts";

    public static ImmutableArray<Rule<BoardSubject>> All { get; } =
    [
        new("artifact-tables", Kind, "The page tables and the stream tables in the files are the images.", Images),
        new("artifact-assembly", Kind, "Page tables and stream tables as assembly are, assembled, the images, with their alignment.", Assembly),
        new("artifact-image-headers", Kind, "The C headers of page tables and stream tables have place, size, registers, mappings and StreamIDs of the plans.", ImageHeaders),
        new("artifact-mpu", Kind, "The C header of the protection unit has every register of every domain, and switches off what the plan does not use.", Mpu),
        new("artifact-renode", Kind, "The Renode platform has the memory that the board has, and a tag for every other device.", Renode),
        new("artifact-qemu", Kind, "The QEMU configuration has the board's RAM, and names what images may and may not be loaded over.", Qemu),
    ];

    private static string? Find(BoardSubject board, string suffix) =>
        board.Artifacts.FirstOrDefault(a => a.FileName.EndsWith(suffix, StringComparison.Ordinal)) is { } found ? Encoding.UTF8.GetString(found.Bytes.AsSpan()) : null;

    private static void Images(BoardSubject board, Proof proof)
    {
        foreach (var (suffix, image) in new[] { (".tables.bin", board.Image), (".smmu.bin", board.StreamImage) })
        {
            if (board.Artifacts.FirstOrDefault(a => a.FileName.EndsWith(suffix, StringComparison.Ordinal)) is { } artifact)
                Same(proof, artifact.FileName, image.AsSpan(), artifact.Bytes.AsSpan());
            else
                proof.Expect(image.IsEmpty, null, $"a file {suffix} with 0x{image.Length:x} bytes", "none");
        }
        Settle(proof, board);
    }

    private static void Assembly(BoardSubject board, Proof proof)
    {
        foreach (var (suffix, symbol, image, alignment) in new[]
        {
            (".tables.S", "kmem_tables", board.Image, board.Tables?.Alignment ?? 0), (".smmu.S", "kmem_smmu", board.StreamImage, board.Streams?.Alignment ?? 0),
        })
        {
            if (Find(board, suffix) is not { } text)
            {
                proof.Expect(image.IsEmpty, null, $"a file {suffix}", "none");
                continue;
            }
            var assembled = AssembledImage.Read(text);
            Same(proof, suffix, image.AsSpan(), assembled.Bytes.ToArray());
            proof.Expect(assembled.Section == "." + symbol, null, $"section .{symbol} in {suffix}", assembled.Section);
            proof.Expect(assembled.Alignment == alignment, null, $"{suffix} aligned to 0x{alignment:x}", $"0x{assembled.Alignment:x}");
            proof.Expect(assembled.Labels.GetValueOrDefault(symbol, -1) == 0 && assembled.Labels.GetValueOrDefault(symbol + "_end", -1) == image.Length, null,
                $"{symbol} in front of the image and {symbol}_end behind it", string.Join(" ", assembled.Labels.Select(l => $"{l.Key} at 0x{l.Value:x}")));
        }
        Settle(proof, board);
    }

    private static void Same(Proof proof, string file, ReadOnlySpan<byte> wanted, ReadOnlySpan<byte> found)
    {
        var at = wanted.CommonPrefixLength(found);
        proof.Expect(wanted.SequenceEqual(found), (ulong)at, $"the image of 0x{wanted.Length:x} bytes in {file}", $"another byte 0x{at:x} of 0x{found.Length:x}");
    }

    private static void ImageHeaders(BoardSubject board, Proof proof)
    {
        if (board.Tables is { } tables && Find(board, ".tables.h") is { } text)
        {
            var defines = CDefines.Read(text);
            Place(proof, defines, "KMEM_TABLES", tables.Base.Value, (ulong)board.Image.Length, tables.Alignment, (ulong)tables.Regime.Trees[0].Format.DescriptorSize);
            foreach (var register in tables.Registers)
                Has(proof, defines, "KMEM_TABLES_" + register.Name, register.Value, "");
            // Mappings of devices, in their order: address, address, size.
            var io = defines.All.Where(d => d.Name.StartsWith("KMEM_IO_", StringComparison.Ordinal)).ToList();
            var mapped = tables.Map.Regions.Where(r => r.Rule == MapRule.StaticIo).ToList();
            proof.Expect(io.Count == 3 * mapped.Count, null, $"{mapped.Count} mappings of devices", $"{io.Count} numbers");
            for (var i = 0; i < mapped.Count && (3 * i) + 2 < io.Count; i++)
            {
                var region = mapped[i];
                var (virt, phys, size) = (io[3 * i], io[(3 * i) + 1], io[(3 * i) + 2]);
                proof.Expect((virt.Value, phys.Value, size.Value) == (region.Virt.Start.Value, region.Phys.Value, region.Virt.Size.Value) && virt.Name.EndsWith("_VIRT", StringComparison.Ordinal)
                    && phys.Name.EndsWith("_PHYS", StringComparison.Ordinal) && size.Name.EndsWith("_SIZE", StringComparison.Ordinal), region.Virt.Start.Value,
                    $"{region.Name} at {region.Virt.Start}, {region.Phys}, {region.Virt.Size}", $"{virt.Name} 0x{virt.Value:x}, 0x{phys.Value:x}, 0x{size.Value:x}", BoardSubject.PlaceOf(region.Span));
            }
        }
        if (board.Streams is { } streams && Find(board, ".smmu.h") is { } told)
        {
            var defines = CDefines.Read(told);
            Place(proof, defines, "KMEM_SMMU", streams.Base.Value, (ulong)board.StreamImage.Length, streams.Alignment, 8);
            foreach (var smmu in streams.Smmus)
            {
                var prefix = "KMEM_SMMU_" + (streams.Smmus.Length == 1 ? "" : ImageText.Macro(smmu.Smmu.Name) + "_");
                var place = BoardSubject.PlaceOf(smmu.Smmu.Span);
                foreach (var register in smmu.Registers)
                    Has(proof, defines, prefix + register.Name, register.Value, place);
                if (smmu.Smmu.Registers is { } registers)
                    Has(proof, defines, prefix + "REGISTERS", registers.Value, place);
                foreach (var binding in smmu.Bindings)
                {
                    var name = prefix + "SID_" + ImageText.Macro(binding.Master);
                    proof.Expect(defines.All.Any(d => d.Name.StartsWith(name, StringComparison.Ordinal) && d.Value == binding.Stream.First), binding.Stream.First, $"{name} for the stream of {binding.Master}",
                        string.Join(" ", defines.All.Where(d => d.Name.StartsWith(name, StringComparison.Ordinal)).Select(d => $"{d.Name} 0x{d.Value:x}")), BoardSubject.PlaceOf(binding.Stream.Span));
                }
            }
        }
        Settle(proof, board);
    }

    private static void Place(Proof proof, CDefines defines, string prefix, ulong start, ulong size, ulong alignment, ulong word)
    {
        Has(proof, defines, prefix + "_BASE", start, "");
        Has(proof, defines, prefix + "_SIZE", size, "");
        Has(proof, defines, prefix + "_ALIGN", alignment, "");
        var array = defines.Arrays is [var only] ? only : default;
        proof.Expect(array.Type == $"uint{8 * word}_t" && array.Length == size / word, null, $"an array of 0x{size:x} bytes in words of {word}", $"{array.Type} {array.Name}[{array.Length}]");
    }

    private static void Has(Proof proof, CDefines defines, string name, ulong value, string place)
    {
        var found = defines[ImageText.Macro(name)];
        proof.Expect(found == value, null, $"{ImageText.Macro(name)} to be 0x{value:x}", found is { } other ? $"0x{other:x}" : "no such macro", place);
    }

    private static void Mpu(BoardSubject board, Proof proof)
    {
        if (board.Mpu is not { } mpu || Find(board, ".mpu.h") is not { } text)
        {
            proof.HasNothing("The board has no protection plan.");
            return;
        }
        var header = MpuHeader.Read(text);
        // Where no domain has registers of its own there is no table of them.
        proof.Expect(header.States.IsEmpty || header.States.Length == mpu.Domains.Length, null, $"{mpu.Domains.Length} domains", $"{header.States.Length}");
        for (var i = 0; i < mpu.Domains.Length; i++)
            Domain(mpu, mpu.Domains[i], header, i, proof);
    }

    private static void Domain(BoardMpu mpu, BoardDomain domain, MpuHeader header, int index, Proof proof)
    {
        var name = domain.Name.Length == 0 ? "no domain" : domain.Name;
        var left = header.RegistersOf(index).ToList();
        foreach (var shared in domain.Registers.Shared)
        {
            var at = left.FindIndex(r => r.Region.Length == 0 && string.Equals(r.Name, shared.Name, StringComparison.OrdinalIgnoreCase));
            var found = at >= 0 ? left[at].Value : header.Defines.All.Where(d => d.Name.EndsWith("_MPU_" + shared.Name, StringComparison.Ordinal)).Select(d => (ulong?)d.Value).FirstOrDefault();
            proof.Expect(found == shared.Value, null, $"{shared.Name} of {name} to be 0x{shared.Value:x}", found is { } value ? $"0x{value:x}" : "no such register");
            if (at >= 0)
                left.RemoveAt(at);
        }
        foreach (var region in domain.Registers.Regions)
        {
            var number = mpu.Format.Spaces.Length > 1 ? $"{region.Number} {region.Space.ToString().ToLowerInvariant()}" : $"{region.Number}";
            foreach (var register in region.Values)
            {
                var at = left.FindIndex(r => (r.Region == number || r.Region == $"{region.Number}") && string.Equals(r.Name, register.Name, StringComparison.OrdinalIgnoreCase));
                proof.Expect(at >= 0 && left[at].Value == register.Value, null, $"{register.Name} of region {number} of {name} to be 0x{register.Value:x}", at >= 0 ? $"0x{left[at].Value:x}" : "no such register");
                if (at >= 0)
                    left.RemoveAt(at);
            }
        }
        foreach (var unused in left)
            proof.Expect(unused.Value == 0 || MeansNothing(mpu, unused), null, $"{unused.Name} of region {unused.Region}, which {name} does not use, to be 0", $"0x{unused.Value:x}");
    }

    // The address of a PMP entry that is off, by its configuration: left as another domain has it, which saves a write.
    private static bool MeansNothing(BoardMpu mpu, HeaderRegister unused) => mpu.Format.Shape == MpuShape.PriorityChain && mpu.Domains
        .SelectMany(d => d.Registers.Regions).Any(r => $"{r.Number}" == unused.Region && r.Values.Any(v => v.Value == unused.Value && string.Equals(v.Name, unused.Name, StringComparison.OrdinalIgnoreCase)));

    private static void Renode(BoardSubject board, Proof proof)
    {
        if (Find(board, ".repl") is not { } text)
        {
            proof.HasNothing("The board has no .repl.");
            return;
        }
        var map = RenodeMap.Read(text);
        var source = board.Compilation.Board!;
        var devices = source.Devices.Where(d => d.Enabled).SelectMany(d => d.Ranges.Select(r => (d.IsSram, r.Range, r.Span))).Where(d => !d.Range.IsEmpty).ToList();
        var banks = source.Banks.IsEmpty ? board.Layout.Banks.Select(b => (b.Range, b.Span)) : source.Banks.Select(b => (b.Range, b.Span));
        var memories = banks.Concat(devices.Where(d => d.IsSram).Select(d => (d.Range, d.Span))).Where(m => !m.Range.IsEmpty).ToList();
        var (wanted, found) = (Ranges.Join(memories.Select(m => m.Range)), Ranges.Join(map.Memories.Select(m => m.Range)));
        foreach (var (range, span) in memories)
            proof.Expect(found.Any(f => f.Contains(range)), range.Start.Value, $"memory {range}", string.Join(" ", map.Memories.Select(m => $"{m.Name} {m.Range}")), BoardSubject.PlaceOf(span));
        foreach (var range in found)
            proof.Expect(wanted.Any(w => w.Contains(range)), range.Start.Value, "memory that the board has", $"{range}");
        for (var i = 0; i < map.Memories.Length; i++)
            proof.Expect(!map.Memories.Take(i).Any(m => m.Range.Overlaps(map.Memories[i].Range)), map.Memories[i].Range.Start.Value, "memories that share nothing", $"{map.Memories[i]}");
        var others = devices.Where(d => !d.IsSram).ToList();
        proof.Expect(map.Tags.Length == others.Count, null, $"{others.Count} tags", $"{map.Tags.Length}");
        for (var i = 0; i < Math.Min(map.Tags.Length, others.Count); i++)
            proof.Expect(map.Tags[i].Range == others[i].Range, others[i].Range.Start.Value, $"a tag at {others[i].Range}", $"{map.Tags[i]}", BoardSubject.PlaceOf(others[i].Span));
    }

    private static void Qemu(BoardSubject board, Proof proof)
    {
        if (Find(board, ".qemu.cfg") is not { } text)
        {
            proof.HasNothing("The board has no .qemu.cfg.");
            return;
        }
        var config = QemuConfig.Read(text);
        var source = board.Compilation.Board!;
        var ram = (source.Banks.IsEmpty ? board.Layout.Banks.Select(b => b.Range) : source.Banks.Select(b => b.Range)).Aggregate(0UL, (sum, r) => sum + r.Size.Value);
        if (config.MemoryBytes is { } bytes)
            proof.Expect(bytes == ram, null, $"0x{ram:x} bytes of RAM", $"0x{bytes:x}");
        else
            proof.Expect(config.Keys.ContainsKey("machine.type"), null, "a size, or a machine that has its own", "neither");
        var loadable = board.Layout.Banks.Select(b => (b.Range, b.Span)).Concat(source.Devices.Where(d => d is { Enabled: true, IsSram: true }).SelectMany(d => d.Ranges.Select(r => (r.Range, r.Span)))).ToList();
        Same(proof, "memory that images are loaded into", loadable, config.Loadable);
        Same(proof, "reserved memory", [.. board.Layout.Reserved.Select(r => (r.Range, r.Region.Span))], config.Reserved);
    }

    private static void Same(Proof proof, string what, List<(PhysRange Range, BoardCompiler.Sources.SourceSpan Span)> wanted, ImmutableArray<PhysRange> found)
    {
        proof.Expect(wanted.Count == found.Length, null, $"{wanted.Count} of {what}", $"{found.Length}");
        for (var i = 0; i < Math.Min(wanted.Count, found.Length); i++)
            proof.Expect(wanted[i].Range == found[i], wanted[i].Range.Start.Value, $"{what} at {wanted[i].Range}", $"{found[i]}", BoardSubject.PlaceOf(wanted[i].Span));
    }

    private static void Settle(Proof proof, BoardSubject board)
    {
        if (board.Image.IsEmpty && board.StreamImage.IsEmpty && proof.Failures == 0)
            proof.HasNothing("The board has neither page tables nor stream tables.");
    }
}
