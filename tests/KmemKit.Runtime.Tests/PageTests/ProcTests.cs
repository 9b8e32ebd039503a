using System;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Proc;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.PageTests;

/// <summary>The /proc texts: the numbers of the allocator in the form that a 4.4 kernel on a Zynq board printed.</summary>
internal sealed class ProcTests
{
    private Machine _machine = null!;

    [SetUp]
    public void Boot() => _machine = Machine.Arm(256 * Machine.MiB, new PageAllocatorOptions { Cpus = 2 });

    [TearDown]
    public void End() => _machine.Dispose();

    [Test]
    public void Buddyinfo_adds_up_and_has_the_kernels_form()
    {
        _machine.Cpu.AllocPage(GfpFlags.Kernel);
        var info = BuddyInfo.Of(_machine.Allocator);
        Assert.That(info.Zones.Single().FreePages, Is.EqualTo((ulong)_machine.Allocator.Zones[0].FreePages));
        const string Kernel = "Node 0, zone   Normal     42     18     17      7      3      2      1      2      3      1     32 \n";
        Assert.That(Form(info.ToString()), Is.EqualTo(Form(Kernel)));
    }

    [Test]
    public void Pagetypeinfo_adds_up_and_has_the_kernels_form()
    {
        _machine.Cpu.AllocPage(GfpFlags.Kernel);
        var info = PageTypeInfo.Of(_machine.Allocator);
        var zone = info.Zones.Single();
        Assert.That(zone.Types.Aggregate(0UL, (sum, type) => sum + type.PageBlocks), Is.EqualTo(64), "256 MiB in blocks of 4 MiB");
        Assert.That(zone.Types[(int)MigrateType.Unmovable].PageBlocks, Is.EqualTo(1), "the first kernel page claimed a block");
        var lines = info.ToString().Split('\n');
        Assert.That(lines[0], Is.EqualTo("Page block order: 10"));
        Assert.That(lines[1], Is.EqualTo("Pages per block:  1024"));
        Assert.That(lines[3], Is.EqualTo("Free pages count per migrate type at order       0      1      2      3      4      5      6      7      8      9     10 "));
        Assert.That(Form(lines[4]), Is.EqualTo(Form("Node    0, zone   Normal, type    Unmovable      1      2      4      1      1      1      1      0      1      0      0 ")));
        Assert.That(lines[11], Is.EqualTo("Number of blocks type     Unmovable      Movable  Reclaimable   HighAtomic          CMA      Isolate "));
        Assert.That(Form(lines[12]), Is.EqualTo(Form("Node 0, zone   Normal            3           55            2            0            4            0 ")));
    }

    [Test]
    public void Zoneinfo_has_the_numbers_of_the_zone()
    {
        _machine.Cpu.AllocPage(GfpFlags.Kernel);
        var zone = _machine.Allocator.Zones[0];
        var text = ZoneInfo.Of(_machine.Allocator).ToString();
        Assert.That(text, Does.StartWith($"Node 0, zone   Normal\n  pages free     {zone.FreePages}\n        min      {zone.MinWatermark}\n"));
        Assert.That(text, Does.Contain($"        managed  {zone.ManagedPages}\n    nr_free_pages {zone.FreePages}\n    nr_alloc_batch {zone.HighWatermark - zone.LowWatermark}\n"));
        Assert.That(text, Does.Contain("    nr_free_cma  0\n        protection: (0, 0, 0)\n  pagesets\n    cpu: 0\n"));
        Assert.That(text, Does.Contain($"              count: {_machine.Cpu.PagesInLists(zone)}\n              high:  90\n              batch: 15\n"));
    }

    [Test]
    public void Meminfo_counts_what_the_allocator_has()
    {
        var before = MemInfo.Of(_machine.Allocator);
        Assert.That(before.Total, Is.EqualTo(_machine.Allocator.TotalPages * 4));
        Assert.That(before.Free, Is.EqualTo(before.Total));
        _machine.Cpu.AllocPages(GfpFlags.Kernel, 10);
        Assert.That(MemInfo.Of(_machine.Allocator).Free, Is.EqualTo(before.Free - 4096));
        Assert.That(before.ToString(), Does.StartWith($"MemTotal:       {before.Total,8} kB\nMemFree:        {before.Free,8} kB\nMemAvailable:   "));
        Assert.That(before.ToString(), Does.Contain("HighTotal:             0 kB\n"));
    }

    // Each number as wide as it stands in its column.
    private static string Form(string text) => Regex.Replace(text, " +[0-9]+", static match => new string('#', match.Length));
}
