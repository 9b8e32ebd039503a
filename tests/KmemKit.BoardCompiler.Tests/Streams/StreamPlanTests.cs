using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Tables;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Streams;

/// <summary>The image of a plan, read as the hardware reads it, against what the test gave to each stream: no byte more, no byte less.</summary>
internal sealed class StreamPlanTests
{
    private const int Boards = 60;

    [TestCase(false, true, TestName = "Every_stream_reaches_what_it_is_given_and_nothing_else(SMMUv3)")]
    [TestCase(false, false, TestName = "Every_stream_reaches_what_it_is_given_and_nothing_else(SMMUv3, linear)")]
    [TestCase(true, true, TestName = "Every_stream_reaches_what_it_is_given_and_nothing_else(SMMUv2)")]
    public void Every_stream_of_a_random_board_reaches_what_it_is_given_and_nothing_else(bool isV2, bool canBeTwoLevel)
    {
        var (walks, translated) = (0, 0);
        for (var seed = 1; seed <= Boards; seed++)
        {
            var board = new RandomBoard(seed, isV2, canBeTwoLevel);
            var plan = StreamBoards.Plan(board.Text);
            var memory = new TableImageMemory(plan.Base, ImmutableArray.Create(StreamTableImage.Write(plan)));
            var registers = plan.Smmus[0].Registers.ToDictionary(r => r.Name, r => r.Value);
            var random = new Random(seed);
            foreach (var stream in Streams(board, random, isV2))
            {
                foreach (var address in Addresses(board.Streams.GetValueOrDefault(stream), random))
                {
                    var found = isV2 ? ReadV2(registers, memory, stream, address, plan.Smmus[0].Smmu.V2) : ReadV3(registers, memory, stream, address, plan.Smmus[0].Smmu.V3);
                    Assert.That(found, Is.EqualTo(Expected(board, stream, address)), $"seed {seed}, stream 0x{stream:x}, device address 0x{address:x}\n{board.Text}");
                    walks++;
                    translated += found.Phys is null ? 0 : 1;
                }
            }
        }
        TestContext.Out.WriteLine($"{walks} walks, {translated} translated");
    }

    [Test]
    public void Two_levels_are_read_as_one()
    {
        var twoLevel = 0;
        for (var seed = 1; seed <= Boards; seed++)
        {
            var (two, one) = (StreamBoards.Plan(new RandomBoard(seed).Text), StreamBoards.Plan(new RandomBoard(seed, canBeTwoLevel: false).Text));
            Assert.That(two.Smmus[0].Shape!.Bytes, Is.LessThanOrEqualTo(one.Smmus[0].Shape!.Bytes));
            Assert.That(one.Smmus[0].Shape!.IsTwoLevel, Is.False);
            twoLevel += two.Smmus[0].Shape!.IsTwoLevel ? 1 : 0;
            var (first, second) = (new Reader(two), new Reader(one));
            for (uint stream = 0; stream < 0x1100; stream++)
                Assert.That(first.Entry(stream), Is.EqualTo(second.Entry(stream)), $"seed {seed}, stream 0x{stream:x}");
        }
        Assert.That(twoLevel, Is.GreaterThan(Boards / 4), "the boards have two-level tables");
    }

