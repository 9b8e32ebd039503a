using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>What the walker says about a probe.</summary>
/// <param name="Translation">The walk.</param>
/// <param name="Report">The fault registers, where it faults.</param>
public readonly record struct Prediction(Translation Translation, FaultReport? Report)
{
    public override string ToString() => Report is { } r
        ? $"{r.Exception} {r.StatusRegister} 0x{r.Status:x} {r.AddressRegister} 0x{r.Address:x} ({Translation.Fault})"
        : $"page 0x{Translation.Output >> 12:x}";
}

/// <summary>The trees of a regime, what leads into each, and how an outcome is held against the walker's word.</summary>
/// <param name="Trees">Trees; the first that translates an address answers.</param>
/// <param name="Controls">State bits of a probe as controls of the format.</param>
/// <param name="Agrees">Whether a fault is the one predicted.</param>
public sealed record Regime(
    IReadOnlyList<TestTables> Trees, Func<int, TranslationControls> Controls, Func<FaultReport, ProbeOutcome, bool> Agrees)
{
    /// <summary>Walks about which the emulator is known to be wrong, so that it is no witness there; each with its reason where it is set.</summary>
    public Func<Probe, Translation, bool> IsDoubtful { get; init; } = (_, _) => false;

    public Prediction Predict(Probe probe)
    {
        var tree = Trees.FirstOrDefault(t => t.Format.Translates(probe.Address)) ?? Trees[0];
        var memory = tree.Memory;
        var found = Walker.Access(tree.Format, ref memory, tree.Root, probe.Address, probe.Access, probe.Privilege, Controls(probe.State));
        return new Prediction(found, found.IsMapped ? null : tree.Format.Report(found.Fault, probe.Address, probe.Access, probe.Privilege));
    }

    /// <summary>Every kind of access to each place by each privilege, as far as memory is behind it where the walker lets it through.</summary>
    public IReadOnlyList<Probe> Probes(IEnumerable<ulong> places, Pool pool, Random random, int states)
    {
        var probes = new List<Probe>();
        foreach (var place in places)
        {
            foreach (var privilege in Enum.GetValues<Privilege>())
            {
                foreach (var access in (AccessRights[])[AccessRights.Read, AccessRights.Write, AccessRights.Execute])
                {
                    var probe = new Probe(place + ProbeScript.OffsetOf(access), access, privilege, random.Next(states));
                    var prediction = Predict(probe);
                    if (IsDoubtful(probe, prediction.Translation))
                        continue;
                    if (prediction.Report is not null || pool.Contains(prediction.Translation.Output))
                        probes.Add(probe);
                }
            }
        }
        return probes;
    }

    /// <summary>The physical pages that the probes should see.</summary>
    public IReadOnlyList<ulong> Pages(IEnumerable<Probe> probes) =>
        [.. probes.Select(Predict).Where(p => p.Report is null).Select(p => p.Translation.Output & ~(Pool.Page - 1)).Distinct().Order()];

    /// <summary>Every outcome that is not the one the walker says.</summary>
    public IReadOnlyList<string> Mismatches(ProbeScript script, ProbeResults results)
    {
        var wrong = new List<string>();
        var stored = new Dictionary<ulong, uint>();
        for (var i = 0; i < script.Probes.Count; i++)
        {
            var (probe, outcome) = (script.Probes[i], results.Outcomes[i]);
            var prediction = Predict(probe);
            if (prediction.Report is null && probe.Access == AccessRights.Write)
                stored[prediction.Translation.Output & ~(Pool.Page - 1)] = (uint)i + 1;
            var agrees = prediction.Report is { } report
                ? outcome.Faulted && Agrees(report, outcome)
                : !outcome.Faulted && (probe.Access == AccessRights.Write || outcome.Value == prediction.Translation.Output >> 12);
            if (!agrees)
                wrong.Add($"{probe}: {outcome}, not {prediction}; descriptor 0x{prediction.Translation.Descriptor:x} level {prediction.Translation.Level} limits 0x{prediction.Translation.Limits:x}");
        }
        foreach (var (page, last) in results.Stored)
        {
            if (last != stored.GetValueOrDefault(page))
                wrong.Add($"page 0x{page:x}: stored by probe {last}, not {stored.GetValueOrDefault(page)}");
        }
        return wrong;
    }

    /// <summary>Fails with the first mismatches, and how many there are.</summary>
    public static void Check(string name, IReadOnlyList<string> mismatches) =>
        Assert.That(mismatches.Count, Is.Zero, $"{name}: {mismatches.Count} mismatches, such as\n{string.Join('\n', mismatches.Take(12))}\n");
}
