using System.Collections.Immutable;

namespace KmemKit.Architecture.Mmu;

/// <summary>
/// A translation table format with its parameters fixed: geometry, descriptors, who may access, which fault, which system registers. One value describes
/// one tree, the one a TTBR, CR3 or satp points to.
/// </summary>
/// <remarks>
/// <para>
/// Formats are small readonly structs. Code that must be fast is generic over <c>where TFormat : struct, ITranslationFormat</c>, so that the JIT inlines the
/// members and folds the geometry; code that need not be holds the interface (<see cref="TranslationFormats"/>). <c>default</c> of every format is valid: its
/// usual size with the kernel's usual settings.
/// </para>
/// <para>
/// Levels have the architecture's own numbers (Arm 0 to 3 downwards, x86 5 to 1, RISC-V from LEVELS-1 to 0): start at <see cref="RootLevel"/>, go on with
/// <see cref="NextLevel"/>, stop at <see cref="LastLevel"/>. A descriptor is passed as a 64-bit number whatever its size in memory, and memory is little-endian.
/// </para>
/// <para>
/// Invariants: whatever <see cref="TryEncodeLeaf"/> accepts, <see cref="DecodeLeaf"/> gives back as its <see cref="Canonical"/> form under the limits of a table
/// made with <see cref="TableFor"/>; <see cref="Validate"/> accepts it; and a canonical form is its own canonical form.
/// </para>
/// </remarks>
public interface ITranslationFormat
{
    /// <summary>Such as <c>vmsav8-64-4k</c>, <c>x86-64</c>, <c>arm-short</c>, <c>sv39</c>; stage 2 has <c>-s2</c> behind it.</summary>
    string Name { get; }

    /// <summary>Bytes of a descriptor: 4 or 8.</summary>
    int DescriptorSize { get; }

    /// <summary>Level of the table that the base register points to.</summary>
    int RootLevel { get; }

    /// <summary>Level of the smallest pages; its descriptors are never tables.</summary>
    int LastLevel { get; }

    /// <summary>The level below <paramref name="level"/>.</summary>
    int NextLevel(int level);

    /// <summary>Log2 of the smallest page in bytes.</summary>
    int PageShift { get; }

    /// <summary>Log2 of the bytes that one descriptor of the level spans.</summary>
    int LevelShift(int level);

    /// <summary>
    /// Log2 of the descriptors in a table of the level. The root's may be fewer (a small input size), or more (concatenated tables of stage 2, which are one
    /// array in memory).
    /// </summary>
    int IndexBits(int level);

    /// <summary>Bits of an address that select in the tree, page offset included.</summary>
    int InputBits { get; }

    /// <summary>Bits of an output address.</summary>
    int OutputBits { get; }

    /// <summary>Alignment of the root table in bytes; other tables are aligned to their size.</summary>
    int RootAlignment { get; }

    /// <summary>Software bits a leaf has.</summary>
    int SoftwareBits { get; }

    /// <summary>Fixed controls under which the descriptors are read.</summary>
    TranslationControls Controls { get; }

    /// <summary>All sizes of leaf, smallest first.</summary>
    ImmutableArray<LeafShape> Shapes { get; }

    /// <summary>The input addresses of the tree, lowest first: one range, or the two canonical halves. 32-bit spaces end at 2^32.</summary>
    ImmutableArray<VirtRange> InputRanges { get; }

    /// <summary>Whether the address is in one of <see cref="InputRanges"/>.</summary>
    bool Translates(ulong address);

    /// <summary>What an address outside <see cref="InputRanges"/> meets.</summary>
    TranslationFault OutOfRange { get; }

    /// <summary>Whether the descriptor points to a table: the fast form of <see cref="KindOf"/>.</summary>
    bool IsTable(ulong descriptor, int level);

    /// <summary>What the walk takes the descriptor for.</summary>
    DescriptorKind KindOf(ulong descriptor, int level);

    /// <summary>Why a walk ends at a descriptor that is neither table nor leaf.</summary>
    FaultCause CauseOf(ulong descriptor, int level);

    /// <summary>Address of the table that a table descriptor points to.</summary>
    ulong TableAddress(ulong descriptor, int level);

