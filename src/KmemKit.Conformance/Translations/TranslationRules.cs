using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Translations;

/// <summary>What the rules of translations look at.</summary>
/// <param name="Subject">The translation.</param>
/// <param name="Map">What it has to say.</param>
public sealed record TranslationContext(ITranslationSubject Subject, TranslationMap Map);

/// <summary>What holds for every translation of a linear map.</summary>
public static class TranslationRules
{
    private const string Kind = "Translation";

    /// <summary>The rules.</summary>
    public static ImmutableArray<Rule<TranslationContext>> All { get; } =
    [
        new("translation-edges", Kind, "The first and the last byte of RAM translate there and back, their neighbours inside too, and those outside are refused.", Edges),
        new("translation-pages", Kind, "Every page that is drawn translates by its piece's one offset, in its first, last and any byte.", Pages),
        new("translation-holes", Kind, "What lies between pieces of RAM is refused at its edges and wherever drawn.", Holes),
        new("translation-outside", Kind, "What is no RAM of the map is refused: 0, the last address, around every power of two.", Outside),
        new("translation-inverse", Kind, "The two directions are inverse to each other, wherever one of them answers.", Inverse),
    ];

    private static void Edges(TranslationContext context, Proof proof)
    {
        foreach (var ram in context.Map.Ram)
        {
            foreach (var edge in new[] { ram.Phys.Start.Value, ram.LastPhys })
            {
                foreach (var address in Around(edge, context.Map))
                    Phys(context, proof, address);
            }
            foreach (var edge in new[] { ram.Virt.Value, ram.LastVirt })
            {
                foreach (var address in Around(edge, context.Map))
                    Virt(context, proof, address);
            }
        }
        if (context.Map.Ram.IsEmpty)
            proof.HasNothing("No RAM is mapped.");
    }

    private static void Pages(TranslationContext context, Proof proof)
    {
        var random = proof.NewRandom();
        var page = context.Map.PageSize;
        foreach (var ram in context.Map.Ram)
        {
            var pages = ((ram.LastPhys - ram.Phys.Start.Value) / page) + 1;
            var all = pages <= (ulong)proof.Budget.Samples;
            var count = all ? pages : (ulong)proof.Budget.Samples;
            for (var i = 0UL; i < count && !proof.IsFull; i++)
            {
                var offset = (all ? i : (ulong)random.NextInt64((long)pages)) * page;
                foreach (var at in new[] { offset, offset + (ulong)random.NextInt64((long)page), offset + page - 1 })
                {
                    var phys = ram.Phys.Start.Value + Math.Min(at, ram.LastPhys - ram.Phys.Start.Value);
                    Phys(context, proof, phys);
                    Virt(context, proof, context.Map.PhysToVirt(phys)!.Value);
                }
            }
        }
        if (context.Map.Ram.IsEmpty)
            proof.HasNothing("No RAM is mapped.");
    }

    private static void Holes(TranslationContext context, Proof proof)
    {
        if (!context.Subject.Refuses)
        {
            proof.HasNothing("The translation refuses nothing.");
            return;
        }
        var random = proof.NewRandom();
        var ram = context.Map.Ram;
        var virt = ram.OrderBy(r => r.Virt).ToList();
        for (var i = 0; i + 1 < ram.Length; i++)
        {
            foreach (var address in Between(ram[i].LastPhys, ram[i + 1].Phys.Start.Value, random, proof.Budget.Samples))
                Phys(context, proof, address);
            foreach (var address in Between(virt[i].LastVirt, virt[i + 1].Virt.Value, random, proof.Budget.Samples))
                Virt(context, proof, address);
        }
        if (proof.Checked == 0)
            proof.HasNothing("There is no hole between pieces of RAM.");
    }

    private static void Outside(TranslationContext context, Proof proof)
    {
        if (!context.Subject.Refuses)
        {
            proof.HasNothing("The translation refuses nothing.");
            return;
        }
        foreach (var address in context.Map.Powers())
        {
            Phys(context, proof, address);
            Virt(context, proof, address);
        }
        // Where another piece's offset, or a piece's shadow in the other space, might answer.
        foreach (var ram in context.Map.Ram)
        {
            Virt(context, proof, ram.Phys.Start.Value);
            Virt(context, proof, ram.LastPhys);
            Phys(context, proof, ram.Virt.Value & context.Map.LastAddress);
            Phys(context, proof, ram.LastVirt & context.Map.LastAddress);
        }
    }

    private static void Inverse(TranslationContext context, Proof proof)
    {
        if (!context.Subject.HasPhysToVirt)
        {
            proof.HasNothing("The translation goes one way only.");
            return;
        }
        var random = proof.NewRandom();
        var (subject, map) = (context.Subject, context.Map);
        foreach (var ram in map.Ram)
        {
            for (var i = 0; i < proof.Budget.Samples / 4 && !proof.IsFull; i++)
            {
                var phys = ram.Phys.Start.Value + (unchecked((ulong)random.NextInt64()) % (ram.LastPhys - ram.Phys.Start.Value + 1));
                if (subject.PhysToVirt(phys) is { } virt)
                    proof.Expect(subject.VirtToPhys(virt) == phys, virt, $"0x{phys:x}, which is mapped there", $"{Text(subject.VirtToPhys(virt))}", ram.Place);
                else
                    proof.Fail(phys, "a virtual address", "a refusal", ram.Place);
            }
        }
        for (var i = 0; i < proof.Budget.Samples && subject.Refuses && !proof.IsFull; i++)
        {
            var address = unchecked((ulong)random.NextInt64() ^ ((ulong)random.NextInt64() << 1)) & map.LastAddress;
            Phys(context, proof, address);
            Virt(context, proof, address);
        }
        if (map.Ram.IsEmpty && proof.Checked == 0)
            proof.HasNothing("No RAM is mapped.");
    }

    private static void Phys(TranslationContext context, Proof proof, ulong address)
    {
        if (!context.Subject.HasPhysToVirt)
            return;
        var expected = context.Map.PhysToVirt(address);
        if (expected is null && !context.Subject.Refuses)
            return;
        var found = context.Subject.PhysToVirt(address);
        proof.Expect(found == expected, address, $"phys_to_virt to say {Text(expected)}", $"{Text(found)}", found == expected ? "" : context.Map.PlaceOf(address, isVirtual: false));
    }

    private static void Virt(TranslationContext context, Proof proof, ulong address)
    {
        var expected = context.Map.VirtToPhys(address);
        if (expected is null && !context.Subject.Refuses)
            return;
        var found = context.Subject.VirtToPhys(address);
        proof.Expect(found == expected, address, $"virt_to_phys to say {Text(expected)}", $"{Text(found)}", found == expected ? "" : context.Map.PlaceOf(address, isVirtual: true));
    }

    private static IEnumerable<ulong> Around(ulong edge, TranslationMap map)
    {
        if (edge > 0)
            yield return edge - 1;
        yield return edge;
        if (edge < map.LastAddress)
            yield return edge + 1;
    }

    // Addresses between the last byte of one piece and the first of the next.
    private static IEnumerable<ulong> Between(ulong last, ulong next, Random random, int samples)
    {
        if (next <= last || next - last < 2)
            yield break;
        yield return last + 1;
        yield return next - 1;
        for (var i = 0; i < samples; i++)
            yield return last + 1 + (unchecked((ulong)random.NextInt64()) % (next - last - 1));
    }

    private static string Text(ulong? address) => address is { } value ? $"0x{value:x}" : "a refusal";
}
