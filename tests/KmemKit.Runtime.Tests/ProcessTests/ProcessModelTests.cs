using System;
using System.Globalization;
using System.Linq;
using KmemKit.Runtime.Processes;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>Random steps in every format that a board's kernel uses, and the same with one invalidation left out at a time. A failure prints the seed; <c>KMEMKIT_SEED</c> replays it, <c>KMEMKIT_PROCESS_STEPS</c> sets how many steps.</summary>
internal sealed class ProcessModelTests
{
    private static int Steps => int.TryParse(Environment.GetEnvironmentVariable("KMEMKIT_PROCESS_STEPS"), NumberStyles.None, CultureInfo.InvariantCulture, out var steps) ? steps : 60_000;

    private static int Seed => PageTests.BuddyModelTests.Seed();

    [TestCaseSource(typeof(ProcessMachine), nameof(ProcessMachine.Formats))]
    public void Random_steps_end_as_the_dictionaries_say_and_every_page_comes_back(string format)
    {
        var seed = Seed;
        using var machine = new ProcessMachine(format, new ProcessOptions { AsidBits = format.StartsWith("x86-3", StringComparison.Ordinal) || format == "x86-pae" ? null : 4 });
        Run(machine, seed, Steps);
        Assert.That(machine.Table.CommittedPages, Is.GreaterThanOrEqualTo(0));
        Assert.That(machine.Lost(), Is.Zero, $"seed {seed}");
        Assert.That(machine.Table.CommittedPages, Is.Zero, $"seed {seed}");
        Assert.That(machine.Bugs, Is.Empty);
    }

    [Test]
    public void Every_translation_that_is_used_is_what_the_tables_say()
    {
        var seed = Seed;
        using var machine = new ProcessMachine("vmsav8-64-4k", new ProcessOptions { AsidBits = 4 }, watch: true);
        Run(machine, seed, Math.Min(Steps, 20_000));
        Assert.That(machine.Bugs, Is.Empty, $"seed {seed}: {machine.Bugs.FirstOrDefault()}");
    }

    [TestCase(FlushPoint.Unmap)]
    [TestCase(FlushPoint.Protect)]
    [TestCase(FlushPoint.CopyOnWrite)]
    [TestCase(FlushPoint.ForkWriteProtect)]
    [TestCase(FlushPoint.Move)]
    [TestCase(FlushPoint.Reclaim)]
    [TestCase(FlushPoint.WriteBack)]
    [TestCase(FlushPoint.Truncate)]
    [TestCase(FlushPoint.AsidRollover)]
    public void An_invalidation_that_is_left_out_is_seen(FlushPoint point) => AssertSeen("x86-64", point, new ProcessOptions { AsidBits = 3 });

    [Test]
    public void So_is_a_switch_without_one_where_there_are_no_numbers() => AssertSeen("x86-32", FlushPoint.Switch, new ProcessOptions());

    private static void AssertSeen(string format, FlushPoint point, ProcessOptions options)
    {
        using var machine = new ProcessMachine(format, options);
        machine.Table.LeftOut = point;
        var model = new ProcessModel(machine, 1);
        for (var step = 0; step < 300_000; step++)
        {
            try
            {
                model.Step();
            }
            catch (Exception seen) when (seen is not AssertionException)
            {
                TestContext.Out.WriteLine($"{point}: seen at step {step}: {seen.Message.Split('\n')[0]}");
                return;
            }
        }
        Assert.Fail($"{point} was left out 300000 steps long, and nobody saw it.");
    }

    private static void Run(ProcessMachine machine, int seed, int steps)
    {
        var model = new ProcessModel(machine, seed);
        for (var step = 0; step < steps; step++)
        {
            try
            {
                model.Step();
                if (step % 128 == 0)
                    model.CheckAreas();
            }
            catch (Exception fault)
            {
                throw new InvalidOperationException($"seed {seed}, step {step}: {fault.Message}", fault);
            }
        }
        var tlb = machine.Kernel.Cpu.Tlb.Statistics;
        TestContext.Out.WriteLine($"seed {seed}: {string.Join(", ", model.Done.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Value} {pair.Key}"))}; TLB {tlb.Hits} hits, {tlb.Misses} misses; {machine.Table.AsidRollovers} rollovers, {machine.Table.Switches} switches");
    }
}
