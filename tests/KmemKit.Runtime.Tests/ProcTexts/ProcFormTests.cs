using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Zones;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcTexts;

/// <summary>
/// Files of real kernels (<c>tests/vectors/proc</c>, <c>proc-forms</c>): read into the typed objects and printed again they come out byte for byte, and the
/// names and their order are those that the tables give for that kernel.
/// </summary>
internal sealed class ProcFormTests
{
    private static readonly ImmutableArray<ZoneType> s_armZones = [ZoneType.Normal, ZoneType.Movable];
    private static readonly ImmutableArray<ZoneType> s_armHighmemZones = [ZoneType.Normal, ZoneType.HighMem, ZoneType.Movable];
    private static readonly ImmutableArray<ZoneType> s_x64Zones = [ZoneType.Dma, ZoneType.Dma32, ZoneType.Normal, ZoneType.Movable];

    private static readonly Dictionary<string, KernelBuild> s_builds = new()
    {
        ["proc/twaite-x86_64-3.2"] = X64(3, 2),
        ["proc/zteorange-arm-4.1"] = Arm(4, 1, s_armZones),
        ["proc/innofw-zynq-4.4"] = Arm(4, 4, s_armHighmemZones) with { HasHighmem = true },
        ["proc-forms/ppc64-4.11"] = X64(4, 11) with { Pages = PageGeometry.SixtyFourKiB, ZoneTypes = [ZoneType.Dma, ZoneType.Normal, ZoneType.Movable] },
        ["proc-forms/x86_64-5.6"] = X64(5, 6) with { HasZsmalloc = true },
        ["proc-forms/x86_64-6.6"] = X64(6, 6) with { HasZsmalloc = true, HasCma = true },
        ["proc-forms/arm64-6.1"] = Arm(6, 1, s_x64Zones) with { Architecture = TargetArchitecture.Arm64, HasZswap = true },
        ["proc-forms/x86_64-6.1"] = X64(6, 1) with { HasZswap = true, HasGigabytePages = true },
    };

    private static KernelBuild X64(int major, int minor) => new()
    {
        Version = new LinuxVersion(major, minor), Architecture = TargetArchitecture.X64, IsNuma = true, IsSmp = true, IsSparse = true, HasIsolation = true,
        HasTransparentHugePages = true, HasHugetlb = true, HasMemoryFailure = true, HasSwap = true, ZoneTypes = s_x64Zones, HugePageBytes = 2UL << 20,
    };

    private static KernelBuild Arm(int major, int minor, ImmutableArray<ZoneType> zones) => new()
    {
        Version = new LinuxVersion(major, minor), Architecture = TargetArchitecture.Arm, IsSmp = true, HasCma = true, HasIsolation = true, HasSwap = true, ZoneTypes = zones,
    };

    private static IEnumerable<string> With(string file) => s_builds.Keys.Where(kernel => File.Exists(Where(kernel, file)));

    private static IEnumerable<string> Zoneinfos => With("zoneinfo");

    private static IEnumerable<string> Meminfos => With("meminfo");

    private static IEnumerable<string> Pagetypeinfos => With("pagetypeinfo");

    private static IEnumerable<string> Buddyinfos => With("buddyinfo");

    [Test]
    public void No_file_of_a_real_kernel_is_left_out()
    {
        var folders = new[] { "proc", "proc-forms" }.SelectMany(folder =>
            Directory.EnumerateDirectories(Where(folder, "")).Select(path => $"{folder}/{Path.GetFileName(path)}"));
        Assert.That(s_builds.Keys, Is.EquivalentTo(folders));
    }

    [TestCaseSource(nameof(Zoneinfos))]
    public void Zoneinfo_is_printed_as_that_kernel_prints_it(string kernel)
    {
        var text = Read(kernel, "zoneinfo");
        var info = new ZoneInfo([.. Regex.Split(text, "(?=^Node )", RegexOptions.Multiline).Where(part => part.Length > 0).Select(ParseZone)], s_builds[kernel]);
        Assert.That(info.ToString(), Is.EqualTo(text));
    }

