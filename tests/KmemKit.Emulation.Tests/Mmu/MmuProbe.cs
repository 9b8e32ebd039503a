using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture.Mmu;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Toolchains;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>The probe program: built for a machine, given a regime, and its report held against the walker's word.</summary>
public static class MmuProbe
{
    /// <summary>Builds Firmware/Mmu/probe.c with the file of one architecture.</summary>
    /// <param name="machine">For what.</param>
    /// <param name="scriptAddress">Where it looks for its script.</param>
    /// <param name="architecture">Name of the file.</param>
    /// <param name="hold">Whether it stays under the translation after the probes, at <see cref="Spin"/>, and reports nothing.</param>
    public static Firmware Build(QemuMachine machine, ulong scriptAddress, string architecture, bool hold = false)
    {
        machine.Require();
        return Firmware.Build(machine.Toolchain, machine.LinkAddress, ["Mmu/probe.c", $"Mmu/{architecture}.c", $"Mmu/{architecture}.S"],
            [string.Create(CultureInfo.InvariantCulture, $"SCRIPT_ADDRESS=0x{scriptAddress:x}ULL"), .. hold ? ["HOLD"] : Array.Empty<string>()]);
    }

    /// <summary>Virtual address at which a program that holds stays.</summary>
    /// <param name="firmware">The program.</param>
    /// <param name="stubs">Where its stubs are mapped; null where it stays in the program itself.</param>
    public static ulong Spin(Firmware firmware, ulong? stubs) => unchecked(firmware.Symbols["spin"] + (stubs is { } start ? start - firmware.Symbols["stubs"] : 0));

    /// <summary>Runs probes.</summary>
    /// <param name="machine">On what.</param>
    /// <param name="firmware">The probe program.</param>
    /// <param name="scriptAddress">Where it looks for its script.</param>
    /// <param name="regime">Trees, and which pages the probes should see.</param>
    /// <param name="setup">Registers, in the order of the architecture's file.</param>
    /// <param name="probes">What is tried.</param>
    /// <param name="dump">Tables that are wanted back as hardware left them.</param>
    /// <param name="images">What is in memory in place of the regime's tables.</param>
    public static (ProbeScript Script, ProbeResults Results) Run(
        QemuMachine machine, Firmware firmware, ulong scriptAddress, Regime regime, ulong[] setup, IReadOnlyList<Probe> probes, TestTables? dump = null,
        IEnumerable<MemoryImage>? images = null)
    {
        var script = new ProbeScript(setup, regime.Pages(probes), probes, dump?.Address ?? 0, dump?.Bytes.Length ?? 0);
        var results = Emulator.Results(machine, firmware,
            [new MemoryImage(scriptAddress, script.ToBytes(0)), .. images ?? regime.Trees.Select(t => new MemoryImage(t.Address, t.Bytes))]);
        ReadOnlySpan<byte> rest = results;
        var read = script.Read(ref rest);
        Assert.That(rest.Length, Is.Zero, "bytes nobody asked for");
        return (script, read);
    }

    /// <summary>Runs probes, and fails where an outcome is not the walker's.</summary>
    public static void Check(
        string name, QemuMachine machine, Firmware firmware, ulong scriptAddress, Regime regime, ulong[] setup, IReadOnlyList<Probe> probes, TestTables? dump = null)
    {
        var (script, results) = Run(machine, firmware, scriptAddress, regime, setup, probes, dump);
        TestContext.Out.WriteLine(
            $"{name}: {probes.Count} probes, {results.Outcomes.Count(o => o.Faulted)} faults, {script.Fills.Count} pages, {regime.Trees.Sum(t => t.Tables.Count)} tables");
        Regime.Check(name, regime.Mismatches(script, results));
        if (dump is not null)
            Regime.Check(name + ", tables afterwards", MarkedWrong(regime, script, results, dump));
    }

    /// <summary>Descriptors that hardware did not leave as the format says: accessed and dirty where an access went through, all else untouched.</summary>
    private static List<string> MarkedWrong(Regime regime, ProbeScript script, ProbeResults results, TestTables tables)
    {
        var format = tables.Format;
        var expected = (byte[])tables.Bytes.Clone();
        foreach (var probe in script.Probes)
        {
            var found = regime.Predict(probe);
            if (found.Report is not null)
                continue;
            var table = tables.Root;
            for (var level = format.RootLevel; ; level = format.NextLevel(level))
            {
                var at = (int)(table - tables.Address) + format.Index(probe.Address, level) * format.DescriptorSize;
                var descriptor = ImageMemory.Read(expected, at, format.DescriptorSize);
                var isLeaf = level == found.Translation.Level;
                var marked = isLeaf ? format.MarkUsed(descriptor, level, probe.Access == Architecture.AccessRights.Write) : format.MarkTableUsed(descriptor, level);
                ImageMemory.Write(expected, at, format.DescriptorSize, marked);
                if (isLeaf)
                    break;
                table = format.TableAddress(descriptor, level);
            }
        }
        var wrong = new List<string>();
        // QEMU 7.2 sets A of a RISC-V entry before it finds that its NAPOT size is a reserved one; the fault itself is held against the walker's.
        var reserved = tables.Tables.SelectMany(t => Enumerable.Range(0, format.TableEntries(t.Level)).Select(i => (At: t.Address + (ulong)(i * format.DescriptorSize), t.Level)))
            .Where(d => format.KindOf(tables.Get(d.At), d.Level) == DescriptorKind.Reserved).Select(d => d.At).ToHashSet();
        for (var at = 0; at < expected.Length; at += format.DescriptorSize)
        {
            var (want, has) = (ImageMemory.Read(expected, at, format.DescriptorSize), ImageMemory.Read(results.Dump, at, format.DescriptorSize));
            if (want != has && !reserved.Contains(tables.Address + (ulong)at))
                wrong.Add($"descriptor at 0x{tables.Address + (ulong)at:x} is 0x{has:x}, not 0x{want:x}; it was 0x{ImageMemory.Read(tables.Bytes, at, format.DescriptorSize):x}");
        }
        return wrong;
    }
}
