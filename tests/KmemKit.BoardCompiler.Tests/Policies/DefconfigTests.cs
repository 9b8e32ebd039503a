using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Policies;

public class DefconfigTests
{
    [Test]
    public void The_whole_vocabulary_is_typed()
    {
        var result = PolicyText.Read("""
            CONFIG_ARM=y
            CONFIG_LINUX_VERSION="3.4.101"
            CONFIG_PAGE_OFFSET=0xC0000000
            CONFIG_PHYS_OFFSET=0x80200000
            CONFIG_HIGHMEM=y
            # CONFIG_ARM_LPAE is not set
            CONFIG_X86_PAE=n
            CONFIG_X86_5LEVEL=n
            CONFIG_THUMB2_KERNEL=y
            CONFIG_MODULES=y
            CONFIG_ARM_USE_USER_ACCESSIBLE_TIMERS=y
            CONFIG_CPU_CACHE_VIPT_ALIASING=y
            CONFIG_ENABLE_VMALLOC_SAVING=y
            CONFIG_VMALLOC_END=0xff000000
            CONFIG_VMALLOC_RESERVE=0x19000000
            CONFIG_FIXADDR_START=0xfff00000
            CONFIG_FIXADDR_TOP=0xfffe0000
            CONFIG_PKMAP_BASE=0xbfe00000
            CONFIG_CONSISTENT_DMA_SIZE=2097152
            CONFIG_SPARSEMEM=y
            CONFIG_SECTION_SIZE_BITS=28
            CONFIG_NUMA=n
            CONFIG_ZONE_DMA=y
            CONFIG_ZONE_DMA_SIZE=0x1000000
            CONFIG_ZONE_DMA32=n
            CONFIG_MMU=y
            CONFIG_ARM_MPU=n
            CONFIG_SLAB=y
            CONFIG_SLUB_DEBUG_ON=n
            CONFIG_KERNEL_DATA="0xc0c00000-0xc0d00000"
            CONFIG_KERNEL_TEXT="0xc0008000-0xc0b51420"
            CONFIG_KERNEL_RODATA="0xc0b52000-0xc0bff000"
            """);
        var policy = result.Policy;
        Assert.That(result.Diagnostics, Is.Empty);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(policy.Architecture?.Value, Is.EqualTo(TargetArchitecture.Arm));
            Assert.That(policy.LinuxVersion?.Value, Is.EqualTo(new LinuxVersion(3, 4, 101)));
            Assert.That(policy.PageOffset?.Value, Is.EqualTo(new VirtAddr(0xc0000000)));
            Assert.That(policy.PhysOffset?.Value, Is.EqualTo(new PhysAddr(0x80200000)));
            Assert.That(policy.Highmem?.Value, Is.True);
            Assert.That(policy.ArmLpae?.Value, Is.False);
            Assert.That(policy.X86Pae?.Value, Is.False);
            Assert.That(policy.X86FiveLevel?.Value, Is.False);
            Assert.That(policy.Thumb2Kernel?.Value, Is.True);
            Assert.That(policy.Modules?.Value, Is.True);
            Assert.That(policy.UserAccessibleTimers?.Value, Is.True);
            Assert.That(policy.ViptAliasingCache?.Value, Is.True);
            Assert.That(policy.Reclaim?.Value, Is.EqualTo(ReclaimStrategy.VmallocSaving));
            Assert.That(policy.VmallocEnd?.Value, Is.EqualTo(new VirtAddr(0xff000000)));
            Assert.That(policy.VmallocReserve?.Value, Is.EqualTo(0x19000000));
            Assert.That(policy.FixaddrStart?.Value, Is.EqualTo(new VirtAddr(0xfff00000)));
            Assert.That(policy.FixaddrTop?.Value, Is.EqualTo(new VirtAddr(0xfffe0000)));
            Assert.That(policy.PkmapBase?.Value, Is.EqualTo(new VirtAddr(0xbfe00000)));
            Assert.That(policy.ConsistentDmaSize?.Value, Is.EqualTo(2UL << 20));
            Assert.That(policy.MemoryModel?.Value, Is.EqualTo(MemoryModelKind.Sparse));
            Assert.That(policy.SectionSizeBits?.Value, Is.EqualTo(28));
            Assert.That(policy.Numa?.Value, Is.False);
            Assert.That(policy.ZoneDma?.Value, Is.True);
            Assert.That(policy.ZoneDmaSize?.Value, Is.EqualTo(16UL << 20));
            Assert.That(policy.ZoneDma32?.Value, Is.False);
            Assert.That(policy.Mmu?.Value, Is.True);
            Assert.That(policy.ArmMpu?.Value, Is.False);
            Assert.That(policy.ObjectAllocator?.Value, Is.EqualTo(ObjectAllocatorKind.Slab));
            Assert.That(policy.SlubDebugOn?.Value, Is.False);
            Assert.That(policy.KernelSections.Select(s => s with { Span = default }), Is.EqualTo(new[]
            {
                new KernelSection(".text", VirtRange.FromBounds(new VirtAddr(0xc0008000), 0xc0b51420)),
                new KernelSection(".rodata", VirtRange.FromBounds(new VirtAddr(0xc0b52000), 0xc0bff000)),
                new KernelSection(".data", VirtRange.FromBounds(new VirtAddr(0xc0c00000), 0xc0d00000)),
            }));
        }
    }

    [Test]
    public void What_is_not_said_is_null()
    {
        var policy = PolicyText.Read("").Policy;
        Assert.That(policy, Is.EqualTo(new Policy() with { Bootargs = policy.Bootargs, KernelSections = policy.KernelSections }));
    }

    [TestCase("CONFIG_ARM64=y", TargetArchitecture.Arm64)]
    [TestCase("CONFIG_X86=y\nCONFIG_X86_32=y", TargetArchitecture.X86)]
    [TestCase("CONFIG_X86=y\nCONFIG_64BIT=y", TargetArchitecture.X64)]
    [TestCase("CONFIG_X86=y\n# CONFIG_64BIT is not set", TargetArchitecture.X86)]
    [TestCase("CONFIG_X86_64=y", TargetArchitecture.X64)]
    [TestCase("CONFIG_RISCV=y", TargetArchitecture.RiscV64)]
    [TestCase("CONFIG_RISCV=y\nCONFIG_32BIT=y", TargetArchitecture.RiscV32)]
    [TestCase("CONFIG_RISCV=y\nCONFIG_ARCH_RV32I=y", TargetArchitecture.RiscV32)]
    public void The_architecture_is_recognised(string defconfig, TargetArchitecture architecture)
    {
        var result = PolicyText.Read(defconfig);
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That(result.Policy.Architecture?.Value, Is.EqualTo(architecture));
    }

    [TestCase("CONFIG_VMSPLIT_3G=y", 0xc0000000)]
    [TestCase("CONFIG_VMSPLIT_3G_OPT=y", 0xb0000000)]
    [TestCase("CONFIG_VMSPLIT_2G=y", 0x80000000)]
    [TestCase("CONFIG_VMSPLIT_2G_OPT=y", 0x78000000)]
    [TestCase("CONFIG_VMSPLIT_1G=y", 0x40000000)]
    [TestCase("CONFIG_VMSPLIT_2G=y\nCONFIG_PAGE_OFFSET=0x80000000", 0x80000000)]
    [TestCase("# CONFIG_VMSPLIT_3G is not set\nCONFIG_VMSPLIT_2G=y", 0x80000000)]
    public void A_split_is_its_page_offset(string defconfig, long pageOffset)
    {
        var result = PolicyText.Read(defconfig);
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That(result.Policy.PageOffset?.Value.Value, Is.EqualTo((ulong)pageOffset));
    }

    [TestCase("CONFIG_ARM64_4K_PAGES=y", 12)]
    [TestCase("CONFIG_ARM64_16K_PAGES=y", 14)]
    [TestCase("CONFIG_ARM64_64K_PAGES=y", 16)]
    public void A_page_size_is_its_geometry(string defconfig, int shift) =>
        Assert.That(PolicyText.Read(defconfig).Policy.PageGeometry?.Value.PageShift, Is.EqualTo(shift));

    [TestCase("CONFIG_ARM64_VA_BITS=39", 39)]
    [TestCase("CONFIG_ARM64_VA_BITS_48=y", 48)]
    [TestCase("CONFIG_ARM64_VA_BITS_52=y\nCONFIG_ARM64_VA_BITS=52", 52)]
    public void Virtual_address_bits_come_in_both_spellings(string defconfig, int bits)
    {
        var result = PolicyText.Read(defconfig);
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That(result.Policy.VaBits?.Value, Is.EqualTo(bits));
    }

    [Test]
    public void The_x86_high_memory_choice_selects_highmem_and_pae()
    {
        var four = PolicyText.Read("CONFIG_HIGHMEM4G=y").Policy;
        var sixtyFour = PolicyText.Read("CONFIG_HIGHMEM64G=y").Policy;
        var none = PolicyText.Read("CONFIG_NOHIGHMEM=y").Policy;
        using (Assert.EnterMultipleScope())
        {
            Assert.That((four.Highmem?.Value, four.X86Pae?.Value), Is.EqualTo(((bool?)true, (bool?)null)));
            Assert.That((sixtyFour.Highmem?.Value, sixtyFour.X86Pae?.Value), Is.EqualTo(((bool?)true, (bool?)true)));
            Assert.That((none.Highmem?.Value, none.X86Pae?.Value), Is.EqualTo(((bool?)false, (bool?)null)));
        }
    }

    [Test]
    public void Carriage_returns_comments_blanks_and_a_byte_order_mark_do_not_matter()
    {
        var result = PolicyText.Read("\uFEFF# a comment\r\nCONFIG_ARM=y\r\n\r\n  CONFIG_HIGHMEM=y \t\r\n#CONFIG_NUMA=y\r\n# CONFIG_MODULES is not set\r\n");
        Assert.That(result.Diagnostics, Is.Empty);
        Assert.That((result.Policy.Highmem?.Value, result.Policy.Modules?.Value, result.Policy.Numa), Is.EqualTo(((bool?)true, (bool?)false, (Setting<bool>?)null)));
    }

    [Test]
    public void A_setting_knows_its_line()
    {
        var result = PolicyText.Read("# first\nCONFIG_ARM=y\n  CONFIG_PAGE_OFFSET=0x80000000\n");
        Assert.That(result.Policy.PageOffset?.Span.ToString(), Is.EqualTo("board_defconfig(3,3)"));
        Assert.That(result.Policy.Architecture?.Span.ToString(), Is.EqualTo("board_defconfig(2,1)"));
    }

    [TestCase("CONFIG_PAGE_OFFSET", "board_defconfig(1,1)")]
    [TestCase("CONFIG_PAGE_OFFSET = 0xc0000000", "board_defconfig(1,1)")]
    [TestCase("HIGHMEM=y", "board_defconfig(1,1)")]
    [TestCase("CONFIG_LINUX_VERSION=\"3.4", "board_defconfig(1,22)")]
    [TestCase("CONFIG_LINUX_VERSION=\"3.4\" # comment", "board_defconfig(1,22)")]
    public void A_line_that_is_no_assignment_is_an_error_at_its_place(string line, string place)
    {
        var diagnostic = PolicyText.Read(line).Diagnostics.Single();
        Assert.That((diagnostic.Id, diagnostic.Span.ToString()), Is.EqualTo(("KMK2001", place)));
    }

    [TestCase("CONFIG_HIGHMEM=maybe", "KMK2002")]
    [TestCase("CONFIG_HIGHMEM=m", "KMK2002")]
    [TestCase("CONFIG_HIGHMEM=\"y\"", "KMK2002")]
    [TestCase("CONFIG_HIGHMEM=", "KMK2002")]
    [TestCase("CONFIG_HIGHMEM=y # why", "KMK2002")]
    [TestCase("CONFIG_PAGE_OFFSET=3G", "KMK2002")]
    [TestCase("CONFIG_PAGE_OFFSET=0x", "KMK2002")]
    [TestCase("CONFIG_PAGE_OFFSET=-1", "KMK2002")]
    [TestCase("CONFIG_PAGE_OFFSET=\"0xc0000000\"", "KMK2002")]
    [TestCase("CONFIG_PAGE_OFFSET=0x10000000000000000", "KMK2002")]
    [TestCase("CONFIG_PAGE_OFFSET=18446744073709551616", "KMK2002")]
    [TestCase("CONFIG_LINUX_VERSION=\"new\"", "KMK2002")]
    [TestCase("CONFIG_LINUX_VERSION=\"99999999999.1\"", "KMK2002")]
    [TestCase("CONFIG_KERNEL_TEXT=\"0xc0008000\"", "KMK2002")]
    [TestCase("CONFIG_KERNEL_TEXT=\"0xc0008000-0xc0008000\"", "KMK2002")]
    [TestCase("CONFIG_SECTION_SIZE_BITS=64", "KMK2003")]
    [TestCase("CONFIG_VMALLOC_RESERVE=0", "KMK2003")]
    [TestCase("CONFIG_ARM64_VA_BITS=40", "KMK2003")]
    public void A_value_of_the_wrong_form_is_an_error_at_the_value(string line, string id)
    {
        var result = PolicyText.Read(line);
        var diagnostic = result.Diagnostics.Single();
        Assert.That((diagnostic.Id, diagnostic.Severity), Is.EqualTo((id, DiagnosticSeverity.Error)));
        if (!line.EndsWith('='))
            Assert.That(diagnostic.Span.StartPosition.Column, Is.EqualTo(line.IndexOf('=') + 1));
    }

    [Test]
    public void Of_a_key_set_twice_the_last_counts_and_the_warning_names_both_lines()
    {
        var result = PolicyText.Read("CONFIG_HIGHMEM=y\nCONFIG_ARM=y\n# CONFIG_HIGHMEM is not set\n");
        var warning = result.Diagnostics.Single();
        Assert.That(result.Policy.Highmem?.Value, Is.False);
        Assert.That((warning.Id, warning.Span.ToString(), warning.Related.Single().Span.ToString()),
            Is.EqualTo(("KMK2004", "board_defconfig(3,1)", "board_defconfig(1,1)")));
        Assert.That(warning.Message, Does.Contain("board_defconfig(1,1)"));
    }

    [TestCase("CONFIG_VMSPLIT_3G=y\nCONFIG_VMSPLIT_2G=y")]
    [TestCase("CONFIG_NO_VM_RECLAIM=y\nCONFIG_ENABLE_VMALLOC_SAVING=y")]
    [TestCase("CONFIG_SLAB=y\nCONFIG_SLUB=y")]
    [TestCase("CONFIG_ARM64_4K_PAGES=y\nCONFIG_ARM64_64K_PAGES=y")]
    [TestCase("CONFIG_FLATMEM=y\nCONFIG_SPARSEMEM=y")]
    [TestCase("CONFIG_ARM=y\nCONFIG_ARM64=y")]
    [TestCase("CONFIG_X86=y\nCONFIG_ARM=y")]
    public void Two_of_a_choice_are_an_error_that_names_both_lines(string defconfig)
    {
        var error = PolicyText.Read(defconfig).Diagnostics.Single();
        Assert.That((error.Id, error.Span.ToString(), error.Related.Single().Span.ToString()),
            Is.EqualTo(("KMK2007", "board_defconfig(2,1)", "board_defconfig(1,1)")));
    }

    [TestCase("CONFIG_PAGE_OFFSET=0xc0000000\nCONFIG_VMSPLIT_2G=y")]
    [TestCase("CONFIG_ARM64_VA_BITS=39\nCONFIG_ARM64_VA_BITS_48=y")]
    [TestCase("CONFIG_HIGHMEM=n\nCONFIG_HIGHMEM4G=y")]
    [TestCase("CONFIG_X86_PAE=n\nCONFIG_HIGHMEM64G=y")]
    public void A_value_that_a_choice_contradicts_is_an_error_that_names_both_lines(string defconfig)
    {
        var error = PolicyText.Read(defconfig).Diagnostics.Single();
        Assert.That((error.Id, error.Span.ToString(), error.Related.Single().Span.ToString()),
            Is.EqualTo(("KMK2008", "board_defconfig(1,1)", "board_defconfig(2,1)")));
    }

    [Test]
    public void A_binary_file_is_no_policy()
    {
        var result = PolicyReader.Read(new PolicyInput { Defconfig = new SourceFile("x_defconfig", new byte[] { 1, 2 }) });
        Assert.That(result.Ids(), Is.EqualTo(new[] { "KMK0001" }));
    }
}