    // V, Config, context pointer of every bound entry; V, tables and sizes of every descriptor: each bit counts.
    [Test]
    public void A_flipped_bit_of_an_entry_or_descriptor_is_found()
    {
        var (flips, missed) = (0, new List<string>());
        for (var seed = 1; seed <= 8; seed++)
        {
            var plan = StreamBoards.Plan(new RandomBoard(seed).Text);
            var image = StreamTableImage.Write(plan);
            var smmu = plan.Smmus[0];
            var places = smmu.Bindings.Select(b => (Place: new Reader(plan).PlaceOf(b.Stream.First), Word: 0, Mask: b.Translation switch
                {
                    StreamTranslation.Stage1 => 0xFUL | (((1UL << 48) - 1) & ~63UL),
                    _ => 0xFUL,
                }))
                .Concat(smmu.Bindings.Where(b => b.Translation == StreamTranslation.Stage2).Select(b => (Place: new Reader(plan).PlaceOf(b.Stream.First), Word: 3, Mask: ((1UL << 48) - 1) & ~0xFFFUL)))
                .Concat(smmu.Contexts.Where(c => c.Descriptor is not null).Select(c => (Place: c.Descriptor!.Value.Value, Word: 1, Mask: ((1UL << 48) - 1) & ~((ulong)c.Format.RootAlignment - 1))))
                .Concat(smmu.Contexts.Where(c => c.Descriptor is not null).Select(c => (Place: c.Descriptor!.Value.Value, Word: 0, Mask: 1UL << 31 | 1UL << 41 | 0xC0UL)));
            foreach (var (place, word, mask) in places)
            {
                for (var bit = 0; bit < 64; bit++)
                {
                    if ((mask >> bit & 1) == 0)
                        continue;
                    var changed = (byte[])image.Clone();
                    changed[(int)(place - plan.Base.Value) + (8 * word) + (bit / 8)] ^= (byte)(1 << (bit % 8));
                    flips++;
                    if (StreamPlanVerifier.FirstWrong(plan, changed) is null)
                        missed.Add($"seed {seed}, 0x{place:x} word {word} bit {bit}");
                }
            }
        }
        TestContext.Out.WriteLine($"{flips} flips");
        Assert.That(missed, Is.Empty);
    }

    [Test]
    public void The_same_board_gives_the_same_bytes_and_a_disabled_master_changes_nothing()
    {
        for (var seed = 1; seed <= 10; seed++)
        {
            var board = new RandomBoard(seed);
            var plan = StreamBoards.Plan(board.Text);
            Assert.That(StreamTableImage.Write(StreamBoards.Plan(board.Text)), Is.EqualTo(StreamTableImage.Write(plan)));
            Assert.That(StreamBoards.Plan(board.Text.Replace("\tidle: idle@b000000 {", "\tother: other@c000000 { reg = <0x0 0x0c000000 0x0 0x1000>; status = \"disabled\"; iommus = <&smmu 1>; };\n\tidle: idle@b000000 {",
                StringComparison.Ordinal)) is var more && StreamTableImage.Write(more).AsSpan().SequenceEqual(StreamTableImage.Write(plan)), "a disabled master changes nothing");
        }
    }

    private readonly record struct Found(ulong? Phys, AccessRights Access, bool IsIllegal = false);

    private static Found Expected(RandomBoard board, uint stream, ulong address)
    {
        if (!board.Streams.TryGetValue(stream, out var given))
            return new Found(null, AccessRights.None);
        if (given is null)
            return new Found(address, AccessRights.ReadWrite);
        var region = given.FirstOrDefault(g => address >= g.Iova && address - g.Iova < g.Size);
        return region is null ? new Found(null, AccessRights.None) : new Found(region.Phys + (address - region.Iova), region.Access);
    }

    private static IEnumerable<uint> Streams(RandomBoard board, Random random, bool isV2)
    {
        var ids = new SortedSet<uint> { 0, 1, isV2 ? 0x7FFFu : 0xFFFF };
        foreach (var stream in board.Streams.Keys)
            ids.UnionWith([stream, stream + 1, stream == 0 ? 0 : stream - 1, stream ^ 0x40, stream ^ 0x400]);
        for (var i = 0; i < 20; i++)
            ids.Add((uint)random.Next(isV2 ? 0x8000 : 0x1_0000));
        return ids.Where(i => i < (isV2 ? 0x8000u : 0x1_0000u));
    }

    private static IEnumerable<ulong> Addresses(List<Given>? given, Random random)
    {
        yield return 0;
        yield return ulong.MaxValue & ~7UL;
        yield return 1UL << 47;
        foreach (var region in given ?? [])
        {
            foreach (var at in (ulong[])[region.Iova - 8, region.Iova, region.Iova + region.Size - 8, region.Iova + region.Size, region.Iova + (1UL << 40), region.Phys])
                yield return at;
            for (var i = 0; i < 6; i++)
                yield return region.Iova + (ulong)random.NextInt64((long)region.Size);
        }
        for (var i = 0; i < 6; i++)
            yield return (ulong)random.NextInt64(1L << random.Next(20, 49));
    }