    /// <summary>Output address of what a leaf's one descriptor spans; of the first byte of the whole leaf where its descriptors are equal.</summary>
    ulong LeafAddress(ulong descriptor, int level);

    /// <summary>
    /// Log2 of the bytes over which the output address of the leaf is linear in the input address: <see cref="LevelShift"/>, or that of the whole leaf where
    /// its descriptors are equal.
    /// </summary>
    int LeafShift(ulong descriptor, int level);

    /// <summary>The size of the leaf that the descriptor is, or is part of.</summary>
    LeafShape ShapeOf(ulong descriptor, int level);

    /// <summary>
    /// What a table descriptor hands down, in the format's own bits: 0 where it takes nothing. A walk ORs it over the levels and gives it to
    /// <see cref="DecodeLeaf"/>.
    /// </summary>
    ulong Limits(ulong descriptor, int level);

    /// <summary>What a leaf means below tables with these limits.</summary>
    PageAttributes DecodeLeaf(ulong descriptor, int level, ulong limits);

    /// <summary>What a table descriptor, or the OR of <see cref="Limits"/>, means for what is below.</summary>
    TableAttributes DecodeTable(ulong descriptor, int level);

    /// <summary>The first descriptor of a leaf.</summary>
    /// <param name="output">Output address, a multiple of the leaf's bytes.</param>
    /// <param name="attributes">What it shall say.</param>
    /// <param name="shape">One of <see cref="Shapes"/>.</param>
    /// <param name="descriptor">The descriptor; 0 if refused. Descriptor i of the leaf is this plus i times <see cref="LeafShape.Step"/>.</param>
    EncodingRefusal TryEncodeLeaf(ulong output, in PageAttributes attributes, in LeafShape shape, out ulong descriptor);

    /// <summary>
    /// The address field alone: <c>descriptor of A == descriptor of 0 | OutputField(A)</c>, so that a run of leaves is a template and this. Address and shape
    /// are not checked.
    /// </summary>
    ulong OutputField(ulong output, in LeafShape shape);

    /// <summary>The table's descriptor that a leaf with these attributes needs above it: only ARM short pages need one that is not the default.</summary>
    TableAttributes TableFor(in PageAttributes attributes, in LeafShape shape);

    /// <summary>A descriptor of <paramref name="level"/> that points to <paramref name="table"/>.</summary>
    EncodingRefusal TryEncodeTable(ulong table, int level, in TableAttributes attributes, out ulong descriptor);

    /// <summary>The part of the attributes that a leaf keeps: what the decoder gives back.</summary>
    PageAttributes Canonical(in PageAttributes attributes);

    /// <summary>
    /// Whether every bit of a descriptor is one that software may set: stricter than the walk, which ignores some. Invalid descriptors are always fine.
    /// </summary>
    EncodingRefusal Validate(ulong descriptor, int level);

    /// <summary>The format's type for a use of memory.</summary>
    MemoryType TypeFor(MemoryUse use);

    /// <summary>Rights of an access at last: <paramref name="controls"/> are those that are read at each access.</summary>
    AccessRights RightsOf(in PageAttributes attributes, Privilege privilege, TranslationControls controls);

    /// <summary>Whether an access is allowed, and the fault if not.</summary>
    /// <param name="attributes">What <see cref="DecodeLeaf"/> gave.</param>
    /// <param name="access">One of Read, Write, Execute; or Read and Write together for an atomic access.</param>
    /// <param name="privilege">Who.</param>
    /// <param name="controls">Controls that are read at each access.</param>
    FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege, TranslationControls controls);

    /// <summary>The leaf as hardware leaves it after an access, where it records use; the same where it does not.</summary>
    ulong MarkUsed(ulong descriptor, int level, bool write);

    /// <summary>The table descriptor as hardware leaves it after a walk through it (x86 A); the same where it does not.</summary>
    ulong MarkTableUsed(ulong descriptor, int level);

    /// <summary>System registers that turn this tree on, alone, in the order to write them.</summary>
    /// <param name="root">Physical address of the root table.</param>
    ImmutableArray<SystemRegister> Registers(ulong root);

    /// <summary>What the fault registers hold.</summary>
    FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege);
}
