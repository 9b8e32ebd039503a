using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Policies;

public class BootargsTests
{
    private const ulong MiB = 1 << 20;

    [Test]
    public void The_parameters_that_shape_memory_are_typed()
    {
        var result = PolicyText.Bootargs(
            "console=ttyMSM0 mem=244M@68M mem=0x10000000@2284M vmalloc=400M highmem=1G nohighmem cma=64M@0-1G kernelcore=30% movablecore=512M slub_debug=FZ,dentry quiet");
        var arguments = result.Policy.Bootargs;
        Assert.That(result.Diagnostics, Is.Empty);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(arguments.Mem.Select(m => m.Value), Is.EqualTo(new[]
            {
                new MemoryArgument(244 * MiB, 68 * MiB), new MemoryArgument(256 * MiB, 2284 * MiB),
            }));
            Assert.That(arguments.Vmalloc?.Value, Is.EqualTo(400 * MiB));
            Assert.That(arguments.Highmem?.Value, Is.EqualTo(1024 * MiB));
            Assert.That(arguments.NoHighmem?.Value, Is.True);
            Assert.That(arguments.Cma?.Value, Is.EqualTo(new CmaArgument(64 * MiB, 0, 1024 * MiB)));
            Assert.That(arguments.Kernelcore?.Value, Is.EqualTo(new MemoryAmount(null, 30)));
            Assert.That(arguments.Movablecore?.Value, Is.EqualTo(new MemoryAmount(512 * MiB, null)));
            Assert.That(arguments.SlubDebug?.Value.Text, Is.EqualTo("FZ,dentry"));
        }
    }

    // lib/cmdline.c, memparse: simple_strtoull with base 0 and a suffix.
    [TestCase("0", 0UL)]
    [TestCase("010", 8UL)]
    [TestCase("0x10", 16UL)]
    [TestCase("0X1fK", 31UL << 10)]
    [TestCase("400M", 400UL << 20)]
    [TestCase("400m", 400UL << 20)]
    [TestCase("3g", 3UL << 30)]
    [TestCase("1T", 1UL << 40)]
    [TestCase("1P", 1UL << 50)]
    [TestCase("15E", 15UL << 60)]
    [TestCase("0xe", 14UL)]
    [TestCase("18446744073709551615", ulong.MaxValue)]
    public void A_size_is_read_as_the_kernel_reads_it(string text, ulong bytes) =>
        Assert.That(PolicyText.Bootargs("vmalloc=" + text).Policy.Bootargs.Vmalloc?.Value, Is.EqualTo(bytes));

    [TestCase("vmalloc=")]
    [TestCase("vmalloc=lots")]
    [TestCase("vmalloc=400MB")]
    [TestCase("vmalloc=-1")]
    [TestCase("vmalloc=0x")]
    [TestCase("vmalloc=08")]
    [TestCase("vmalloc=16E")]
    [TestCase("vmalloc=18446744073709551616")]
    [TestCase("mem=0")]
    [TestCase("mem=1G@")]
    [TestCase("mem=2G@0xffffffffffffffff")]
    [TestCase("mem=1G@2G@3G")]
    [TestCase("cma=64M@1G-512M")]
    [TestCase("cma=64M-1G")]
    [TestCase("kernelcore=101%")]
    [TestCase("kernelcore=%")]
    [TestCase("movablecore=mirror")]
    public void A_malformed_value_is_an_error(string line) => Assert.That(PolicyText.Bootargs(line).Ids(), Is.EqualTo(new[] { "KMK2050" }));

    [Test]
    public void A_parameter_without_its_value_is_an_error() =>
        Assert.That(PolicyText.Bootargs("vmalloc mem cma").Ids(), Is.EqualTo(new[] { "KMK2054", "KMK2054", "KMK2054" }));

    [TestCase("slub_debug", "")]
    [TestCase("slub_debug=", "")]
    [TestCase("slub-debug=U", "U")]
    [TestCase("slab_debug=P", "P")]
    public void Slub_debug_has_its_spellings(string line, string value)
    {
        var result = PolicyText.Bootargs(line);
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That(result.Policy.Bootargs.SlubDebug?.Value.Text, Is.EqualTo(value));
    }

    [TestCase("vmaloc=400M", "vmalloc")]
    [TestCase("vmallocc=400M", "vmalloc")]
    [TestCase("highmen=1G", "highmem")]
    [TestCase("nohihgmem", "nohighmem")]
    [TestCase("movable_core=1G", "movablecore")]
    [TestCase("slub_debg=F", "slub_debug")]
    public void A_misspelled_parameter_is_a_warning_with_the_one_that_was_meant(string line, string meant)
    {
        var warning = PolicyText.Bootargs(line).Diagnostics.Single();
        Assert.That((warning.Id, warning.Severity), Is.EqualTo(("KMK2051", DiagnosticSeverity.Warning)));
        Assert.That(warning.Message, Does.Contain("did you mean " + meant + "?"));
    }

    [TestCase("console=ttyS0,115200 root=/dev/mmcblk0p2 rw quiet memmap=1G memtest=4 mtdparts=a:1M(x) cpu=1 rom=3 ma=1 video=x")]
    [TestCase("mem=nopentium")]
    [TestCase("  ")]
    [TestCase("")]
    public void Parameters_of_others_pass(string line) => Assert.That(PolicyText.Bootargs(line).Diagnostics, Is.Empty);

    [Test]
    public void Quotes_protect_blanks_and_two_dashes_end_the_kernels_part()
    {
        var result = PolicyText.Bootargs("dyndbg=\"file a.c vmalloc=1M\" vmalloc=\"400M\" \"highmem=1G\" -- vmalloc=1M mem=x");
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That((result.Policy.Bootargs.Vmalloc?.Value, result.Policy.Bootargs.Highmem?.Value, result.Policy.Bootargs.Mem.Length),
            Is.EqualTo(((ulong?)(400 * MiB), (ulong?)(1024 * MiB), 0)));
    }

    [Test]
    public void A_quote_that_is_not_closed_is_a_warning() =>
        Assert.That(PolicyText.Bootargs("a=\"b vmalloc=400M").Ids(), Is.EqualTo(new[] { "KMK2053" }));

    [Test]
    public void Of_a_parameter_given_twice_the_last_counts_and_is_a_warning()
    {
        var result = PolicyText.Bootargs("vmalloc=1M vmalloc=2M");
        Assert.That(result.Ids(), Is.EqualTo(new[] { "KMK2052" }));
        Assert.That(result.Policy.Bootargs.Vmalloc?.Value, Is.EqualTo(2 * MiB));
    }

    [TestCase("\"quiet vmalloc=lots\"", "quiet vmalloc=lots", "board.dts(2,29)")]
    [TestCase("\"a=\\\"b c\\\" vmalloc=lots\"", "a=\"b c\" vmalloc=lots", "board.dts(2,33)")]
    [TestCase("\"\\x41\\101 vmalloc=lots\"", "AA vmalloc=lots", "board.dts(2,32)")]
    [TestCase("\"ä=ö vmalloc=lots\"", "ä=ö vmalloc=lots", "board.dts(2,27)")]
    [TestCase("MACRO(x)", "quiet vmalloc=lots", "board.dts(2,22)")]
    public void A_finding_points_at_the_word_in_the_string_of_the_source(string literal, string value, string place)
    {
        var result = PolicyReader.Read(new PolicyInput { Tree = PolicyText.TreeWithBootargs(literal, value) });
        var error = result.Diagnostics.Single();
        Assert.That((error.Id, error.Span.ToString()), Is.EqualTo(("KMK2050", place)));
        if (literal[0] == '"')
            Assert.That(error.Span.File!.Text.Substring(error.Span.Start, error.Span.Length), Is.EqualTo("vmalloc=lots"));
    }

    [TestCase("", "vmalloc=1M")]
    [TestCase("CONFIG_CMDLINE=\"vmalloc=2M\"", "vmalloc=1M")]
    [TestCase("CONFIG_CMDLINE=\"vmalloc=2M\"\nCONFIG_CMDLINE_EXTEND=y", "vmalloc=1M vmalloc=2M")]
    [TestCase("CONFIG_CMDLINE=\"vmalloc=2M\"\nCONFIG_CMDLINE_FORCE=y", "vmalloc=2M")]
    [TestCase("CONFIG_X86_32=y\nCONFIG_CMDLINE=\"vmalloc=2M\"\nCONFIG_CMDLINE_BOOL=y", "vmalloc=2M vmalloc=1M")]
    public void The_built_in_parameters_join_those_of_the_tree_as_the_policy_says(string defconfig, string text)
    {
        var result = PolicyReader.Read(new PolicyInput
        {
            Defconfig = new SourceFile("board_defconfig", defconfig),
            Tree = PolicyText.TreeWithBootargs("\"vmalloc=1M\"", "vmalloc=1M"),
        });
        Assert.That(result.Policy.Bootargs.Text, Is.EqualTo(text));
        Assert.That(result.HasErrors, Is.False);
    }

    [Test]
    public void A_line_given_by_hand_replaces_all_others()
    {
        var result = PolicyReader.Read(new PolicyInput
        {
            Defconfig = new SourceFile("board_defconfig", "CONFIG_CMDLINE=\"mem=1G\"\nCONFIG_CMDLINE_EXTEND=y"),
            Tree = PolicyText.TreeWithBootargs("\"vmalloc=lots\"", "vmalloc=lots"),
            Bootargs = "vmalloc=3M",
        });
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That((result.Policy.Bootargs.Text, result.Policy.Bootargs.Vmalloc?.Value), Is.EqualTo(("vmalloc=3M", (ulong?)(3 * MiB))));
    }
}
