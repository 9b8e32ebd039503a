using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Protections;

/// <summary>What the rules of protection units look at.</summary>
/// <param name="Subject">The unit, programmed.</param>
/// <param name="Map">What it has to grant.</param>
public sealed record ProtectionContext(IProtectionSubject Subject, ProtectionMap Map);

/// <summary>What holds for every protection unit: it grants what the policy grants, to each privilege, and nothing else.</summary>
public static class ProtectionRules
{
    private const string Kind = "Protection";

    /// <summary>The rules.</summary>
    public static ImmutableArray<Rule<ProtectionContext>> All { get; } =
    [
        new("protection-edges", Kind, "At both ends of every range, and beside them, each privilege may do exactly what the policy grants.", Edges),
        new("protection-inside", Kind, "Within every range, at each eighth of it and wherever drawn, each privilege may do exactly what the policy grants.", Inside),
        new("protection-nothing-more", Kind, "Where the policy grants nothing, nobody may do anything.", NothingMore),
        new("protection-execute", Kind, "Code runs where the policy says so, and data is not executed.", Execute),
        new("protection-memory-type", Kind, "Memory behaves as the policy says wherever it can be read or written.", MemoryType),
    ];

    private static void Edges(ProtectionContext context, Proof proof)
    {
        foreach (var cell in context.Map.Cells)
        {
            Exact(context, proof, cell, cell.Start);
            Exact(context, proof, cell, cell.Last);
            if (cell.Last > cell.Start)
            {
                Exact(context, proof, cell, cell.Start + 1);
                Exact(context, proof, cell, cell.Last - 1);
            }
        }
    }

    private static void Inside(ProtectionContext context, Proof proof)
    {
        var random = proof.NewRandom();
        foreach (var cell in context.Map.Cells)
        {
            foreach (var address in Within(cell, random, proof.Budget.Samples / 4))
                Exact(context, proof, cell, address);
        }
    }

    private static void NothingMore(ProtectionContext context, Proof proof)
    {
        var random = proof.NewRandom();
        foreach (var cell in context.Map.Cells.Where(c => c is { AnythingGoes: false, MayBeMore.IsEmpty: true }))
        {
            foreach (var privilege in new[] { Privilege.User, Privilege.Privileged }.Where(p => cell.Attributes.RightsOf(p) == AccessRights.None))
            {
                foreach (var address in Within(cell, random, proof.Budget.Samples / 4).Append(cell.Start).Append(cell.Last))
                {
                    var found = context.Subject.RightsAt(address, privilege);
                    proof.Expect(found == AccessRights.None, address, $"nothing for {privilege} code", $"{Text(found)}", PlaceOf(context, cell));
                }
            }
        }
        if (proof.Checked == 0)
            proof.HasNothing("The policy grants something everywhere.");
    }

    private static void Execute(ProtectionContext context, Proof proof)
    {
        foreach (var cell in context.Map.Cells.Where(c => c is { AnythingGoes: false, Grant: not null }))
        {
            foreach (var privilege in new[] { Privilege.User, Privilege.Privileged })
            {
                foreach (var address in new[] { cell.Start, cell.Start + ((cell.Last - cell.Start) / 2), cell.Last })
                {
                    var expected = cell.Attributes.RightsOf(privilege) & AccessRights.Execute;
                    var found = context.Subject.RightsAt(address, privilege) & AccessRights.Execute;
                    proof.Expect(found == expected, address, expected == 0 ? $"no execution by {privilege} code" : $"execution by {privilege} code", found == 0 ? "no execution" : "execution", PlaceOf(context, cell));
                }
            }
        }
        if (proof.Checked == 0)
            proof.HasNothing("The policy has no entries.");
    }

    private static void MemoryType(ProtectionContext context, Proof proof)
    {
        foreach (var cell in context.Map.Cells.Where(c => c is { AnythingGoes: false, Grant: not null }))
        {
            foreach (var privilege in new[] { Privilege.User, Privilege.Privileged }.Where(p => (cell.Attributes.RightsOf(p) & AccessRights.ReadWrite) != 0))
            {
                foreach (var address in new[] { cell.Start, cell.Last })
                {
                    if (context.Subject.MemoryAt(address, privilege) is { } found)
                        proof.Expect(found == cell.Attributes.Memory, address, $"{cell.Attributes.Memory} memory", $"{found}", PlaceOf(context, cell));
                }
            }
        }
        if (proof.Checked == 0)
            proof.HasNothing("The unit says nothing about how memory behaves.");
    }

    private static void Exact(ProtectionContext context, Proof proof, ProtectionCell cell, ulong address)
    {
        if (cell.AnythingGoes)
            return;
        foreach (var privilege in new[] { Privilege.User, Privilege.Privileged })
        {
            var expected = cell.Attributes.RightsOf(privilege);
            var found = context.Subject.RightsAt(address, privilege);
            var isRight = found == expected || cell.MayBeMore.Any(a => found == a.RightsOf(privilege));
            proof.Expect(isRight, address, $"{Text(expected)} for {privilege} code", $"{Text(found)}", isRight ? "" : PlaceOf(context, cell));
        }
    }

    // Each eighth, where regions have their subregions, and what is drawn.
    private static IEnumerable<ulong> Within(ProtectionCell cell, Random random, int samples)
    {
        var span = cell.Last - cell.Start;
        if (span >= 16)
        {
            var eighth = (span / 8) + 1;
            for (var i = 1UL; i < 8; i++)
            {
                yield return cell.Start + (i * eighth) - 1;
                yield return Math.Min(cell.Last, cell.Start + (i * eighth));
            }
        }
        for (var i = 0; i < samples; i++)
            yield return cell.Start + (span == ulong.MaxValue ? unchecked((ulong)random.NextInt64()) : unchecked((ulong)random.NextInt64()) % (span + 1));
    }

    private static string PlaceOf(ProtectionContext context, ProtectionCell cell) =>
        cell.Grant?.Place ?? context.Map.Cells.LastOrDefault(c => c.Last < cell.Start && c.Grant is not null)?.Grant!.Place ?? "";

    private static string Text(AccessRights rights) => rights == AccessRights.None ? "nothing" : $"\"{rights.ToText()}\"";
}
