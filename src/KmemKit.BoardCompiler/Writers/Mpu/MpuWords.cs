using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>A word of a register table: which register takes it.</summary>
/// <param name="Register">The register's name.</param>
/// <param name="Value">Its value.</param>
/// <param name="Slot">The region it belongs to; null for a register that all share.</param>
internal readonly record struct MpuWord(string Register, ulong Value, MpuSlot? Slot);

/// <summary>A plan as two rows of words, in the order in which they are written: what never changes, and what a switch writes.</summary>
internal sealed class MpuWords
{
    private readonly MpuImage _image;
    private readonly bool _sharedLast;

    public MpuWords(MpuImage image, bool sharedLast)
    {
        _image = image;
        _sharedLast = sharedLast;
        var fixedShared = sharedLast || image.SharedDiffers ? [] : Shared(0);
        Fixed = [.. fixedShared, .. Words(image.Fixed)];
        States = [.. image.States.Select((_, i) => State(i))];
    }

    /// <summary>Words that every state has.</summary>
    public ImmutableArray<MpuWord> Fixed { get; }

    /// <summary>By state, the words that are its own: the same registers in each.</summary>
    public ImmutableArray<ImmutableArray<MpuWord>> States { get; }

    private ImmutableArray<MpuWord> State(int state)
    {
        var shared = _sharedLast || _image.SharedDiffers ? Shared(state) : [];
        var slots = Words(_image.States[state].Slots);
        return _sharedLast ? [.. slots, .. shared] : [.. shared, .. slots];
    }

    private IEnumerable<MpuWord> Shared(int state) => _image.States[state].Shared.Select(r => new MpuWord(r.Name, r.Value, null));

    private static IEnumerable<MpuWord> Words(IEnumerable<MpuSlot> slots) => slots.SelectMany(s => s.Values.Select(v => new MpuWord(v.Name, v.Value, s)));
}
