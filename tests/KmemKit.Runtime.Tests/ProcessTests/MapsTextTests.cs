using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Processes;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>Texts about a process as a kernel and procps write them. The kernel under the tests is the witness for its own form.</summary>
internal sealed class MapsTextTests
{
    private const MemProt Rw = MemProt.Read | MemProt.Write;

    [Test]
    public void Every_line_that_the_host_kernel_writes_is_written_from_its_parts_alike()
    {
        if (!File.Exists("/proc/self/maps") || !Environment.Is64BitProcess)
            Assert.Ignore("The host has no /proc/self/maps.");
        var lines = File.ReadAllText("/proc/self/maps").TrimEnd('\n').Split('\n');
        foreach (var line in lines)
        {
            var parts = line.Split(' ', 6);
            var range = parts[0].Split('-').Select(hex => ulong.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
            var flags = FlagsOf(parts[1]);
            var device = parts[3].Split(':').Select(hex => int.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
            var text = new StringBuilder();
            ProcMaps.Line(text, range[0], range[1], flags, ulong.Parse(parts[2], NumberStyles.HexNumber, CultureInfo.InvariantCulture), device[0], device[1],
                ulong.Parse(parts[4], CultureInfo.InvariantCulture), parts[5].TrimStart(' '), kernelIs64Bit: true);
            Assert.That(text.ToString(), Is.EqualTo(line + "\n"));
        }
        TestContext.Out.WriteLine($"{lines.Length} lines");
    }

    [Test]
    public void Procps_prints_a_host_process_as_we_do_from_the_same_areas()
    {
        OutsideTool.Require("pmap", "procps");
        using var sleeper = System.Diagnostics.Process.Start("sleep", "60");
        try
        {
            var smaps = "";
            var pmap = "";
            // Until it has loaded its libraries and sleeps: what is read before and after is the same.
            for (var end = DateTime.UtcNow.AddSeconds(20); DateTime.UtcNow < end && (smaps.Length == 0 || smaps != Smaps());)
                (smaps, pmap) = (Smaps(), Pmap());

            var ours = PmapText.Write(sleeper.Id, "sleep 60", Areas(smaps), is64Bit: true);

            Assert.That(ours.Split('\n'), Is.EqualTo(pmap.Split('\n')));
            Assert.That(ours, Does.Contain("[ stack ]").And.Contain("[ anon ]").And.Contain(" sleep\n").And.Contain(" r-x-- "));
        }
        finally
        {
            sleeper.Kill();
        }

        string Smaps() => File.ReadAllText($"/proc/{sleeper.Id}/smaps");

        string Pmap()
        {
            using var program = System.Diagnostics.Process.Start(
                new System.Diagnostics.ProcessStartInfo("pmap", ["-x", sleeper.Id.ToString(CultureInfo.InvariantCulture)]) { RedirectStandardOutput = true })!;
            return program.StandardOutput.ReadToEnd();
        }
    }

    // Of each area of /proc/<pid>/smaps: the line of maps, then one line for each number.
    private static List<PmapArea> Areas(string smaps)
    {
        var areas = new List<PmapArea>();
        foreach (var line in smaps.TrimEnd('\n').Split('\n'))
        {
            var parts = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (!parts[0].EndsWith(':'))
            {
                var range = parts[0].Split('-').Select(hex => ulong.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
                areas.Add(new PmapArea(range[0], (range[1] - range[0]) >> 10, 0, 0, FlagsOf(parts[1]), string.Join(' ', parts.Skip(5))));
            }
            else if (parts[0] is "Rss:" or "Shared_Dirty:" or "Private_Dirty:")
            {
                var kbytes = ulong.Parse(parts[1], CultureInfo.InvariantCulture);
                var area = areas[^1];
                areas[^1] = parts[0] == "Rss:" ? area with { Resident = kbytes } : area with { Dirty = area.Dirty + kbytes };
            }
        }
        return areas;
    }

    private static VmFlags FlagsOf(string letters) => (letters[0] == 'r' ? VmFlags.Read : 0) | (letters[1] == 'w' ? VmFlags.Write : 0)
        | (letters[2] == 'x' ? VmFlags.Exec : 0) | (letters[3] == 's' ? VmFlags.MayShare : 0);

    [Test]
    public void A_process_shows_its_areas_in_both_forms()
    {
        using var machine = new ProcessMachine();
        var process = Sample(machine);
        Assert.That(ProcMaps.Write(process, kernelIs64Bit: false, 12), Is.EqualTo("""
            00010000-00012000 r-xp 00000000 08:01 2          /bin/true
            00020000-00021000 rw-p 00002000 08:01 2          /bin/true
            00021000-00024000 rw-p 00000000 00:00 0 
            00024000-00026000 rw-p 00000000 00:00 0          [heap]
            10000000-10002000 rw-s 00000000 00:05 3          /dev/zero (deleted)
            10002000-10003000 ---p 00000000 00:00 0 
            befdf000-bf000000 rw-p 00000000 00:00 0          [stack]

            """));
        Assert.That(PmapText.Write(process, is64Bit: false, machine.Page), Is.EqualTo("""
            1:   true
            Address   Kbytes     RSS   Dirty Mode  Mapping
            00010000       8       4       0 r-x-- true
            00020000       4       4       4 rw--- true
            00021000      12       0       0 rw---   [ anon ]
            00024000       8       4       4 rw---   [ anon ]
            10000000       8       4       4 rw-s- zero (deleted)
            10002000       4       0       0 -----   [ anon ]
            befdf000     132       0       0 rw---   [ stack ]
            -------- ------- ------- ------- 
            total kB     176      16      12

            """));
    }

    private static Process Sample(ProcessMachine machine)
    {
        var page = machine.Page;
        var process = machine.Start("true");
        var program = machine.Table.Cache.Create("/bin/true", new byte[3 * (int)page]);
        process.Load(new ProgramImage(RegularFile.Open(program), new ProgramPart(new VirtAddr(0x10000), 2 * page, 0), new ProgramPart(new VirtAddr(0x20000), page, 2 * page), 3 * page));
        process.Brk(process.Brk(default) + (2 * page));
        var shared = process.Mmap(new VirtAddr(0x1000_0000), 2 * page, Rw, MapFlags.Shared | MapFlags.Anonymous | MapFlags.Fixed).Address;
        process.Mmap(shared + (2 * page), page, MemProt.None, MapFlags.Private | MapFlags.Anonymous | MapFlags.Fixed);
        Assert.That(process.TryFetch(new VirtAddr(0x10000), 4, out _), Is.Null);
        Assert.That(process.TryStore(new VirtAddr(0x20000), 4, 1), Is.Null);
        Assert.That(process.TryStore(process.Space.HeapStart, 4, 1), Is.Null);
        Assert.That(process.TryLoad(process.Space.HeapStart + page, 4, out _), Is.Null);
        Assert.That(process.TryStore(shared, 4, 1), Is.Null);
        return process;
    }
}
