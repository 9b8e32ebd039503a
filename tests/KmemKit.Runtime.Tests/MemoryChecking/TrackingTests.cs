using System;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tests.Harness;
using KmemKit.Runtime.Tracking;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>Call sites, tracks and time.</summary>
internal sealed class TrackingTests
{
    [Test]
    public void A_site_keeps_its_number_whatever_string_names_it()
    {
        var sites = new SiteTable();
        var number = sites.NumberOf(new AllocationSite("src/a.cs", 12));
        var copy = new string("src/a.cs".AsSpan());
        using (Assert.EnterMultipleScope())
        {
            Assert.That(number, Is.Not.Zero);
            Assert.That(sites.NumberOf(new AllocationSite(copy, 12)), Is.EqualTo(number));
            Assert.That(sites.NumberOf(new AllocationSite("src/a.cs", 12)), Is.EqualTo(number));
            Assert.That(sites.NumberOf(new AllocationSite("src/a.cs", 13)), Is.Not.EqualTo(number));
            Assert.That(sites.SiteOf(number), Is.EqualTo(new AllocationSite("src/a.cs", 12)));
            Assert.That(sites.NumberOf(default), Is.Zero);
            Assert.That(sites.SiteOf(0), Is.Default);
            Assert.That(sites.SiteOf(77), Is.Default);
        }
    }

    [Test]
    public void Thousands_of_sites_are_told_apart()
    {
        var sites = new SiteTable();
        for (var turn = 0; turn < 2; turn++)
        {
            for (var line = 1; line <= 20000; line++)
                Assert.That(sites.NumberOf(new AllocationSite("driver.c", line)), Is.EqualTo((uint)line));
        }
    }

    [Test]
    public void Asking_again_allocates_nothing()
    {
        var sites = new SiteTable();
        var site = new AllocationSite("driver.c", 3);
        sites.NumberOf(site);
        sites.NumberOf(site);
        Assert.That(ManagedAllocation.LeastOf(Ask), Is.Zero);

        void Ask()
        {
            for (var i = 0; i < 1000; i++)
                sites.NumberOf(site);
        }
    }

    [Test]
    public void A_track_gives_back_what_it_was_made_of()
    {
        var track = new ObjectTrack(9, 31, 4194304, 1L << 40);
        Assert.That((track.IsSet, track.Site, track.Cpu, track.Pid, track.When), Is.EqualTo((true, 9u, 31, 4194304, 1L << 40)));
        Assert.That((new ObjectTrack(0, 0, 0, 0).IsSet, default(ObjectTrack).IsSet), Is.EqualTo((true, false)));
    }

    [Test]
    public void An_address_is_named_as_kallsyms_names_it()
    {
        var symbols = new KernelSymbols();
        symbols.Add("probe", 0x1000, 0x40, "driver");
        symbols.Add("kmalloc", 0xffff_ffff_ffff_ffc0, 0x40);
        using (Assert.EnterMultipleScope())
        {
            Assert.That(Name(0x1000), Is.EqualTo("probe+0x0/0x40 [driver]"));
            Assert.That(Name(0x103f), Is.EqualTo("probe+0x3f/0x40 [driver]"));
            Assert.That(Name(0x1040), Is.EqualTo("0x1040"));
            Assert.That(Name(0xfff), Is.EqualTo("0xfff"));
            Assert.That(Name(ulong.MaxValue), Is.EqualTo("kmalloc+0x3f/0x40"));
            Assert.That(KernelSymbols.Describe(new AllocationSite("/src/driver/probe.cs", 42)), Is.EqualTo("probe.cs:42"));
            Assert.That(KernelSymbols.Describe(default), Is.EqualTo("0x0"));
        }

        string Name(ulong address) => KernelSymbols.Describe(symbols.SiteAt(address));
    }

    [TestCase(0xfffUL, 2UL)]
    [TestCase(0x103fUL, 1UL)]
    [TestCase(0x1000UL, 0x40UL)]
    [TestCase(0xffffffffffffffffUL, 2UL)]
    public void Functions_neither_overlap_nor_wrap(ulong start, ulong size)
    {
        var symbols = new KernelSymbols();
        symbols.Add("probe", 0x1000, 0x40);
        Assert.Throws<ArgumentException>(() => symbols.Add("other", start, size));
        symbols.Add("before", 0xfc0, 0x40);
        symbols.Add("behind", 0x1040, 0x10);
    }

    [Test]
    public void Time_passes_when_it_is_ticked()
    {
        using var clock = new KernelClock(250);
        var told = 0L;
        clock.Ticked += jiffies => told = jiffies;
        clock.Tick(1000);
        clock.Tick();
        Assert.That((clock.Jiffies, told, clock.Stamp(1001)), Is.EqualTo((1001, 1001, "4.004000")));
    }
}
