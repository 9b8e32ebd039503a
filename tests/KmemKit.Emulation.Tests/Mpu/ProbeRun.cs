using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Emulation.Tests.Machines;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>An access whose outcome is not what the model says.</summary>
/// <param name="Table">In which table.</param>
/// <param name="Probe">Which access.</param>
/// <param name="Expected">What the model says.</param>
/// <param name="Actual">What the core did.</param>
public sealed record Mismatch(ProbeTable Table, Probe Probe, Outcome Expected, Outcome Actual)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Table.Name}: {Probe}: expected {Expected}; was {Actual}";
}

/// <summary>Runs tables on a core and holds each outcome against the model.</summary>
internal static class ProbeRun
{
    private const int Shown = 12;

    public static List<Mismatch> Mismatches(ProbedCore core, IReadOnlyList<ProbeTable> tables)
    {
        var image = ProbeImage.Write(tables, core);
        Assert.That((ulong)image.Length, Is.LessThan(core.Image.Size.Value), "more probes than the machine has memory for");
        var harts = tables.Count(t => ProbedCore.IsLocked(t.Registers)) + 1;
        var machine = harts == 1 ? core.Machine : core.Machine.With("-smp", harts.ToString(CultureInfo.InvariantCulture));
        var results = Emulator.Results(machine, core.Firmware, new MemoryImage(core.Image.Start.Value, image));
        var mismatches = new List<Mismatch>();
        foreach (var (table, (readBack, outcomes)) in tables.Zip(ProbeImage.Read(results, tables, core)))
        {
            Assert.That(readBack, Is.EqualTo(core.Program(table.Registers).Select(core.ReadBack)), $"{core} {table.Name}: the unit keeps what is written");
            Assert.That(MpuReadback.Compare(core.Format, table.Registers, core.FileOf(table.Registers, readBack)), Is.Empty, $"{core} {table.Name}: what VerifyProgrammed says");
            for (var i = 0; i < outcomes.Length; i++)
            {
                var probe = table.Probes[i];
                var expected = core.Expect(probe, table.Expected.Decide(probe.Address, probe.Privilege));
                if (outcomes[i] != expected)
                    mismatches.Add(new Mismatch(table, probe, expected, outcomes[i]));
            }
        }
        return mismatches;
    }

    public static void MustAgree(ProbedCore core, IReadOnlyList<ProbeTable> tables)
    {
        var mismatches = Mismatches(core, tables);
        Assert.That(mismatches, Is.Empty, () => $"{mismatches.Count} mismatches\n{string.Join('\n', mismatches.Take(Shown))}");
        TestContext.Out.WriteLine($"{core}: {tables.Count} tables, {tables.Sum(t => t.Probes.Length)} accesses, as predicted");
    }
}
