using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>
/// A format of no hardware: three levels of four entries, 64 pages in all, leaves at the last two levels and in pairs at the last. Small enough that every tree
/// there is can be looked at.
/// </summary>
internal readonly struct SmallFormat : ITranslationFormat
{
    public const int Page = 12;

    public static ulong Pages => 64;

    public string Name => "small";

    public int DescriptorSize => 8;

    public int RootLevel => 1;

    public int LastLevel => 3;

    public int NextLevel(int level) => level + 1;

    public int PageShift => Page;

    public int LevelShift(int level) => Page + 2 * (3 - level);

    public int IndexBits(int level) => 2;

    public int InputBits => Page + 6;

    public int OutputBits => 40;

    public int RootAlignment => 32;

    public int SoftwareBits => 0;

    public TranslationControls Controls => TranslationControls.None;

    public ImmutableArray<LeafShape> Shapes =>
        [new LeafShape(3, 1, 1UL << Page, 0), new LeafShape(3, 2, 2UL << Page, 1UL << Page), new LeafShape(2, 1, 4UL << Page, 0), new LeafShape(1, 1, 16UL << Page, 0)];

    public ImmutableArray<VirtRange> InputRanges => [new VirtRange(default, Pages << Page)];

    public bool Translates(ulong address) => address < Pages << Page;

    public TranslationFault OutOfRange => default;

    public bool IsTable(ulong descriptor, int level) => throw NotWritten();

    public DescriptorKind KindOf(ulong descriptor, int level) => throw NotWritten();

    public FaultCause CauseOf(ulong descriptor, int level) => throw NotWritten();

    public ulong TableAddress(ulong descriptor, int level) => throw NotWritten();

    public ulong LeafAddress(ulong descriptor, int level) => throw NotWritten();

    public int LeafShift(ulong descriptor, int level) => throw NotWritten();

    public LeafShape ShapeOf(ulong descriptor, int level) => throw NotWritten();

    public ulong Limits(ulong descriptor, int level) => throw NotWritten();

    public PageAttributes DecodeLeaf(ulong descriptor, int level, ulong limits) => throw NotWritten();

    public TableAttributes DecodeTable(ulong descriptor, int level) => throw NotWritten();

    public EncodingRefusal TryEncodeLeaf(ulong output, in PageAttributes attributes, in LeafShape shape, out ulong descriptor) => throw NotWritten();

    public ulong OutputField(ulong output, in LeafShape shape) => throw NotWritten();

    public TableAttributes TableFor(in PageAttributes attributes, in LeafShape shape) => default;

    public EncodingRefusal TryEncodeTable(ulong table, int level, in TableAttributes attributes, out ulong descriptor) => throw NotWritten();

    public PageAttributes Canonical(in PageAttributes attributes) => attributes;

    public EncodingRefusal Validate(ulong descriptor, int level) => throw NotWritten();

    public MemoryType TypeFor(MemoryUse use) => MemoryType.Pma;

    public AccessRights RightsOf(in PageAttributes attributes, Privilege privilege, TranslationControls controls) => throw NotWritten();

    public FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege, TranslationControls controls) => throw NotWritten();

    public ulong MarkUsed(ulong descriptor, int level, bool write) => throw NotWritten();

    public ulong MarkTableUsed(ulong descriptor, int level) => throw NotWritten();

    public ImmutableArray<SystemRegister> Registers(ulong root) => [];

    public FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege) => throw NotWritten();

    // Trees of it are counted, never written.
    private static InvalidOperationException NotWritten() => new("This format has no descriptors.");
}