    [TestCaseSource(nameof(Zoneinfos))]
    public void The_counters_of_zone_and_node_are_those_of_that_kernel(string kernel)
    {
        var build = s_builds[kernel];
        var zones = Regex.Split(Read(kernel, "zoneinfo"), "(?=^Node )", RegexOptions.Multiline).Where(part => part.Length > 0).Select(ParseZone).ToArray();
        foreach (var zone in zones.Where(zone => zone.Present != 0))
            Assert.That(zone.Counters.Select(counter => counter.Name), Is.EqualTo(StatItems.OfZone(build)), zone.Zone);
        if (build.IsSince(4, 8))
            Assert.That(zones.First(zone => zone.Present != 0).NodeCounters.Select(counter => counter.Name), Is.EqualTo(StatItems.OfNode(build)));
        else
            Assert.That(StatItems.OfNode(build), Is.Empty);
    }

    // The sample of 5.6 shows two of its eight CPUs, that of 6.6 one of its four; ppc64 has more than one, which the threshold of 12 tells.
    [TestCase("proc/twaite-x86_64-3.2", 8)]
    [TestCase("proc/zteorange-arm-4.1", 2)]
    [TestCase("proc/innofw-zynq-4.4", 2)]
    [TestCase("proc-forms/x86_64-5.6", 8)]
    [TestCase("proc-forms/x86_64-6.6", 4)]
    public void The_threshold_of_the_counters_follows_from_cpus_and_memory(string kernel, int cpus)
    {
        foreach (var zone in Regex.Split(Read(kernel, "zoneinfo"), "(?=^Node )", RegexOptions.Multiline).Where(part => part.Length > 0).Select(ParseZone).Where(zone => zone.Present != 0))
        {
            var pages = s_builds[kernel].IsSince(3, 9) ? zone.Managed : zone.Present;
            Assert.That(ZoneInfo.Threshold(cpus, pages, 12), Is.EqualTo(zone.StatThreshold), zone.Zone);
        }
    }

