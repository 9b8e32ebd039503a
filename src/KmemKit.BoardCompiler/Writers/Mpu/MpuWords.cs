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
/// <remarks>
/// A switch does not know which domain it leaves, so it writes a word that differs between any two states, and no other. Where registers are memory (Arm
/// M-profile) a region's words stay together: they are written in one go.
/// </remarks>
internal sealed class MpuWords
{
    public MpuWords(MpuImage image, MpuInstructions? instructions)
    {
        var sharedLast = instructions?.SharedLast ?? false;
        ImmutableArray<MpuWord>[] shared = [.. image.States.Select(state => state.Shared.Select(r => new MpuWord(r.Name, r.Value, null)).ToImmutableArray())];
        ImmutableArray<MpuWord>[] slots = [.. image.States.Select(state => Words(state.Slots))];
        var sharedDiffers = Differing(shared, each: true);
        var slotDiffers = Differing(slots, each: instructions is not null);
        var fixedShared = Pick(shared[0], sharedDiffers, false);
        ImmutableArray<MpuWord> fixedSlots = [.. Words(image.Fixed), .. Pick(slots[0], slotDiffers, false)];
        Fixed = sharedLast ? [.. fixedSlots, .. fixedShared] : [.. fixedShared, .. fixedSlots];
        States = [.. image.States.Select((_, i) =>
        {
            var (own, common) = (Pick(slots[i], slotDiffers, true), Pick(shared[i], sharedDiffers, true));
            return sharedLast ? (ImmutableArray<MpuWord>)[.. own, .. common] : [.. common, .. own];
        })];
    }

    /// <summary>Words that every state has.</summary>
    public ImmutableArray<MpuWord> Fixed { get; }

    /// <summary>By state, the words that are its own: the same registers in each.</summary>
    public ImmutableArray<ImmutableArray<MpuWord>> States { get; }

    private static ImmutableArray<MpuWord> Words(IEnumerable<MpuSlot> slots) => [.. slots.SelectMany(s => s.Values.Select(v => new MpuWord(v.Name, v.Value, s)))];

    private static bool[] Differing(ImmutableArray<MpuWord>[] states, bool each) =>
        [.. states[0].Select((_, at) => !each || states.Any(words => words[at].Value != states[0][at].Value))];

    private static ImmutableArray<MpuWord> Pick(ImmutableArray<MpuWord> words, bool[] differing, bool differ) => [.. words.Where((_, at) => differing[at] == differ)];
}
