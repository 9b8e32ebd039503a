using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Slab;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>The header and the library say the same.</summary>
[TestFixture]
internal sealed partial class HeaderTests
{
    /// <summary>A function that the header declares.</summary>
    internal sealed record Prototype(string Name, string[] Parameters);

    [TestCase("gcc", "-std=c99", "c")]
    [TestCase("gcc", "-std=c11", "c")]
    [TestCase("gcc", "-std=gnu17", "c")]
    [TestCase("g++", "-std=c++11", "c++")]
    [TestCase("g++", "-std=c++20", "c++")]
    public void Header_compiles(string compiler, string standard, string language)
    {
        OutsideTool.Require(compiler, compiler);
        var source = Path.Combine(PublishedBoard.Scratch, "header." + (language == "c" ? "c" : "cc"));
        File.WriteAllText(source, """
            #include "virt-cortex-a15_kernel.h"
            #include "linux/slab.h"
            #include "linux/io.h"
            int main(void)
            {
                DEFINE_SPINLOCK(lock);
                char *text = (char *)kmalloc(8, GFP_KERNEL);
                struct page *page = alloc_page(GFP_KERNEL | __GFP_ZERO);
                spin_lock(&lock);
                spin_unlock(&lock);
                __free_page(page);
                pr_info("%s at %#llx\n", KMEM_BOARD, (unsigned long long)virt_to_phys(text));
                kfree(text);
                return WARN_ON(dma_mapping_error(kmem_device("uart0"), 0)) || kmem_shutdown() != 0;
            }
            """);
        var result = PublishedBoard.Run(compiler, standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I" + PublishedBoard.Folder, "-x", language, source, "-x", "none",
            "-o", source + ".out", "-L" + PublishedBoard.Folder, "-l" + PublishedBoard.Board, "-Wl,-rpath," + PublishedBoard.Folder);
        Assert.That(result.Code, Is.Zero, result.Error);
        var run = PublishedBoard.Run(source + ".out");
        Assert.That(run.Code, Is.Zero, run.Error);
        Assert.That(run.Error, Does.Match(@"^\[    0\.000000\] virt-cortex-a15 at 0x[4-6][0-9a-f]{7}\n$"));
    }

    /// <summary>Both ways: what the header declares is there, and what is there is declared.</summary>
    [Test]
    public void Exports_are_the_functions_of_the_header()
    {
        var exports = Exports();
        Assert.That(exports, Is.EqualTo(Prototypes().Select(p => p.Name).Order(StringComparer.Ordinal)));
        Assert.That(exports, Does.Contain("kmalloc").And.Contain("kmem_at_kmalloc").And.Contain("dma_map_sg").And.Contain("__get_free_pages"));
    }

    /// <summary>Every function but a few has a form with the place of its call, and the macro of its name calls that.</summary>
    [Test]
    public void Functions_have_a_form_with_their_site()
    {
        string[] without = ["kmem_dev_printk", "kmem_report_count", "kmem_set_console_level", "kmem_set_report_handler", "kmem_set_report_policy", "printk"];
        var names = Prototypes().Select(p => p.Name).ToHashSet();
        var macros = MacroLine().Matches(File.ReadAllText(Path.Combine(PublishedBoard.Folder, "kmem_kernel.h"))).Select(m => (m.Groups[1].Value, m.Groups[2].Value)).ToList();
        var plain = names.Where(n => !n.StartsWith("kmem_at_", StringComparison.Ordinal)).Except(without).Order(StringComparer.Ordinal).ToList();
        Assert.That(plain.Where(n => !names.Contains("kmem_at_" + n)), Is.Empty);
        Assert.That(macros.Select(m => m.Item1).Order(StringComparer.Ordinal), Is.EqualTo(plain));
        Assert.That(macros.Where(m => m.Item2 != m.Item1), Is.Empty);
    }

