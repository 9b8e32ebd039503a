using System.Collections.Generic;
using System.Linq;
using KmemKit.Runtime.FaultInjection;
using KmemKit.Runtime.Gfp;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MemoryChecking;

/// <summary>When a call fails is what Documentation/fault-injection says.</summary>
internal sealed class FaultInjectionTests
{
    [Test]
    public void Nothing_fails_until_it_is_asked_for()
    {
        var injector = new FaultInjector("failslab");
        Assert.That((injector.IsArmed, injector.ShouldFail(8)), Is.EqualTo((false, false)));
    }

    [Test]
    public void The_nth_call_fails_and_no_other()
    {
        var injector = new FaultInjector("failslab") { FailNth = 3 };
        Assert.That(Calls(injector, 6), Is.EqualTo("..X..."));
        Assert.That((injector.FailNth, injector.Injected, injector.IsArmed), Is.EqualTo((0, 1, false)));
    }

    [TestCase(100, 1UL, -1, 0, "XXXXXXXX")]
    [TestCase(100, 1UL, 3, 0, "XXX.....")]
    [TestCase(100, 3UL, -1, 0, "..X..X..")]
    [TestCase(100, 1UL, -1, 25, "..XXXXXX")]
    [TestCase(100, 2UL, -1, 25, "...X.X.X")]
    [TestCase(0, 1UL, -1, 0, "........")]
    [TestCase(100, 1UL, 0, 0, "........")]
    public void Interval_times_and_space_filter(int probability, ulong interval, int times, long space, string expected)
    {
        var injector = new FaultInjector("failslab")
        {
            Attributes = new FaultAttributes { Probability = probability, Interval = interval, Times = times, Space = space },
        };
        Assert.That(Calls(injector, 8), Is.EqualTo(expected));
    }

    [Test]
    public void Probability_is_a_percentage_and_a_seed_repeats_it()
    {
        var attributes = new FaultAttributes { Probability = 30, Times = -1 };
        var first = Calls(new FaultInjector("failslab", 7) { Attributes = attributes }, 10000);
        var again = Calls(new FaultInjector("failslab", 7) { Attributes = attributes }, 10000);
        Assert.That(again, Is.EqualTo(first));
        Assert.That(first.Count(c => c == 'X'), Is.InRange(2700, 3300));
    }

    [Test]
    public void The_message_is_the_kernels()
    {
        var messages = new List<string>();
        var injector = new FaultInjector("failslab") { Attributes = new FaultAttributes { Probability = 100, Times = 2 } };
        injector.Failing += messages.Add;
        injector.ShouldFail(8);
        Assert.That(messages.Single(), Is.EqualTo("FAULT_INJECTION: forcing a failure.\nname failslab, interval 1, probability 100, space 0, times 1\n"));
    }

    [TestCase("1,100,0,-1", true)]
    [TestCase("10,50,4096,3", true)]
    [TestCase("1,101,0,-1", false)]
    [TestCase("1,100,0,-2", false)]
    [TestCase("1,100,0", false)]
    [TestCase("1,,0,1", false)]
    [TestCase("", false)]
    public void The_boot_parameter_is_four_numbers(string text, bool expected)
    {
        Assert.That(FaultAttributes.TryParse(text, out var attributes), Is.EqualTo(expected));
        if (text == "10,50,4096,3")
            Assert.That(attributes, Is.EqualTo(new FaultAttributes { Interval = 10, Probability = 50, Space = 4096, Times = 3 }));
    }

    [TestCase(GfpFlags.Kernel | GfpFlags.NoFail, false, false, true, false)]
    [TestCase(GfpFlags.Kernel, false, true, true, false)]
    [TestCase(GfpFlags.Atomic, false, true, true, true)]
    [TestCase(GfpFlags.Kernel, true, false, false, false)]
    [TestCase(GfpFlags.Kernel, true, false, true, true)]
    [TestCase(GfpFlags.Kernel, false, false, false, true)]
    public void Failslab_filters_by_request_and_cache(GfpFlags flags, bool cacheFilter, bool ignoreWait, bool marked, bool expected)
    {
        var failslab = new FailSlab { CacheFilter = cacheFilter, IgnoreGfpWait = ignoreWait };
        failslab.Injector.Attributes = new FaultAttributes { Probability = 100, Times = -1 };
        Assert.That(failslab.ShouldFail(marked, 64, flags), Is.EqualTo(expected));
    }

    private static string Calls(FaultInjector injector, int calls) =>
        string.Concat(Enumerable.Range(0, calls).Select(_ => injector.ShouldFail(10) ? 'X' : '.'));
}
