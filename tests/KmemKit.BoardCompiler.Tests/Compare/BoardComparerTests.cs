using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Compare;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Artifacts;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Compare;

/// <summary>What a reviewer is told about a changed definition: one small edit each.</summary>
internal sealed class BoardComparerTests
{
    private const int Seed = 606;

    private const string Board =
        """
        dram: memory@80000000 { device_type = "memory"; reg = <0x80000000 0x10000000>; };
        reserved-memory { #address-cells = <1>; #size-cells = <1>; ranges;
        	tz: tz@84000000 { reg = <0x84000000 0x100000>; no-map; };
        	modem@86000000 { reg = <0x86000000 0x400000>; };
        };
        uart0: serial@10000000 { compatible = "arm,pl011"; reg = <0x10000000 0x1000>; };
        uart1: serial@10001000 { compatible = "arm,pl011"; reg = <0x10001000 0x1000>; };
        """;

    private const string Protected =
        """
        dram: memory@20000000 { device_type = "memory"; reg = <0x20000000 0x100000>; };
        protection { compatible = "kmemkit,protection"; mpu = "pmsav8-m"; regions = <16>; #address-cells = <1>; #size-cells = <1>;
        	code { reg = <0x0 0x10000>; privileged = "rx"; user = "rx"; };
        	data { reg = <0x20000000 0x1000>; privileged = "rw"; };
        	domain-a { stack { reg = <0x20002000 0x1000>; privileged = "rw"; user = "rw"; }; };
        };
        """;