    [TestCaseSource(nameof(Meminfos))]
    public void Meminfo_has_the_lines_of_that_kernel_in_their_columns(string kernel)
    {
        var text = Read(kernel, "meminfo");
        var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
        {
            var match = Regex.Match(line, "^([^:]+): +([0-9]+)( kB)?$");
            return new MemInfoLine(match.Groups[1].Value, ulong.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture), match.Groups[3].Length == 0);
        }).ToArray();
        var info = new MemInfo
        {
            Build = s_builds[kernel], Total = 0, Free = 0, Available = 0, CmaTotal = 0, CmaFree = 0,
            High = s_builds[kernel].HasHighmem ? (0, 0) : null, DirectMap = s_builds[kernel].IsX86 ? new DirectMap(0, 0, 0, 2 << 20) : null,
        };
        Assert.That(info.Lines.Select(line => (line.Name, line.IsCount)), Is.EqualTo(lines.Select(line => (line.Name, line.IsCount))));
        Assert.That(MemInfo.Write(lines), Is.EqualTo(text));
    }

    [TestCaseSource(nameof(Pagetypeinfos))]
    public void Pagetypeinfo_has_the_columns_of_that_kernel(string kernel)
    {
        var text = Read(kernel, "pagetypeinfo");
        var lines = text.Split('\n');
        var zones = new Dictionary<string, Dictionary<MigrateType, ImmutableArray<uint>>>();
        foreach (var match in lines.Select(line => Regex.Match(line, "^Node +[0-9]+, zone +([A-Za-z0-9]+), type +([A-Za-z]+) (.*)$")).Where(match => match.Success))
        {
            zones.TryAdd(match.Groups[1].Value, []);
            if (Kind(match.Groups[2].Value) is { } kind)
                zones[match.Groups[1].Value][kind] = [.. Numbers(match.Groups[3].Value)];
        }
        var header = lines.Single(line => line.StartsWith("Number of blocks", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[4..];
        var reserve = Array.FindIndex(header, name => Kind(name) is null);
        var info = new PageTypeInfo(int.Parse(lines[0].Split(' ')[^1], CultureInfo.InvariantCulture), 10, [.. zones.Select(zone =>
        {
            var blocks = Numbers(lines.Single(line => Regex.IsMatch(line, $"^Node 0, zone +{zone.Key} +[0-9 ]+$")).Split(zone.Key)[1]);
            return new PageTypeZone(0, zone.Key, [.. Enum.GetValues<MigrateType>().Select(type => new PageTypeCounts(
                type, zone.Value.GetValueOrDefault(type, []), Array.FindIndex(header, name => Kind(name) == type) is >= 0 and var at ? blocks[at] : 0))]);
        })], s_builds[kernel]);
        Assert.That(WithoutColumn(info.ToString(), reserve), Is.EqualTo(WithoutColumn(text, reserve)), "but for pages that kernels before 4.4 keep for atomic requests");
        Assert.That(info.ToString().Split('\n').Select(line => Regex.Replace(line, " +[0-9]+ ", " # ")), Is.EqualTo(text.Split('\n').Select(line => Regex.Replace(line, " +[0-9]+ ", " # "))));
    }

    [TestCaseSource(nameof(Buddyinfos))]
    public void Buddyinfo_is_printed_as_that_kernel_prints_it(string kernel)
    {
        var text = Read(kernel, "buddyinfo");
        var zones = text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Regex.Match(line, "^Node ([0-9]+), zone +([A-Za-z0-9]+) (.*)$"))
            .Select(match => new BuddyInfoZone(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), match.Groups[2].Value, [.. Numbers(match.Groups[3].Value)]));
        Assert.That(new BuddyInfo([.. zones]).ToString(), Is.EqualTo(text));
    }

    [Test]
    public void A_list_of_more_blocks_than_a_kernel_counts_is_shown_as_such()
    {
        var zone = new PageTypeZone(0, "Normal", [.. Enum.GetValues<MigrateType>().Select(type => new PageTypeCounts(type, [123_456, 99_999], 1))]);
        Assert.That(new PageTypeInfo(9, 1, [zone], X64(5, 4)).ToString(), Does.Contain("type    Unmovable >100000  99999 \n"));
        Assert.That(new PageTypeInfo(9, 1, [zone], X64(5, 3)).ToString(), Does.Contain("type    Unmovable 123456  99999 \n"));
    }

    private static string Where(string kernel, string file) => Path.Combine(TestBoards.Root, "tests", "vectors", kernel, file);

    private static string Read(string kernel, string file) => File.ReadAllText(Where(kernel, file));

    private static uint[] Numbers(string text) =>
        [.. text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(number => uint.Parse(number, CultureInfo.InvariantCulture))];

    private static MigrateType? Kind(string name) => name switch
    {
        "Reserve" => null,
        "CMA" => MigrateType.Cma,
        _ => Enum.Parse<MigrateType>(name),
    };

    private static string WithoutColumn(string text, int column) => column < 0 ? text : string.Join('\n', text.Split('\n')
        .Where(line => !line.Contains("type      Reserve", StringComparison.Ordinal))
        .Select(line => Regex.IsMatch(line, "^Node 0, zone +[A-Za-z0-9]+ +[0-9 ]+$") ? line.Remove(23 + (13 * column), 13) : line));

    private static ZoneInfoZone ParseZone(string text)
    {
        var head = Regex.Match(text, "^Node ([0-9]+), zone +([A-Za-z0-9]+)\n");
        var (nodePart, zonePart) = text.IndexOf("  pages free", StringComparison.Ordinal) is var split ? (text[..split], text[split..]) : default;
        return new ZoneInfoZone
        {
            Node = int.Parse(head.Groups[1].Value, CultureInfo.InvariantCulture),
            Zone = head.Groups[2].Value,
            Free = (long)One("pages free"),
            Watermarks = ((long)One("  min"), (long)One("  low"), (long)One("  high")),
            Spanned = One("spanned"),
            Present = One("present"),
            Managed = One("managed"),
            Protection = [.. Regex.Match(text, @"protection: \((.*)\)").Groups[1].Value.Split(", ").Select(long.Parse)],
            Counters = Counters(zonePart),
            NodeCounters = Counters(nodePart),
            PageSets = [.. Regex.Matches(text, "cpu: ([0-9]+)\n +count: ([0-9]+)\n +high:  ([0-9]+)\n +batch: ([0-9]+)\n").Select(match => new ZonePageSet(
                Int(match.Groups[1]), Int(match.Groups[2]), Int(match.Groups[3]), Int(match.Groups[4])))],
            StatThreshold = (int)One("vm stats threshold:"),
            InactiveRatio = (uint)One("  inactive_ratio:"),
            StartPfn = One("start_pfn:"),
        };

        ulong One(string label) => Regex.Match(zonePart, Regex.Escape(label) + " +([0-9]+)\n") is { Success: true } match ? ulong.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 0;

        static int Int(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

        static ImmutableArray<StatCounter> Counters(string part) =>
            [.. Regex.Matches(part, "^ {4,6}((?:nr|numa|workingset)_[a-z_]+) +([0-9]+)\n", RegexOptions.Multiline).Select(match => new StatCounter(match.Groups[1].Value, long.Parse(match.Groups[2].Value, CultureInfo.InvariantCulture)))];
    }
}
