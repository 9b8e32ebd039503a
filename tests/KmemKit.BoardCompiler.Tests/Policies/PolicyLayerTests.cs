using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Policies;

public class PolicyLayerTests
{
    [Test]
    public void A_fragment_replaces_what_the_defconfig_says_without_a_warning()
    {
        var result = PolicyText.ReadWithFragment("CONFIG_HIGHMEM=y\nCONFIG_VMSPLIT_3G=y\nCONFIG_SLUB=y", "CONFIG_HIGHMEM=n\nCONFIG_VMSPLIT_2G=y\nCONFIG_SLAB=y");
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That((result.Policy.Highmem?.Value, result.Policy.PageOffset?.Value.Value, result.Policy.ObjectAllocator?.Value),
            Is.EqualTo(((bool?)false, (ulong?)0x80000000, (ObjectAllocatorKind?)ObjectAllocatorKind.Slab)));
    }

    [Test]
    public void A_fragment_takes_back_a_choice_and_a_value()
    {
        var result = PolicyText.ReadWithFragment(
            "CONFIG_ENABLE_VMALLOC_SAVING=y\nCONFIG_VMALLOC_END=0xf8000000", "# CONFIG_ENABLE_VMALLOC_SAVING is not set\n# CONFIG_VMALLOC_END is not set");
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That((result.Policy.Reclaim, result.Policy.VmallocEnd), Is.EqualTo(((Setting<ReclaimStrategy>?)null, (Setting<VirtAddr>?)null)));
    }

    [Test]
    public void Of_a_value_and_a_choice_in_different_layers_the_later_counts()
    {
        Assert.That(PolicyText.Read("CONFIG_PAGE_OFFSET=0xc0000000", "CONFIG_VMSPLIT_2G=y").Policy.PageOffset?.Value.Value, Is.EqualTo(0x80000000));
        Assert.That(PolicyText.Read("CONFIG_VMSPLIT_2G=y", "CONFIG_PAGE_OFFSET=0xc0000000").Policy.PageOffset?.Value.Value, Is.EqualTo(0xc0000000));
        Assert.That(PolicyText.Read("CONFIG_VMSPLIT_2G=y", "CONFIG_PAGE_OFFSET=0xc0000000").Diagnostics, Is.Empty);
    }

    [Test]
    public void An_override_needs_no_quotes_and_has_no_place()
    {
        var result = PolicyText.Read("CONFIG_LINUX_VERSION=\"3.4\"", "CONFIG_LINUX_VERSION=4.4");
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That(result.Policy.LinuxVersion?.Value, Is.EqualTo(new LinuxVersion(4, 4)));
        Assert.That(result.Policy.LinuxVersion?.Span.IsKnown, Is.False);
    }

    [TestCase("HIGHMEM=y", "KMK2009")]
    [TestCase("CONFIG_HIGHMEM", "KMK2009")]
    [TestCase("=y", "KMK2009")]
    [TestCase("", "KMK2009")]
    [TestCase("CONFIG_USB=y", "KMK2010")]
    [TestCase("CONFIG_HIGMEM=y", "KMK2010")]
    [TestCase("CONFIG_HIGHMEM=2", "KMK2002")]
    public void A_bad_override_is_a_finding(string text, string id) =>
        Assert.That(PolicyText.Read("", text).Ids(), Is.EqualTo(new[] { id }));

    [Test]
    public void An_unknown_override_says_what_was_probably_meant() =>
        Assert.That(PolicyText.Read("", "CONFIG_HIGMEM=y").Diagnostics.Single().Message, Does.Contain("CONFIG_HIGHMEM"));

    [TestCase("CONFIG_HIGMEM=y", "CONFIG_HIGHMEM")]
    [TestCase("CONFIG_PAGE_OFSET=0x80000000", "CONFIG_PAGE_OFFSET")]
    [TestCase("CONFIG_VMALOC_END=0xff000000", "CONFIG_VMALLOC_END")]
    [TestCase("CONFIG_DONT_MAP_HOLE_AFTER_MEMBANKO=y", "CONFIG_DONT_MAP_HOLE_AFTER_MEMBANK0")]
    [TestCase("CONFIG_SPARSMEM=y", "CONFIG_SPARSEMEM")]
    [TestCase("CONFIG_LINUX_VERISON=\"3.4\"", "CONFIG_LINUX_VERSION")]
    [TestCase("CONFIG_highmem=y", null)]
    public void A_misspelled_key_is_a_warning_with_the_key_that_was_meant(string line, string? meant)
    {
        var diagnostic = PolicyText.Read(line).Diagnostics.Single();
        if (meant is null)
            Assert.That(diagnostic.Id, Is.EqualTo("KMK2006"));
        else
            Assert.That((diagnostic.Id, diagnostic.Severity, diagnostic.Message.Contains(meant)), Is.EqualTo(("KMK2005", DiagnosticSeverity.Warning, true)));
    }

    [Test]
    public void The_hundreds_of_keys_that_do_not_concern_memory_are_one_note_a_file()
    {
        var result = PolicyText.Read("CONFIG_ARM=y\nCONFIG_USB=y\nCONFIG_EXT4_FS=m\nCONFIG_LOCALVERSION=\"-perf\"\nCONFIG_LOG_BUF_SHIFT=17\n# CONFIG_FOO is not set\n");
        var note = result.Diagnostics.Single();
        Assert.That((note.Id, note.Severity), Is.EqualTo(("KMK2006", DiagnosticSeverity.Info)));
        Assert.That(note.Message, Does.StartWith("5 keys, CONFIG_USB the first"));
    }

    [TestCase("CONFIG_ARM_PMU")]
    [TestCase("CONFIG_X86_PAT")]
    [TestCase("CONFIG_ARC")]
    [TestCase("CONFIG_SMP")]
    [TestCase("CONFIG_SLUB_DEBUG")]
    [TestCase("CONFIG_NUMA_BALANCING")]
    [TestCase("CONFIG_HAVE_ARM_SMCCC")]
    [TestCase("CONFIG_SPARSEMEM_EXTREME")]
    [TestCase("CONFIG_ZONE_DEVICE")]
    [TestCase("CONFIG_MODULE_SIG")]
    [TestCase("CONFIG_MODVERSIONS")]
    public void A_real_key_of_the_kernel_is_no_misspelling(string key) =>
        Assert.That(PolicyText.Read(key + "=y").Ids(), Is.EqualTo(new[] { "KMK2006" }));

    [Test]
    public void No_key_of_ours_is_taken_for_a_misspelling_of_another()
    {
        foreach (var key in PolicyVocabulary.All)
            Assert.That(PolicyVocabulary.Find(key.Name), Is.SameAs(key));
        Assert.That(PolicyVocabulary.All.Select(k => k.Name), Is.Unique);
        Assert.That(PolicyVocabulary.All.Select(k => k.Meaning), Has.All.Not.Empty);
    }

    [TestCase("abc", "abc", 0)]
    [TestCase("abc", "acb", 1)]
    [TestCase("abc", "ab", 1)]
    [TestCase("abc", "abxc", 1)]
    [TestCase("vmaloc", "vmalloc", 1)]
    [TestCase("", "abc", 3)]
    public void A_slip_counts_one(string a, string b, int distance) => Assert.That(Spelling.Distance(a, b), Is.EqualTo(distance));
}
