using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.Conformance.Allocators;
using KmemKit.Conformance.Boards;
using KmemKit.Conformance.Boards.Rules;
using KmemKit.Conformance.Boards.Subjects;
using KmemKit.Conformance.Rules;
using KmemKit.Conformance.Translations;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Boards;

/// <summary>A fault in a part of a board, and the rule that has to find it.</summary>
/// <param name="Name">What is wrong.</param>
/// <param name="Board">The board that it is put into.</param>
/// <param name="Rule">Id of a rule that has to fail.</param>
/// <param name="Break">Makes the board with the fault out of the right one.</param>
public sealed record Mutation(string Name, string Board, string Rule, Func<BoardSubject, BoardSubject> Break)
{
    public override string ToString() => Name;
}

/// <summary>The mutation check: each fault of this list, put into a copy of a right board's part, is found by the rule that is about it.</summary>
internal sealed class MutationTests
{
    private const string Phone = "qcom/msm8974-dont-map-hole", Computer = "qcom/apq8016-sbc", Micro = "qemu/mps2-an386", Server = "qemu/virt-cortex-a53";

    private static IEnumerable<Mutation> All =>
    [
        // Layout.
        new("a bank is missing", Phone, "map-no-ram-lost", b => Other(b, l => l with { Banks = l.Banks.RemoveAt(1) })),
        new("a bank is one page long too much", Phone, "map-no-ram-lost", b => Other(b, l => l with { Banks = Grow(l.Banks, 0, 4096) })),
        new("a bank is one page short", Phone, "map-no-ram-lost", b => Other(b, l => l with { Banks = Grow(l.Banks, 0, -4096) })),
        new("a bank reaches into the hole", Phone, "map-banks-are-ram", b => Other(b, l => l with { Banks = Grow(l.Banks, 0, 0x10_0000) })),
        new("banks come in the wrong order", Phone, "map-banks-rise", b => Other(b, l => l with { Banks = [.. l.Banks.Reverse()] })),
        new("a hole is missing", Phone, "map-no-ram-lost", b => Other(b, l => l with { Holes = l.Holes.RemoveAt(0) })),
        new("a zone counts a page too many", Phone, "map-zones-partition-ram", b => Other(b, l => l with { Zones = l.Zones.SetItem(0, l.Zones[0] with { Present = l.Zones[0].Present + 1 }) })),
        new("a zone is missing", Phone, "map-zones-partition-ram", b => Other(b, l => l with { Zones = l.Zones.RemoveAt(l.Zones.Length - 1) })),
        new("two zones overlap", Phone, "map-zones-partition-ram", b => Other(b, l => l with { Zones = l.Zones.SetItem(0, l.Zones[0] with { Spanned = l.Zones[0].Spanned + 0x1000 }) })),
        new("lowmem of a bank is called highmem", Phone, "map-linear-reaches-lowmem", b => Other(b, l => l with { Banks = l.Banks.SetItem(0, l.Banks[0] with { Kind = BankKind.Highmem }) })),
        new("vmalloc starts in lowmem", Phone, "map-virtual-disjoint", b => Other(b, l => l with { Virtual = Shift(l.Virtual, "vmalloc", -0x1000_0000) })),
        new("a virtual range ends beyond 4 GiB", Phone, "map-inside-address-space", b => Other(b, l => l with { Virtual = Shift(l.Virtual, "fixmap", 0x1000_0000) })),
        new("a segment starts a page late", Phone, "map-linear-reaches-lowmem", b => Other(b, l => l with { Linear = Segment(l.Linear, 1, s => s with { Phys = s.Phys + 4096, Virt = s.Virt + 4096, Size = s.Size - 4096 }) })),
        new("the second segment is a page higher", Phone, "translation-pages", b => b with { Linear = s => new LinearSubject(Segment(s.Layout.Linear, 1, g => g with { Virt = g.Virt + 4096 })) }),
        new("PAGE_OFFSET is wrong", Phone, "map-linear-rises", b => Other(b, l => l with { PageOffset = l.PageOffset + 0x10_0000 })),
        new("a reserved region is elsewhere", Computer, "map-reserved-placed", b => Other(b, l => l with { Reserved = [.. l.Reserved.Select(r => r.Region.Range is null ? r : r with { Range = new PhysRange(r.Range.Start + 0x1000, r.Range.Size) })] })),

        // Page tables: bytes of the image.
        new("the first entry is empty", Phone, "tables-every-page", b => Image(b, (bytes, _) => Clear(bytes, FirstEntry(bytes)))),
        new("an entry leads to the next section", Phone, "tables-every-page", b => Image(b, (bytes, _) => bytes[FirstEntry(bytes) + 2] ^= 0x10)),
        new("the last entry is empty", Phone, "tables-walk", b => Image(b, (bytes, _) => Clear(bytes, LastEntry(bytes)))),
        new("an entry lets processes write", Phone, "protection-edges", b => Image(b, (bytes, _) => bytes[FirstEntry(bytes) + 1] |= 0x0c)),
        new("an empty entry maps the next page", Phone, "tables-every-page", b => Image(b, (bytes, _) => bytes.AsSpan(FirstEntry(bytes), 4).CopyTo(bytes.AsSpan(EmptyEntry(bytes))))),
        new("a 64-bit entry is read-only", Server, "protection-edges", b => Image(b, (bytes, _) => bytes[LastBlock(bytes)] ^= 0x80)),
        new("a 64-bit entry is for processes", Server, "protection-nothing-more", b => Image(b, (bytes, _) => bytes[LastBlock(bytes)] ^= 0x40)),

        // Protection: registers.
        new("a region is off", Micro, "protection-edges", b => Registers(b, "RASR", 0, v => v & ~1UL)),
        new("a region is twice as large", Micro, "protection-edges", b => Registers(b, "RASR", 0, v => v + 2)),
        new("a subregion is off", Micro, "protection-inside", b => Registers(b, "RASR", 0, v => v ^ (1UL << 11))),
        new("unprivileged code may write", Micro, "protection-edges", b => Registers(b, "RASR", 0, v => (v & ~(7UL << 24)) | (3UL << 24))),
        new("code cannot be executed", Micro, "protection-execute", b => Registers(b, "RASR", -1, v => v ^ (1UL << 28))),
        new("a region starts a step higher", Micro, "protection-edges", b => Registers(b, "RBAR", 0, v => v + 0x1000_0000)),
        new("memory is of another type", Micro, "protection-memory-type", b => Registers(b, "RASR", 0, v => v ^ (1UL << 16) ^ (1UL << 17))),

        // Allocators: the board's, with something between it and its caller.
        new("a page is given out twice", Phone, "allocator-disjoint", b => Pages(b, (inner, n) => new Faulty(inner) { Allocated = (a, size) => n() % 50 == 0 && size == 4096 ? null : a, Again = true })),
        new("the page allocator answers a page off", Phone, "allocator-aligned", b => Pages(b, (inner, _) => new Faulty(inner) { Allocated = (a, size) => size > 4096 ? a + 4096 : a })),
        new("a freed page is forgotten", Phone, "allocator-all-back", b => Pages(b, (inner, n) => new Faulty(inner) { Frees = (_, _) => n() % 100 != 0 })),
        new("zeroed pages are not", Phone, "allocator-zeroes", b => Pages(b, (inner, _) => new Faulty(inner) { ForgetsToZero = true })),
        new("the count of free pages is one off", Phone, "allocator-counts", b => Pages(b, (inner, n) => new Faulty(inner) { FreeOffset = () => n() % 7 == 0 ? 4096UL : 0 })),
        new("kmalloc answers outside of the linear map", Phone, "allocator-inside", b => b with { Objects = (s, q) => new Faulty(b.Objects(s, q)) { Allocated = (a, _) => a + 0x4000_0000 } }),
        new("kmalloc forgets to zero", Phone, "allocator-zeroes", b => b with { Objects = (s, q) => new Faulty(b.Objects(s, q)) { ForgetsToZero = true } }),

        // Files.
        new("the blob has another bank", Phone, "artifact-dtb", b => File(b, ".kmem.dtb", bytes => Replace(bytes, RegOf(b), 0x10))),
        new("the JSON has another size", Phone, "artifact-json", b => Text(b, ".layout.json", t => t.Replace("\"size\":\"0x5b00000\"", "\"size\":\"0x5b01000\"", StringComparison.Ordinal))),
        new("the linker fragment gives out reserved memory", Computer, "artifact-linker", b => Text(b, ".ld", t => WithLength(t, "0xfff00000"))),
        new("the table file has another byte", Phone, "artifact-tables", b => File(b, ".tables.bin", bytes => { bytes[^1] ^= 1; return bytes; })),
        new("the drawing is broken off", Phone, "artifact-svg", b => Text(b, ".layout.svg", t => t[..^8])),
        new("the assembly of the tables lacks a word", Phone, "artifact-assembly", b => Text(b, ".tables.S", t => t.Remove(t.LastIndexOf(", 0x", StringComparison.Ordinal), 12))),
        new("the header of the tables has another register", Phone, "artifact-image-headers", b => Text(b, ".tables.h", t => t.Replace("KMEM_TABLES_TTBR0 0x", "KMEM_TABLES_TTBR0 0x1", StringComparison.Ordinal))),
        new("the header of the tables has another device's address", Computer, "artifact-image-headers", b => Text(b, ".tables.h", t => t.Replace("_PHYS 0x", "_PHYS 0x1", StringComparison.Ordinal))),
        new("the header of the unit has another register", Micro, "artifact-mpu", b => Text(b, ".mpu.h", t => t.Replace("0x1203000fu", "0x1303000fu", StringComparison.Ordinal))),
        new("the header of the unit leaves a region on", Micro, "artifact-mpu", b => Text(b, ".mpu.h", t => t.Replace("{ 7u, 0x0u, 0x0u }", "{ 7u, 0x0u, 0x1u }", StringComparison.Ordinal))),
        new("the Renode platform has less memory", Phone, "artifact-renode", b => Text(b, ".repl", t => t.Replace("size: 0x5b00000", "size: 0x5a00000", StringComparison.Ordinal))),
        new("the Renode platform lacks a device", Micro, "artifact-renode", b => Text(b, ".repl", t => t[..t.TrimEnd().LastIndexOf('\n')] + "\n")),
        new("QEMU is asked for another size", Server, "artifact-qemu", b => Text(b, ".qemu.cfg", t => t.Replace("\"1024M\"", "\"1023M\"", StringComparison.Ordinal))),
        new("an image is loaded over reserved memory", Computer, "artifact-qemu", b => Text(b, ".qemu.cfg", t => t.Replace("#   not ", "#   RAM ", StringComparison.Ordinal))),
        new("a file depends on the run", Phone, "deterministic", b => Text(b, ".layout.md", t => t + Guid.NewGuid())),
        .. SmmuMutations.All,
    ];