    /// <summary>The numbers of the header are those of the runtime.</summary>
    [Test]
    public void Flags_are_the_runtimes()
    {
        OutsideTool.Require("gcc", "gcc");
        var header = File.ReadAllText(Path.Combine(PublishedBoard.Folder, "kmem_kernel.h"));
        var expected = new Dictionary<string, uint>
        {
            ["GFP_KERNEL"] = (uint)GfpFlags.Kernel, ["GFP_ATOMIC"] = (uint)GfpFlags.Atomic, ["GFP_NOWAIT"] = (uint)GfpFlags.NoWait, ["GFP_NOIO"] = (uint)GfpFlags.NoIO,
            ["GFP_NOFS"] = (uint)GfpFlags.NoFS, ["GFP_USER"] = (uint)GfpFlags.User, ["GFP_DMA"] = (uint)GfpFlags.Dma, ["GFP_DMA32"] = (uint)GfpFlags.Dma32,
            ["GFP_HIGHUSER"] = (uint)GfpFlags.HighUser, ["GFP_HIGHUSER_MOVABLE"] = (uint)GfpFlags.HighUserMovable, ["__GFP_DMA"] = (uint)GfpFlags.DmaZone,
            ["__GFP_HIGHMEM"] = (uint)GfpFlags.HighMem, ["__GFP_DMA32"] = (uint)GfpFlags.Dma32Zone, ["__GFP_MOVABLE"] = (uint)GfpFlags.Movable,
            ["__GFP_RECLAIMABLE"] = (uint)GfpFlags.Reclaimable, ["__GFP_HIGH"] = (uint)GfpFlags.High, ["__GFP_IO"] = (uint)GfpFlags.IO, ["__GFP_FS"] = (uint)GfpFlags.FS,
            ["__GFP_ZERO"] = (uint)GfpFlags.Zero, ["__GFP_DIRECT_RECLAIM"] = (uint)GfpFlags.DirectReclaim, ["__GFP_KSWAPD_RECLAIM"] = (uint)GfpFlags.KswapdReclaim,
            ["__GFP_RECLAIM"] = (uint)GfpFlags.Reclaim, ["__GFP_NOWARN"] = (uint)GfpFlags.NoWarn, ["__GFP_RETRY_MAYFAIL"] = (uint)GfpFlags.RetryMayFail,
            ["__GFP_NOFAIL"] = (uint)GfpFlags.NoFail, ["__GFP_NORETRY"] = (uint)GfpFlags.NoRetry, ["__GFP_MEMALLOC"] = (uint)GfpFlags.MemAlloc, ["__GFP_COMP"] = (uint)GfpFlags.Comp,
            ["__GFP_NOMEMALLOC"] = (uint)GfpFlags.NoMemAlloc, ["__GFP_HARDWALL"] = (uint)GfpFlags.HardWall, ["__GFP_THISNODE"] = (uint)GfpFlags.ThisNode,
            ["SLAB_CONSISTENCY_CHECKS"] = (uint)SlabFlags.ConsistencyChecks, ["SLAB_RED_ZONE"] = (uint)SlabFlags.RedZone, ["SLAB_POISON"] = (uint)SlabFlags.Poison,
            ["SLAB_HWCACHE_ALIGN"] = (uint)SlabFlags.HardwareCacheAlign, ["SLAB_CACHE_DMA"] = (uint)SlabFlags.CacheDma, ["SLAB_STORE_USER"] = (uint)SlabFlags.StoreUser,
            ["SLAB_RECLAIM_ACCOUNT"] = (uint)SlabFlags.ReclaimAccount, ["SLAB_PANIC"] = (uint)SlabFlags.Panic, ["SLAB_TYPESAFE_BY_RCU"] = (uint)SlabFlags.TypesafeByRcu,
            ["SLAB_ACCOUNT"] = (uint)SlabFlags.Account,
        };
        var names = FlagLine().Matches(header).Select(m => m.Groups[1].Value).ToList();
        Assert.That(names.Except(expected.Keys), Is.Empty);
        var source = Path.Combine(PublishedBoard.Scratch, "flags.c");
        File.WriteAllText(source, "#include <stdio.h>\n#include \"virt-cortex-a15_kernel.h\"\nint main(void)\n{\n" + string.Concat(names.Select(n => $"    printf(\"{n} %u\\n\", {n});\n")) + "    return 0;\n}\n");
        var output = PublishedBoard.Run(PublishedBoard.Compile("flags", source)).Output;
        Assert.That(output, Is.EqualTo(string.Concat(names.Select(n => $"{n} {expected[n]}\n"))));
    }

    /// <summary>What the preprocessor leaves of the header.</summary>
    internal static List<Prototype> Prototypes()
    {
        OutsideTool.Require("gcc", "gcc");
        var source = Path.Combine(PublishedBoard.Scratch, "prototypes.c");
        File.WriteAllText(source, "#define KMEM_API EXPORTED\n#define KMEM_NO_SITES\n#include \"virt-cortex-a15_kernel.h\"\n");
        var result = PublishedBoard.Run("gcc", "-E", "-P", "-std=c99", "-I" + PublishedBoard.Folder, source);
        Assert.That(result.Code, Is.Zero, result.Error);
        return [.. PrototypeText().Matches(result.Output.Replace('\n', ' ')).Select(m => new Prototype(
            m.Groups[1].Value, [.. SplitParameters(m.Groups[2].Value).Select(p => p.Trim()).Where(p => p != "void")]))];
    }

    private static IEnumerable<string> SplitParameters(string text)
    {
        var (depth, start) = (0, 0);
        for (var i = 0; i < text.Length; i++)
        {
            depth += text[i] == '(' ? 1 : text[i] == ')' ? -1 : 0;
            if (text[i] != ',' || depth != 0)
                continue;
            yield return text[start..i];
            start = i + 1;
        }
        yield return text[start..];
    }

    private static List<string> Exports()
    {
        OutsideTool.Require("nm", "binutils");
        var result = PublishedBoard.Run("nm", "-D", "--defined-only", PublishedBoard.Library);
        Assert.That(result.Code, Is.Zero, result.Error);
        return [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => l.Split(' ')[^1]).Order(StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"EXPORTED [\w *]*?(\w+)\(((?:[^()]|\([^()]*\))*)\)\s*(?:__attribute__\(\(.*?\)\)\)\s*)?;")]
    private static partial Regex PrototypeText();

    [GeneratedRegex(@"^#define (\w+)\([^)]*\) kmem_at_(\w+)\(.*KMEM_HERE\)$", RegexOptions.Multiline)]
    private static partial Regex MacroLine();

    [GeneratedRegex(@"^#define ((?:__)?GFP_\w+|SLAB_\w+) ", RegexOptions.Multiline)]
    private static partial Regex FlagLine();
}
