using System;
using System.Collections.Immutable;

namespace KmemKit.Architecture.Smmu;

/// <summary>A step of a structure's update: what memory holds after it. The configuration is invalidated and synced behind each step.</summary>
/// <param name="Words">All of the structure.</param>
/// <param name="Changed">Bit n is set where word n was written.</param>
public readonly record struct UpdateStep(StructureWords Words, int Changed);

/// <summary>
/// How to change a stream table entry or context descriptor that the SMMU may be using, which reads it in words of 64 bits in any order: so that whatever mixture of
/// words it reads means the old structure or the new one wherever that can be had (Arm IHI 0070, 3.21.3; the method is that of Linux' arm_smmu_write_entry).
/// </summary>
/// <remarks>
/// <para>A bit is in use where the structure's own V and Config make the SMMU look at it. First the words are prepared in all bits that the old structure does not use; if then
/// one single word still differs in bits that the new one uses, that word is the switch: one store makes the old structure the new one. Otherwise the structure is made
/// invalid first, and the stream is closed until it is complete.</para>
/// </remarks>
public static class HitlessUpdate
{
    /// <summary>The steps from <paramref name="current"/> to <paramref name="target"/>; none where they are equal.</summary>
    /// <param name="current">What memory holds.</param>
    /// <param name="target">What it shall hold; bits that it does not use itself are 0.</param>
    /// <param name="usedBits">The bits in use of a structure; all bits of a valid word 0's V are.</param>
    public static ImmutableArray<UpdateStep> Plan(StructureWords current, StructureWords target, Func<StructureWords, StructureWords> usedBits)
    {
        if (usedBits is null)
            throw new ArgumentNullException(nameof(usedBits));
        var steps = ImmutableArray.CreateBuilder<UpdateStep>(3);
        var (used, wanted) = (usedBits(current), usedBits(target));
        Span<ulong> prepared = stackalloc ulong[StructureWords.Count];
        var (differing, critical) = (0, 0);
        for (var i = 0; i < StructureWords.Count; i++)
        {
            prepared[i] = (current[i] & used[i]) | (target[i] & ~used[i]);
            if (((prepared[i] ^ target[i]) & wanted[i]) == 0)
                continue;
            differing++;
            critical = i;
        }
        var at = current;
        switch (differing)
        {
            case 0:
                Step(target);
                break;
            case 1:
                prepared[critical] = current[critical];
                Step(new StructureWords(prepared));
                Step(at.With(critical, target[critical]));
                Step(target);
                break;
            default:
                // No single store makes one of the other: closed while it is written, with V in word 0 first and last.
                Step(at.With(0, 0));
                Step(target.With(0, 0));
                Step(target);
                break;
        }
        return steps.ToImmutable();

        void Step(StructureWords next)
        {
            var changed = 0;
            for (var i = 0; i < StructureWords.Count; i++)
                changed |= next[i] != at[i] ? 1 << i : 0;
            if (changed != 0)
                steps.Add(new UpdateStep(next, changed));
            at = next;
        }
    }
}