    [TestCaseSource(nameof(All))]
    public void A_fault_is_found(Mutation mutation)
    {
        using var right = RepositorySubjects.Of(mutation.Board);
        var rule = BoardRules.All.First(r => r.Id == mutation.Rule);
        using var wrong = mutation.Break(right);
        Assert.That(wrong, Is.Not.SameAs(right));
        var options = new RuleOptions { Budget = ConformanceBudget.Quick };
        var result = rule.Run(wrong, wrong.Name, options);
        TestContext.Out.WriteLine(result);
        Assert.That(result.Outcome, Is.EqualTo(RuleOutcome.Failed));
        // By what the rule says, and not because it could not look.
        Assert.That(result.Proof.Findings.Where(f => f.Expected != "an answer"), Is.Not.Empty);
    }

    [Test]
    public void There_are_at_least_thirty_and_each_has_a_name_of_its_own() =>
        Assert.That(All.Select(m => m.Name).Distinct().Count(), Is.EqualTo(All.Count()).And.GreaterThanOrEqualTo(30));

    private static BoardSubject Other(BoardSubject board, Func<MemoryLayout, MemoryLayout> change) => Copy(board) with { OtherLayout = change(board.Layout) };

    // A copy whose parts are made anew.
    private static BoardSubject Copy(BoardSubject board) => BoardSubject.Of(board.Input);

