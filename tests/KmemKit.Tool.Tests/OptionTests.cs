using System.Linq;
using KmemKit.Tool.Input;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

public sealed class OptionTests
{
    private const string Board = "boards/seed/ex1";

    [Test]
    public void Config_lays_a_setting_over_the_defconfig() =>
        Assert.That(PageOffset("--config", "CONFIG_PAGE_OFFSET=0x80000000"), Is.EqualTo("0x80000000"));

    [Test]
    public void Config_takes_a_fragment_and_settings_go_over_it()
    {
        using var scratch = new Scratch();
        var fragment = scratch.Write("split", "CONFIG_PAGE_OFFSET=0x80000000\n");

        Assert.That(PageOffset("--config", fragment), Is.EqualTo("0x80000000"));
        Assert.That(PageOffset("--config", "CONFIG_PAGE_OFFSET=0xb0000000", "--config", fragment), Is.EqualTo("0xb0000000"));
    }

    [Test]
    public void Bootargs_stand_instead_of_the_tree_s()
    {
        var json = Kmem.Run("layout", "--json", "--bootargs", "vmalloc=240M", Board).Json.Single();

        Assert.That(json.GetProperty("vmalloc_min").GetString(), Is.EqualTo("0xf0000000"));
    }

    [Test]
    public void Options_may_stand_before_and_behind_the_verb() =>
        Assert.That(Kmem.Run("--json", "layout", Board).Output, Is.EqualTo(Kmem.Run("layout", Board, "--json").Output).And.StartsWith("{"));

    [Test]
    public void An_include_folder_is_searched()
    {
        using var scratch = new Scratch();
        scratch.Write("inc/part.dtsi", "/ { model = \"from the folder\"; };\n");
        var board = scratch.Write("a.dts", "/dts-v1/;\n#include <part.dtsi>\n/ { };\n");

        Assert.That(Kmem.Run("dts", board).ExitCode, Is.EqualTo(1));
        Assert.That(Kmem.Run("dts", "-I", scratch["inc"], board).Output, Does.Contain("from the folder"));
    }

    [Test]
    public void The_defconfig_beside_a_board_is_found_also_where_the_name_has_points()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("board-3.4.dts", Scratch.GoodBoard);
        scratch.Write("board-3.4_defconfig", "CONFIG_PAGE_OFFSET=0x80000000\n");

        var json = Kmem.Run("layout", "--json", board).Json.Single();

        Assert.That((json.GetProperty("board").GetString(), json.GetProperty("page_offset").GetString()), Is.EqualTo(("board-3.4", "0x80000000")));
    }

    [TestCase("CONFIG_X=y", true)]
    [TestCase("CONFIG_X=", true)]
    [TestCase("./CONFIG_X=y", false)]
    [TestCase("dir/fragment", false)]
    [TestCase("fragment", false)]
    [TestCase("=y", false)]
    public void A_setting_is_told_from_a_file_by_its_form(string text, bool isSetting) => Assert.That(BoardLoader.IsSetting(text), Is.EqualTo(isSetting));

    private static string? PageOffset(params string[] options) =>
        Kmem.Run(["layout", "--json", .. options, Board]).Json.Single().GetProperty("page_offset").GetString();
}
