using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>A set of attributes in one tree, and which leaves can have it.</summary>
/// <param name="Number">Number in <see cref="PageTablePlan.Attributes"/>.</param>
/// <param name="Attributes">In the format's canonical form.</param>
/// <param name="Refusal">Why no page can have it.</param>
/// <param name="Shapes">Leaves that can, largest first.</param>
internal sealed record AttributeSet(int Number, PageAttributes Attributes, EncodingRefusal Refusal, ImmutableArray<LeafShape> Shapes);

/// <summary>Turns the rights and memory types of a map into those of a format of tables.</summary>
internal sealed class AttributeSets
{
    private readonly Dictionary<(int Tree, PageAttributes Attributes), AttributeSet> _sets = [];
    private readonly List<PageAttributes> _all = [];

    public ImmutableArray<PageAttributes> All => [.. _all];

    public AttributeSet Of(int tree, ITranslationFormat format, in MpuAttributes said, bool isGlobal)
    {
        var attributes = Translate(format, said, isGlobal);
        if (_sets.TryGetValue((tree, attributes), out var known))
            return known;
        var pages = format.Shapes[0];
        var refusal = format.TryEncodeLeaf(0, attributes, pages, out _);
        var shapes = format.Shapes.Where(s => format.TryEncodeLeaf(0, attributes, s, out _) == EncodingRefusal.None)
            .OrderByDescending(s => s.Bytes).ToImmutableArray();
        var canonical = format.Canonical(attributes);
        var number = _all.IndexOf(canonical);
        if (number < 0)
        {
            number = _all.Count;
            _all.Add(canonical);
        }
        return _sets[(tree, attributes)] = new AttributeSet(number, canonical, refusal, shapes);
    }

    /// <summary>Entries are written as used already: what boots has no handler for access flags yet.</summary>
    public static PageAttributes Translate(ITranslationFormat format, in MpuAttributes said, bool isGlobal)
    {
        var type = TypeOf(format, said);
        var attributes = new PageAttributes(said.Privileged, said.User, type,
            said.Shareable && type.IsArm() ? Shareability.Inner : Shareability.None)
        {
            IsGlobal = isGlobal,
            IsDirty = ((said.Privileged | said.User) & AccessRights.Write) != 0,
        };
        return format.Canonical(attributes);
    }

    private static MemoryType TypeOf(ITranslationFormat format, in MpuAttributes said)
    {
        var (use, exact) = said.Memory switch
        {
            MpuMemoryType.StronglyOrdered => (MemoryUse.StrictDevice, MemoryType.DeviceNGnRnE),
            MpuMemoryType.Device => (MemoryUse.Device, MemoryType.DeviceNGnRE),
            MpuMemoryType.NormalNonCacheable => (MemoryUse.WriteCombining, MemoryType.NormalNonCacheable),
            MpuMemoryType.NormalWriteThrough => (MemoryUse.WriteThrough, MemoryType.NormalWriteThrough),
            MpuMemoryType.NormalWriteBack => (MemoryUse.Cached, MemoryType.NormalWriteBack),
            _ => (MemoryUse.Cached, MemoryType.NormalWriteBackWriteAllocate),
        };
        // The allocation policy is a hint: where the format's table of types does not hold the exact one, the type for the use is as good.
        var probe = new PageAttributes(AccessRights.Read, AccessRights.None, exact);
        return format.TryEncodeLeaf(0, format.Canonical(probe), format.Shapes[0], out _) == EncodingRefusal.None ? exact : format.TypeFor(use);
    }
}