    private static ImmutableArray<LayoutBank> Grow(ImmutableArray<LayoutBank> banks, int index, long bytes)
    {
        var bank = banks[index];
        return banks.SetItem(index, bank with { Range = new PhysRange(bank.Range.Start, unchecked(bank.Range.Size.Value + (ulong)bytes)) });
    }

    private static ImmutableArray<VirtualRange> Shift(ImmutableArray<VirtualRange> ranges, string name, long bytes)
    {
        var at = ranges.ToList().FindIndex(r => r.Name == name);
        return ranges.SetItem(at, ranges[at] with { Range = new VirtRange(new VirtAddr(unchecked(ranges[at].Range.Start.Value + (ulong)bytes)), ranges[at].Range.Size) });
    }

    private static LinearMap Segment(LinearMap map, int index, Func<LinearSegment, LinearSegment> change)
    {
        var segments = map.Segments.SetItem(index, change(map.Segments[index]));
        return new LinearMap(segments, [.. map.Ram.SelectMany(r => segments.Select(s => s.PhysRange.Intersect(r))).Where(r => !r.IsEmpty)]);
    }

    private static BoardSubject Image(BoardSubject board, Action<byte[], BoardSubject> change)
    {
        byte[] bytes = [.. board.Image];
        change(bytes, board);
        return Copy(board) with { OtherImage = [.. bytes] };
    }

