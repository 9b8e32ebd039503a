using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout.Strategies;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Artifacts;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>Strategies side by side: each row is what the board would give under that defconfig, and the order is what was asked for.</summary>
internal sealed class StrategyComparerTests
{
    [Test]
    public void The_rows_of_msm8974_are_the_numbers_of_its_three_boards()
    {
        // MemTotal and vmalloc of the seed's examples 7, 8 and 9, in the layouts that have their vectors.
        var rows = StrategyComparer.Compare(RepositoryBoards.Compile("qcom/msm8974").Board!, StrategyGoal.Lowmem);
        foreach (var (board, reclaim) in new[]
        {
            ("qcom/msm8974", ReclaimStrategy.None), ("qcom/msm8974-dont-map-hole", ReclaimStrategy.DontMapHole), ("qcom/msm8974-vmalloc-saving", ReclaimStrategy.VmallocSaving),
        })
        {
            var layout = RepositoryBoards.Compile(board).Layout!;
            var row = rows.Single(r => r.Split == "3G" && r.Reclaim == reclaim);

            Assert.That(row.Lowmem, Is.EqualTo(layout.LowPages * 4096), board);
            Assert.That(row.Highmem, Is.EqualTo(layout.HighPages * 4096), board);
            Assert.That(row.IsCurrent, Is.EqualTo(reclaim == ReclaimStrategy.None));
        }
        Assert.That(rows.Select(r => (r.Split, r.Reclaim)).Distinct().Count(), Is.EqualTo(9));
    }

    [Test]
    public void Every_row_is_the_layout_that_its_lines_of_the_defconfig_give([ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var compilation = RepositoryBoards.Compile(board);
        foreach (var row in StrategyComparer.Compare(compilation.Board!, StrategyGoal.Vmalloc).Where(r => r.Failure is null && r.Configuration.Length > 0))
        {
            var again = RepositoryBoards.Compile(board, overrides: [.. row.Configuration.Append(row.Reclaim == ReclaimStrategy.None ? "CONFIG_NO_VM_RECLAIM=y" : "")
                .Where(o => o.Length > 0 && (compilation.Board!.Architecture == TargetArchitecture.Arm || !o.Contains("RECLAIM")))]).Layout!;

            Assert.That((again.LowPages * 4096, again.HighPages * 4096), Is.EqualTo((row.Lowmem, row.Highmem)), string.Join(" ", row.Configuration));
            Assert.That(again.PageOffset, Is.EqualTo(row.PageOffset));
            Assert.That(again.Virtual.Where(v => v.Name == "vmalloc").Aggregate(0UL, (sum, v) => sum + v.Range.Size.Value), Is.EqualTo(row.Vmalloc));
        }
    }

    [TestCase(StrategyGoal.Lowmem)]
    [TestCase(StrategyGoal.Vmalloc)]
    public void The_best_comes_first_and_the_board_s_own_is_there_once(StrategyGoal goal)
    {
        foreach (var board in RepositoryBoards.Names)
        {
            var rows = StrategyComparer.Compare(RepositoryBoards.Compile(board).Board!, goal);

            Assert.That(rows.Where(r => r.Failure is null).Select(r => goal == StrategyGoal.Lowmem ? r.Lowmem : r.Vmalloc), Is.Ordered.Descending, board);
            Assert.That(rows.Count(r => r.IsCurrent), Is.EqualTo(1), board);
            Assert.That(rows.Select(r => (r.PageOffset, r.Reclaim)), Is.Unique, board);
            Assert.That(rows.SkipWhile(r => r.Failure is null).All(r => r.Failure is not null), board);
        }
    }

    [TestCase("seed/ex1", 1)]
    [TestCase("seed/ex4", 3)]
    [TestCase("pc/pc-32", 1)]
    public void A_reclaim_strategy_is_offered_where_a_hole_counts(string board, int strategies) =>
        Assert.That(StrategyComparer.Compare(RepositoryBoards.Compile(board).Board!, StrategyGoal.Lowmem).Where(r => r.Split == "3G").Select(r => r.Reclaim).Count(), Is.EqualTo(strategies));

    [TestCase("pc/pc-32", "3G 3G_OPT 2G 2G_OPT 1G")]
    [TestCase("pc/pc-pae", "3G 2G 1G")]
    [TestCase("qemu/virt-cortex-a15", "3G 3G_OPT 2G 1G")]
    [TestCase("seed/ex1", "3G 2G 1G")]
    [TestCase("pc/pc-64", "")]
    [TestCase("qemu/mps2-an385", "")]
    public void Splits_are_those_of_the_architecture_s_Kconfig(string board, string splits) =>
        Assert.That(StrategyComparer.Compare(RepositoryBoards.Compile(board).Board!, StrategyGoal.Lowmem).Select(r => r.Split).Distinct(), Is.EquivalentTo(splits.Split(' ')));

    [Test]
    public void RAM_that_no_highmem_reaches_is_unreachable_and_a_split_that_reaches_it_says_so()
    {
        var rows = StrategyComparer.Compare(Board("reg = <0x80000000 0x60000000>;", "").Board!, StrategyGoal.Lowmem);

        Assert.That(rows.Single(r => r.Split == "3G").Unreachable, Is.EqualTo(0x60000000 - rows.Single(r => r.Split == "3G").Lowmem).And.Positive);
        Assert.That(rows[0], Has.Property(nameof(LayoutStrategy.Unreachable)).Zero.And.Property(nameof(LayoutStrategy.Split)).EqualTo("2G").Or.Property(nameof(LayoutStrategy.Split)).EqualTo("1G"));
    }

    // First level 16 KiB; a table for each 2 MiB of RAM that 1 MiB sections do not fill.
    [TestCase("reg = <0x80000000 0x10000000>;", 16)]
    [TestCase("reg = <0x80000000 0x10300000>;", 16)]
    [TestCase("reg = <0x80000000 0x10010000>;", 20)]
    [TestCase("reg = <0x80000000 0x10010000>, <0x90080000 0x80000>;", 20)]
    [TestCase("reg = <0x80000000 0x10010000>, <0x90f80000 0x20000>;", 24)]
    public void Page_tables_of_the_linear_map_are_counted_by_sections(string reg, int kibibytes)
    {
        var row = StrategyComparer.Compare(Board(reg, "CONFIG_HIGHMEM=y\nCONFIG_LINUX_VERSION=\"3.4\"\n").Board!, StrategyGoal.Lowmem).Single(r => r.IsCurrent);

        Assert.That(row.PageTables!.Value.Linear, Is.EqualTo((ulong)kibibytes * 1024));
        Assert.That(row.PageTables.Value.VmallocMost, Is.EqualTo((row.Vmalloc + 0x1fffff) / 0x200000 * 4096).Within(4096));
    }

    private static BoardCompilation Board(string reg, string defconfig)
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("t.dts",
            "/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; memory@80000000 { device_type = \"memory\"; " + reg + " }; };\n"))
        {
            Defconfig = new SourceFile("t_defconfig", "CONFIG_ARM=y\n" + defconfig),
            RequireLayout = true,
        });
        Assert.That(compilation.Layout, Is.Not.Null, string.Join("\n", compilation.Diagnostics));
        return compilation;
    }
}