    [Test]
    public void A_board_is_no_different_from_itself([ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board) =>
        Assert.That(BoardComparer.Compare(RepositoryBoards.Compile(board), RepositoryBoards.Compile(board)).Changes, Is.Empty);

    [TestCase("tz@84000000 { reg = <0x84000000 0x100000>", "tz@85000000 { reg = <0x85000000 0x100000>", "moved reserved tz", "lost lowmem lowmem 1 MiB", "gained lowmem lowmem 1 MiB")]
    [TestCase("uart1: serial@10001000", "uart2: serial@10002000", "changed device uart2 was called uart1")]
    [TestCase("uart1: serial@10001000 { compatible = \"arm,pl011\"; reg = <0x10001000 0x1000>; };", "gpio: gpio@10005000 { reg = <0x10005000 0x100>; };", "removed device uart1", "added device gpio")]
    [TestCase("modem@86000000 { reg = <0x86000000 0x400000>", "modem@88000000 { reg = <0x88000000 0x800000>", "moved reserved modem 4 MiB to 8 MiB")]
    [TestCase("0x86000000 0x400000", "0x86000000 0x500000", "grown reserved modem 4 MiB to 5 MiB")]
    [TestCase("0x86000000 0x400000", "0x86000000 0x300000", "shrunk reserved modem 4 MiB to 3 MiB")]
    [TestCase("modem@86000000 { reg = <0x86000000 0x400000>; };", "", "removed reserved modem")]
    [TestCase("modem@86000000 {", "wifi@86000000 {", "changed reserved wifi was called modem")]
    [TestCase("modem@86000000 {", "modem@86000000 { no-map;", "changed reserved modem none to no-map", "lost lowmem lowmem 4 MiB")]
    [TestCase("reg = <0x10001000 0x1000>", "reg = <0x10002000 0x1000>", "moved device uart1")]
    [TestCase("reg = <0x10001000 0x1000>", "reg = <0x10001000 0x1000>; status = \"disabled\"", "changed device uart1 none to disabled")]
    [TestCase("reg = <0x10001000 0x1000>", "reg = <0x10000800 0x1000>", "moved device uart1", "overlaps device uart1 shares 0x10000800-0x10001000 with device uart0")]
    [TestCase("0x86000000 0x400000", "0x83f00000 0x400000", "moved reserved modem", "overlaps reserved tz shares 0x84000000-0x84100000 with reserved modem")]
    [TestCase("0x80000000 0x10000000", "0x80000000 0x20000000", "grown bank dram 256 MiB to 512 MiB", "gained lowmem lowmem 256 MiB", "grown virtual lowmem 256 MiB to 512 MiB", "* virtual vmalloc")]
    [TestCase("0x80000000 0x10000000", "0x80000000 0x0f000000", "shrunk bank dram 256 MiB to 240 MiB", "lost lowmem lowmem 16 MiB", "shrunk virtual lowmem 256 MiB to 240 MiB", "* virtual vmalloc")]
    public void One_edit_is_told_as_what_it_is(string from, string to, params string[] expected)
    {
        var changes = Compare(Board, Board.Replace(from, to, StringComparison.Ordinal));
        var told = changes.Select(Text).ToList();

        Assert.That(changes.Any(c => c.IsWidening), Is.False);
        foreach (var line in expected)
            Assert.That(told, Has.Some.StartsWith(line.StartsWith('*') ? "" : line), string.Join("\n", told));
        // And nothing else, but for the virtual ranges that follow lowmem.
        Assert.That(told.Where(t => !t.Contains(" virtual ", StringComparison.Ordinal)), Has.Exactly(expected.Count(e => !e.Contains(" virtual ", StringComparison.Ordinal))).Items, string.Join("\n", told));
    }

    [Test]
    public void Both_lines_of_the_sources_are_named()
    {
        var change = Compare(Board, "\n\n" + Board.Replace("0x86000000 0x400000", "0x86000000 0x500000", StringComparison.Ordinal)).Single();

        Assert.That(change.New!.Value.Span.StartPosition.Line, Is.EqualTo(change.Old!.Value.Span.StartPosition.Line + 2));
        Assert.That((change.Old.Value.Range, change.New.Value.Range), Is.EqualTo((new AddressRange(0x86000000, 0x86400000), new AddressRange(0x86000000, 0x86500000))));
    }

    [TestCase("reg = <0x84000000 0x100000>; no-map;", "reg = <0x84000000 0x100000>;", "no-map removed")]
    [TestCase("tz: tz@84000000 { reg = <0x84000000 0x100000>; no-map; };", "", "no-map region removed")]
    public void Memory_that_was_out_of_the_kernel_s_reach_and_is_so_no_more_widens(string from, string to, string detail)
    {
        var changes = Compare(Board, Board.Replace(from, to, StringComparison.Ordinal));

        Assert.That(changes[0].IsWidening);
        Assert.That(changes[0].Detail, Does.StartWith(detail));
        Assert.That(changes.Where(c => c.What == "lowmem").Select(c => c.Kind), Is.EqualTo(new[] { ChangeKind.Gained }));
    }

    [TestCase("privileged = \"rx\"; user = \"rx\"", "privileged = \"rwx\"; user = \"rwx\"", "widened code privileged \"rx\" to \"rwx\" 0x0-0x10000", "widened code user \"rx\" to \"rwx\" 0x0-0x10000")]
    [TestCase("privileged = \"rx\"; user = \"rx\"", "privileged = \"r\"; user = \"r\"", "narrowed code privileged \"rx\" to \"r\" 0x0-0x10000", "narrowed code user \"rx\" to \"r\" 0x0-0x10000")]
    [TestCase("privileged = \"rx\"; user = \"rx\"", "privileged = \"rw\"; user = \"rw\"", "widened code privileged \"rx\" to \"rw\" 0x0-0x10000", "widened code user \"rx\" to \"rw\" 0x0-0x10000")]
    [TestCase("<0x20000000 0x1000>; privileged", "<0x20000000 0x2000>; privileged", "widened data privileged \"\" to \"rw\" 0x20001000-0x20002000")]
    [TestCase("data { reg = <0x20000000 0x1000>; privileged = \"rw\"; };", "", "narrowed data privileged \"rw\" to \"\" 0x20000000-0x20001000")]
    [TestCase("domain-a { stack { reg = <0x20002000 0x1000>", "domain-a { stack { reg = <0x20002000 0x2000>",
        "widened stack privileged in domain a \"\" to \"rw\" 0x20003000-0x20004000", "widened stack user in domain a \"\" to \"rw\" 0x20003000-0x20004000")]
    public void Permissions_are_compared_address_by_address(string from, string to, params string[] expected)
    {
        var changes = Compare(Protected, Protected.Replace(from, to, StringComparison.Ordinal), "CONFIG_MMU=n\n");
        var told = changes.Where(c => c.What == "protection").Select(c => $"{c.Kind.ToString().ToLowerInvariant()} {c.Name} {c.Detail} {Range(c)}").ToList();

        // What a domain inherits changes in the domain too.
        Assert.That(told.Where(t => expected[0].Contains(" in domain ", StringComparison.Ordinal) || !t.Contains(" in domain ", StringComparison.Ordinal)), Is.EquivalentTo(expected));
        Assert.That(changes.Any(c => c.IsWidening), Is.EqualTo(expected.Any(e => e.StartsWith("widened", StringComparison.Ordinal))));

        static string Range(BoardChange c) => string.Create(CultureInfo.InvariantCulture, $"0x{c.New!.Value.Range!.Value.Start:x}-{c.New.Value.Range.Value.End}");
    }

    [Test]
    public void The_same_permissions_written_another_way_are_no_change()
    {
        var split = Protected.Replace("code { reg = <0x0 0x10000>; privileged = \"rx\"; user = \"rx\"; };",
            "a { reg = <0x0 0x8000>; privileged = \"rx\"; user = \"rx\"; }; b { reg = <0x8000 0x8000>; privileged = \"rx\"; user = \"rx\"; };", StringComparison.Ordinal);

        Assert.That(Compare(Protected, split, "CONFIG_MMU=n\n"), Is.Empty);
    }

    [Test]
    public void A_policy_that_is_gone_widens_and_a_new_one_narrows()
    {
        var without = Protected.Remove(Protected.IndexOf("protection", StringComparison.Ordinal));

        Assert.That(Compare(Protected, without, "CONFIG_MMU=n\n").Single().IsWidening);
        Assert.That(Compare(without, Protected, "CONFIG_MMU=n\n").Single().Kind, Is.EqualTo(ChangeKind.Narrowed));
    }

    [Test]
    public void A_background_for_privileged_code_widens_where_no_entry_was()
    {
        var changes = Compare(Protected, Protected.Replace("regions = <16>;", "regions = <16>; privileged-background;", StringComparison.Ordinal), "CONFIG_MMU=n\n");

        Assert.That(changes.All(c => c.Kind == ChangeKind.Widened && c.Detail.StartsWith("privileged", StringComparison.Ordinal)));
        Assert.That(changes.Where(c => !c.Detail.Contains("domain", StringComparison.Ordinal)).Any(c => c.New is { Range.Start: 0x40000000 }));
    }

    [Test]
    public void Permissions_of_random_policies_are_those_of_every_granule()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 60; round++)
        {
            var (old, now) = (RandomProtection(random), RandomProtection(random));
            var (before, after) = (Compile(old, "CONFIG_MMU=n\n"), Compile(now, "CONFIG_MMU=n\n"));
            var changes = BoardComparer.Compare(before, after).Changes.Where(c => c.What == "protection").ToList();
            for (var granule = 0UL; granule < 16; granule++)
            {
                var address = 0x20000000 + (granule * 0x400);
                foreach (var privilege in new[] { Privilege.Privileged, Privilege.User })
                {
                    var oldRights = before.Board!.Protection!.RightsAt(address, privilege, null, before.Board.Mpu!.Format);
                    var newRights = after.Board!.Protection!.RightsAt(address, privilege, null, after.Board.Mpu!.Format);
                    var who = privilege == Privilege.Privileged ? "privileged \"" : "user \"";
                    var found = changes.Where(c => c.Detail.StartsWith(who, StringComparison.Ordinal)
                        && c.New!.Value.Range is { } range && range.Start <= address && range.End > address).ToList();
                    var expected = oldRights == newRights ? null : (newRights & ~oldRights) != 0 ? "Widened" : "Narrowed";
                    if (found.SingleOrDefault()?.Kind.ToString() != expected)
                        Assert.Fail($"seed {Seed}, round {round}: 0x{address:x} {who}: {oldRights} to {newRights}\n{old}\n{now}");
                }
            }
        }
    }

    [Test]
    public void Lowmem_lost_and_gained_is_that_of_every_page()
    {
        var random = new Random(Seed);
        string RandomBanks() => string.Concat(Enumerable.Range(0, 6).Where(_ => random.Next(3) > 0).Select(i => string.Create(CultureInfo.InvariantCulture,
            $"memory@{0x80000000L + (i * 0x20000000L):x} {{ device_type = \"memory\"; reg = <0x{0x80000000L + (i * 0x14000000L):x} 0x{(1 + random.Next(20)) * 0x1000000L:x}>; }}; ")));
        for (var round = 0; round < 40; round++)
        {
            var (before, after) = (Compile("memory@70000000 { device_type = \"memory\"; reg = <0x70000000 0x1000000>; }; " + RandomBanks()), Compile("memory@70000000 { device_type = \"memory\"; reg = <0x70000000 0x1000000>; }; " + RandomBanks()));
            var changes = BoardComparer.Compare(before, after).Changes;
            for (var page = 0x70000000UL; page < 0x100000000; page += 0x400000)
            {
                foreach (var (kind, word) in new[] { (BankKind.Lowmem, "lowmem"), (BankKind.Highmem, "highmem") })
                {
                    var (was, isNow) = (Has(before, kind, page), Has(after, kind, page));
                    var lost = changes.Count(c => c.What == word && c.Kind == ChangeKind.Lost && c.Old!.Value.Range is { } r && r.Start <= page && r.End > page);
                    var gained = changes.Count(c => c.What == word && c.Kind == ChangeKind.Gained && c.New!.Value.Range is { } r && r.Start <= page && r.End > page);
                    if ((lost, gained) != (was && !isNow ? 1 : 0, isNow && !was ? 1 : 0))
                        Assert.Fail($"seed {Seed}, round {round}: {word} at 0x{page:x}: was {was}, is {isNow}, lost {lost}, gained {gained}");
                }
            }
        }

        static bool Has(BoardCompilation board, BankKind kind, ulong page) => board.Layout!.Banks.Any(b => b.Kind == kind && b.Range.Contains(new PhysAddr(page)));
    }

    [Test]
    public void Backwards_what_was_lost_is_gained_and_what_was_added_is_removed([ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var (one, other) = (RepositoryBoards.Compile(board), RepositoryBoards.Compile("qcom/msm8974"));
        var forth = BoardComparer.Compare(one, other).Changes;
        var back = BoardComparer.Compare(other, one).Changes;
        int Count(IEnumerable<BoardChange> changes, ChangeKind kind, string what) => changes.Count(c => c.Kind == kind && c.What == what);

        foreach (var what in new[] { "lowmem", "highmem" })
            Assert.That(Count(forth, ChangeKind.Lost, what), Is.EqualTo(Count(back, ChangeKind.Gained, what)));
        foreach (var what in new[] { "device", "bank", "virtual" })
            Assert.That(Count(forth, ChangeKind.Added, what), Is.EqualTo(Count(back, ChangeKind.Removed, what)), what);
    }

    private static string Text(BoardChange c) => $"{c.Kind.ToString().ToLowerInvariant()} {c.What} {c.Name} {c.Detail}".TrimEnd();

    private static List<BoardChange> Compare(string old, string now, string defconfig = "") => [.. BoardComparer.Compare(Compile(old, defconfig), Compile(now, defconfig)).Changes];

    // Sixteen granules of 1 KiB; entries that do not overlap.
    private static string RandomProtection(Random random)
    {
        var text = "memory@20000000 { device_type = \"memory\"; reg = <0x20000000 0x100000>; }; protection { compatible = \"kmemkit,protection\"; mpu = \"pmsav8-m\"; regions = <16>; #address-cells = <1>; #size-cells = <1>; ";
        for (var at = random.Next(3); at < 16;)
        {
            var size = 1 + random.Next(4);
            string[] rights = ["", "r", "rw"];
            var privileged = rights[random.Next(3)];
            var user = random.Next(2) == 0 ? "" : privileged;
            text += string.Create(CultureInfo.InvariantCulture, $"e{at} {{ reg = <0x{0x20000000 + (at * 0x400):x} 0x{Math.Min(size, 16 - at) * 0x400:x}>; privileged = \"{privileged}\"; user = \"{user}\"; }}; ");
            at += size + random.Next(2);
        }
        return text + "};";
    }

    private static BoardCompilation Compile(string nodes, string defconfig = "CONFIG_HIGHMEM=y\n")
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("t.dts",
            "/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; compatible = \"t,t\";\n" + nodes + "\n};\n"))
        {
            Defconfig = new SourceFile("t_defconfig", "CONFIG_ARM=y\n" + defconfig),
            RequireLayout = true,
        });
        Assert.That(compilation.HasErrors, Is.False, string.Join("\n", compilation.Diagnostics) + nodes);
        return compilation;
    }
}