    private static int FirstEntry(byte[] bytes) => Array.FindIndex(bytes, b => b != 0) & ~3;

    private static int EmptyEntry(byte[] bytes)
    {
        var at = FirstEntry(bytes);
        while (bytes.AsSpan(at, 4).ContainsAnyExcept((byte)0))
            at += 4;
        return at;
    }

    private static int LastEntry(byte[] bytes) => Array.FindLastIndex(bytes, b => b != 0) & ~3;

    // A block of VMSAv8-64: bits 1 and 0 are 01, which is neither a table nor a page.
    private static int LastBlock(byte[] bytes) => Enumerable.Range(0, bytes.Length / 8).Select(i => i * 8).Last(at => (bytes[at] & 3) == 1);

    private static void Clear(byte[] bytes, int at) => bytes.AsSpan(at, 4).Clear();

    private static BoardSubject Registers(BoardSubject board, string register, int region, Func<ulong, ulong> change)
    {
        var mpu = board.Mpu!;
        var domains = mpu.Domains.Select(d =>
        {
            var used = d.Registers.Regions.Where(r => r.Values.Any(v => v.Value != 0)).ToList();
            var which = region < 0 ? Executable(mpu, d) : used[region].Number;
            return d with
            {
                Registers = d.Registers with { Regions = [.. d.Registers.Regions.Select(r => r.Number != which ? r
                    : r with { Values = [.. r.Values.Select(v => v.Name == register ? v with { Value = change(v.Value) } : v)] })] },
            };
        });
        return Copy(board) with { OtherMpu = mpu with { Domains = [.. domains] } };
    }

    private static int Executable(KmemKit.Architecture.Boards.BoardMpu mpu, KmemKit.Architecture.Boards.BoardDomain domain) =>
        mpu.Format.Decode(domain.Registers).Regions.First(r => (r.Attributes.Privileged & AccessRights.Execute) != 0).Number;

