using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Boot.Log;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.BootTests;

/// <summary>
/// Real boot logs (<c>tests/vectors/bootlog</c>): the board is booted here, and its log is compared line by line. What depends on that kernel's image and
/// drivers, how much was free in the end, is taken from the log's <c>Memory:</c> line; the rest of the line, and every other line, has to follow.
/// </summary>
internal sealed class BootLogVectorTests
{
    private static readonly string s_root = Path.Combine(TestBoards.Root, "tests", "vectors");

    private static IEnumerable<string> Logs => Directory.EnumerateDirectories(Path.Combine(s_root, "bootlog")).Select(f => Path.GetFileName(f)!).Order();

    [TestCaseSource(nameof(Logs))]
    public void The_boot_log_has_the_lines_that_the_kernel_printed(string name)
    {
        var text = File.ReadAllLines(Path.Combine(s_root, "bootlog", name, "log"));
        var expected = text.Where(line => !line.StartsWith('#')).ToArray();
        var hidden = Notes(text, "without .*?").Select(pattern => new Regex(pattern)).ToArray();
        var layout = LayoutOf(name, [.. Notes(text, "config")]);
        var build = KernelBuild.Of(layout);
        if (Notes(text, "page-descriptor-bytes").FirstOrDefault() is { } bytes)
            build = build with { PageDescriptorBytes = int.Parse(bytes, CultureInfo.InvariantCulture) };
        using var booted = BootedMemory.Boot(layout, new MemoryBootOptions { Pages = new PageAllocatorOptions { Build = build } });

        var statistics = booted.Statistics;
        if (Notes(text, "dma-reserve").FirstOrDefault() is { } reserve)
            statistics = statistics with { Estimate = BootEstimate.Of(layout, build, ulong.Parse(reserve, CultureInfo.InvariantCulture)) };
        statistics = WithAmountsOf(expected.LastOrDefault(line => Regex.IsMatch(line, "^Memory: [0-9]+[kK]")), statistics);
        var lines = BootLog.Lines(statistics, layout).Where(line => IsMemoryLine(line) && !hidden.Any(pattern => pattern.IsMatch(line)));
        Assert.That(lines, Is.EqualTo(expected));
    }

    private static MemoryLayout LayoutOf(string name, string[] config) => TestBoards.Folder(
        Path.Combine("tests", "vectors", Directory.EnumerateFiles(Path.Combine(s_root, "bootlog", name), "*.dts").Any() ? "bootlog" : "layout", name), null, config);

    private static IEnumerable<string> Notes(string[] text, string key) =>
        text.Select(line => Regex.Match(line, $"^# {key}: (.*)$")).Where(match => match.Success).Select(match => match.Groups[1].Value);

    // The block and the messages of the lowmem decision are the layout's, with vectors of their own.
    private static bool IsMemoryLine(string line) =>
        Regex.IsMatch(line, "zone|Zone|unavailable|totalpages|hash table|Memory:|memory node|memory PFN|early_node_map|^ +(node +)?[0-9]+: |\\[mem|  empty| -> 0x|LOWMEM|HIGHMEM|low ram|auto-init|HighMem for");

    private static BootStatistics WithAmountsOf(string? line, BootStatistics statistics)
    {
        if (line is null)
            return statistics;
        var image = new KernelImage(
            Amount("(kernel code|K code)"), Amount("(rwdata|data,)"), Amount("rodata"), Amount("init[,)]"), Amount("bss"));
        var unit = statistics.Build.Pages.PageSize;
        return statistics with
        {
            Image = image,
            Balance = statistics.Balance with { Available = Amount("", "^Memory: ") / unit, High = Amount("highmem") / unit },
        };

        ulong Amount(string what, string before = " ")
        {
            var match = Regex.Match(line, before.Length > 1 ? before + "([0-9]+)[kK]/" : $@"[ (]([0-9]+)[kK] {what}");
            return match.Success ? ulong.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) << 10 : 0;
        }
    }
}