    private static bool TryRead(TableImageMemory memory, ulong at, Span<ulong> words)
    {
        for (var i = 0; i < words.Length; i++)
        {
            if (!memory.TryRead(at + (ulong)(8 * i), 8, out words[i]))
                return false;
        }
        return true;
    }

    private static Found ReadV3(Dictionary<string, ulong> registers, TableImageMemory memory, uint stream, ulong address, SmmuV3Features features)
    {
        var (table, config) = (registers["STRTAB_BASE"] & 0xF_FFFF_FFFF_FFC0, (int)registers["STRTAB_BASE_CFG"]);
        var (log2, split) = (config & 63, config >> 6 & 31);
        if (stream >> log2 != 0)
            return default;
        var at = table + (64UL * stream);
        if (config >> 16 == 1)
        {
            Span<ulong> first = stackalloc ulong[1];
            if (!TryRead(memory, table + (8UL * (stream >> split)), first))
                return new Found(null, 0, true);
            var span = (int)(first[0] & 31);
            var index = stream & ((1u << split) - 1);
            if (span == 0 || index >= 1u << (span - 1))
                return default;
            at = (first[0] & 0xF_FFFF_FFFF_FFC0) + (64UL * index);
        }
        Span<ulong> words = stackalloc ulong[8];
        if (!TryRead(memory, at, words))
            return new Found(null, 0, true);
        var entry = new StreamTableEntry(new StructureWords(words));
        if (entry.Check(features) != SmmuV3Fault.None)
            return new Found(null, 0, true);
        switch (entry.Config)
        {
            case SteConfig.Abort:
                return default;
            case SteConfig.Bypass:
                return new Found(address, AccessRights.ReadWrite);
            case SteConfig.Stage2:
                var s2 = entry.Stage2;
                ITranslationFormat stage2 = s2.GranuleShift switch
                {
                    12 => new Vmsav8Stage2Format<Granule4K>(s2.InputBits, s2.OutputBits),
                    14 => new Vmsav8Stage2Format<Granule16K>(s2.InputBits, s2.OutputBits),
                    _ => new Vmsav8Stage2Format<Granule64K>(s2.InputBits, s2.OutputBits),
                };
                return s2.StartLevel == stage2.RootLevel ? Tables(stage2, memory, s2.Table.Value, address) : new Found(null, 0, true);
            default:
                if (!TryRead(memory, entry.ContextTable.Value, words))
                    return new Found(null, 0, true);
                var cd = new ContextDescriptor(new StructureWords(words));
                if (cd.Check(features) != SmmuV3Fault.None || cd.HasUpper)
                    return new Found(null, 0, true);
                return Tables(Stage1(cd.LowerGranuleShift, cd.LowerInputBits, cd.OutputBits, cd.Mair), memory, cd.LowerTable.Value, address);
        }
    }