    private static BoardSubject Pages(BoardSubject board, Func<IAllocatorSubject, Func<int>, IAllocatorSubject> wrap)
    {
        var calls = 0;
        return Copy(board) with { Pages = (s, q) => wrap(board.Pages(s, q), () => ++calls) };
    }

    internal static BoardSubject File(BoardSubject board, string suffix, Func<byte[], byte[]> change)
    {
        var at = board.Artifacts.ToList().FindIndex(a => a.FileName.EndsWith(suffix, StringComparison.Ordinal));
        var artifact = board.Artifacts[at];
        byte[] changed = change([.. artifact.Bytes]);
        Assert.That(changed, Is.Not.EqualTo(artifact.Bytes.ToArray()), "the fault is in the file");
        return Copy(board) with { OtherArtifacts = board.Artifacts.SetItem(at, artifact with { Bytes = [.. changed] }) };
    }

    internal static BoardSubject Text(BoardSubject board, string suffix, Func<string, string> change) =>
        File(board, suffix, bytes => Encoding.UTF8.GetBytes(change(Encoding.UTF8.GetString(bytes))));

    // The first bank's start and size as cells, big-endian.
    private static byte[] RegOf(BoardSubject board)
    {
        var bank = board.Compilation.Board!.Banks[0].Range;
        var reg = new byte[8];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(reg, (uint)bank.Start.Value);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(reg.AsSpan(4), (uint)bank.Size.Value);
        return reg;
    }

    private static byte[] Replace(byte[] bytes, byte[] what, byte with)
    {
        var at = bytes.AsSpan().IndexOf(what);
        Assert.That(at, Is.GreaterThan(0), "the bank is in the blob");
        bytes[at + 5] ^= with;
        return bytes;
    }

    private static string WithLength(string text, string length)
    {
        var at = text.IndexOf("LENGTH = 0x", StringComparison.Ordinal) + 9;
        var end = text.IndexOf(' ', at);
        return text[..at] + length + text[end..];
    }

    /// <summary>An allocator with something wrong between it and its caller.</summary>
    private sealed class Faulty(IAllocatorSubject inner) : IAllocatorSubject
    {
        private readonly HashSet<ulong> _given = [];

        /// <summary>What is answered in place of an address; null with <see cref="Again"/> is one that is taken.</summary>
        public Func<ulong, ulong, ulong?>? Allocated { get; init; }

        public bool Again { get; init; }

        public Func<ulong, ulong, bool>? Frees { get; init; }

        public bool ForgetsToZero { get; init; }

        public Func<ulong>? FreeOffset { get; init; }

        public AllocatorPromises Promises => inner.Promises with { IsThreadSafe = false };

        public IReadOnlyList<AddressSpan> Arena => inner.Arena;

        public ulong FreeBytes => inner.FreeBytes + (FreeOffset?.Invoke() ?? 0);

        public ulong? Allocate(ulong bytes, bool zeroed)
        {
            if (inner.Allocate(bytes, zeroed && !ForgetsToZero) is not { } address)
                return null;
            var answer = Allocated is null ? address : Allocated(address, bytes);
            if (answer is null && Again && _given.Count > 0)
            {
                inner.Free(address, bytes);
                return _given.First();
            }
            if (bytes == inner.Promises.Smallest)
                _given.Add(answer ?? address);
            return answer ?? address;
        }

        public bool Free(ulong address, ulong bytes)
        {
            _given.Remove(address);
            return Frees is not null && !Frees(address, bytes) || inner.Free(address, bytes);
        }

        public void Write(ulong address, ReadOnlySpan<byte> source) => inner.Write(address, source);

        public void Read(ulong address, Span<byte> destination) => inner.Read(address, destination);

        public void Dispose() => inner.Dispose();
    }
}
