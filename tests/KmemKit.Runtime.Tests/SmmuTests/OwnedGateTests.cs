using System.Linq;
using System.Threading;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>The gate of an SMMU and of its driver's queue: one thread at a time, which may come in again.</summary>
internal sealed class OwnedGateTests
{
    private sealed class Shared
    {
        public OwnedGate Gate;

        // Equal whenever nobody is in.
        public long One;
        public long Two;
        public long Wrong;

        public void Change()
        {
            if (One != Two)
                Wrong++;
            One++;
            Thread.SpinWait(1);
            Two++;
        }
    }

    [Test]
    public void One_thread_at_a_time_is_in_and_may_come_in_again()
    {
        const int turns = 100_000;
        var shared = new Shared();
        var threads = Enumerable.Range(0, 3).Select(_ => new Thread(() =>
        {
            for (var i = 0; i < turns; i++)
            {
                using (shared.Gate.Hold())
                {
                    shared.Change();
                    if (i % 8 != 0)
                        continue;
                    using (shared.Gate.Hold())
                    {
                        using (shared.Gate.Hold())
                            shared.Change();
                    }
                    // Still in after both inner ones have gone.
                    shared.Change();
                }
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.That((shared.Wrong, shared.One, shared.Two), Is.EqualTo((0L, (turns + (2L * turns / 8)) * 3, (turns + (2L * turns / 8)) * 3)));
    }

    [Test]
    public void Who_is_in_briefly_is_in_alone()
    {
        const int turns = 100_000;
        var shared = new Shared();
        var threads = Enumerable.Range(0, 4).Select(number => new Thread(() =>
        {
            for (var i = 0; i < turns; i++)
            {
                if (number % 2 == 0)
                {
                    shared.Gate.EnterBriefly();
                    shared.Change();
                    shared.Gate.LeaveBriefly();
                    continue;
                }
                using (shared.Gate.Hold())
                {
                    if (shared.Gate.IsFree)
                        shared.Wrong++;
                    using (shared.Gate.Hold())
                        shared.Change();
                }
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        Assert.That((shared.Wrong, shared.One, shared.Two, shared.Gate.IsFree), Is.EqualTo((0L, turns * 4L, turns * 4L, true)));
    }
}