    private static Found ReadV2(Dictionary<string, ulong> registers, TableImageMemory memory, uint stream, ulong address, SmmuV2Features features)
    {
        if ((registers["CR0"] & ((1 << 10) | 1)) != 1 << 10)
            return new Found(null, 0, true);
        var matching = Enumerable.Range(0, features.StreamMappingGroups).Where(i => new StreamMatchRegister((uint)registers[$"SMR{i}"]).Matches(stream)).ToList();
        if (matching.Count != 1)
            return matching.Count == 0 ? default : new Found(null, 0, true);
        var target = new StreamToContextRegister((uint)registers[$"S2CR{matching[0]}"]);
        if (target.Type != StreamToContextType.Translation)
            return target.Type == StreamToContextType.Bypass ? new Found(address, AccessRights.ReadWrite) : default;
        var bank = $"CB{target.Bank}_";
        var (tcr, ttbr, cbar) = ((uint)registers[bank + "TCR"], registers[bank + "TTBR0"], new ContextBankAttribute((uint)registers[$"CBAR{target.Bank}"]));
        if ((registers[bank + "SCTLR"] & 1) == 0 || registers[$"CBA2R{target.Bank}"] != 1)
            return new Found(null, 0, true);
        var (bits, granule) = (64 - ((int)tcr & 63), (tcr >> 14 & 3) switch { 0 => 12, 1 => 16, _ => 14 });
        if (cbar.Type == ContextBankType.Stage1)
        {
            var mair = registers[bank + "MAIR0"] | registers[bank + "MAIR1"] << 32;
            return (tcr >> 23 & 1) == 1 ? Tables(Stage1(granule, bits, 48, mair), memory, ttbr & ((1UL << 48) - 1), address) : new Found(null, 0, true);
        }
        return Tables(granule switch
        {
            12 => new Vmsav8Stage2Format<Granule4K>(bits),
            14 => new Vmsav8Stage2Format<Granule16K>(bits),
            _ => new Vmsav8Stage2Format<Granule64K>(bits),
        }, memory, ttbr, address);
    }

    private static ITranslationFormat Stage1(int granule, int bits, int output, ulong mair) => granule switch
    {
        12 => new Vmsav8Format<Granule4K>(bits, output, mair: mair),
        14 => new Vmsav8Format<Granule16K>(bits, output, mair: mair),
        _ => new Vmsav8Format<Granule64K>(bits, output, mair: mair),
    };

    private static Found Tables(ITranslationFormat format, TableImageMemory memory, ulong root, ulong address)
    {
        var rights = AccessRights.None;
        ulong? phys = null;
        foreach (var access in (AccessRights[])[AccessRights.Read, AccessRights.Write])
        {
            var found = Walker.Access(format, ref memory, root, address, access, Privilege.User, TranslationControls.None);
            if (found.Fault.Cause is FaultCause.ExternalAbortOnWalk or FaultCause.AccessFlag or FaultCause.AddressSize)
                return new Found(null, 0, true);
            if (!found.IsMapped)
                continue;
            (rights, phys) = (rights | access, found.Output);
        }
        return new Found(phys, rights);
    }

    private sealed class Reader(StreamTablePlan plan)
    {
        private readonly byte[] _image = StreamTableImage.Write(plan);
        private readonly SmmuPlan _smmu = plan.Smmus[0];

        private ulong Word(ulong at) => BinaryPrimitives.ReadUInt64LittleEndian(_image.AsSpan((int)(at - plan.Base.Value)));

        public ulong PlaceOf(uint stream)
        {
            var shape = _smmu.Shape!;
            if (!shape.IsTwoLevel)
                return _smmu.StreamTable.Value + (64UL * stream);
            var descriptor = Word(_smmu.StreamTable.Value + (8UL * (stream >> shape.Split)));
            var index = stream & ((1u << shape.Split) - 1);
            return (descriptor & 31) != 0 && index < 1u << ((int)(descriptor & 31) - 1) ? (descriptor & ~31UL) + (64UL * index) : 0;
        }

        /// <summary>Config, and for a translation what is at the end of its pointer; abort where there is no entry.</summary>
        public string Entry(uint stream)
        {
            if (stream >> _smmu.Shape!.Log2Size != 0 || PlaceOf(stream) is var at && at == 0)
                return "abort";
            var words = new ulong[8];
            for (var i = 0; i < 8; i++)
                words[i] = Word(at + (ulong)(8 * i));
            var entry = new StreamTableEntry(new StructureWords(words));
            // Where things are differs with the table's size; which context it is does not.
            return entry.Config switch
            {
                SteConfig.Abort => "abort",
                SteConfig.Stage1 => "stage 1 " + (Word(entry.ContextTable.Value) >> 48),
                SteConfig.Stage2 => "stage 2 " + entry.Vmid,
                _ => entry.Config.ToString(),
            };
        }
    }
}
