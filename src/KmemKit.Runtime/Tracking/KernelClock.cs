using System;
using System.Threading;

namespace KmemKit.Runtime.Tracking;

/// <summary>The time of the simulated machine in jiffies (<c>jiffies</c>, kernel/time/timer.c).</summary>
/// <remarks>
/// Time stands still until someone ticks, so that a run is the same every time. A harness that has a time of its own ticks with it; one that wants the
/// host's starts <see cref="FollowHost"/>. Reading it is one load, as reading jiffies is.
/// </remarks>
public sealed class KernelClock : IDisposable
{
    private long _jiffies;
    private Timer? _timer;

    /// <summary>A clock.</summary>
    /// <param name="hz">Jiffies in a second (CONFIG_HZ), 1 to 1000.</param>
    public KernelClock(int hz = 250)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hz, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(hz, 1000);
        Hz = hz;
    }

    /// <summary>Jiffies in a second.</summary>
    public int Hz { get; }

    /// <summary>Told the time whenever some passed.</summary>
    public event Action<long>? Ticked;

    /// <summary>Jiffies since the start.</summary>
    public long Jiffies => Volatile.Read(ref _jiffies);

    /// <summary>Lets time pass.</summary>
    /// <param name="jiffies">At least 0.</param>
    public void Tick(long jiffies = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(jiffies);
        Ticked?.Invoke(Interlocked.Add(ref _jiffies, jiffies));
    }

    /// <summary>From now on time passes as on the host, until <see cref="Dispose"/>.</summary>
    public void FollowHost()
    {
        var start = Environment.TickCount64;
        var first = Jiffies;
        _timer ??= new Timer(Follow, null, 1000 / Hz, 1000 / Hz);

        void Follow(object? state)
        {
            var now = first + ((Environment.TickCount64 - start) * Hz / 1000);
            Interlocked.Exchange(ref _jiffies, now);
            Ticked?.Invoke(now);
        }
    }

    /// <summary>A moment as printk writes it: seconds and microseconds.</summary>
    public string Stamp(long jiffies) => $"{jiffies / Hz}.{jiffies % Hz * 1_000_000 / Hz:000000}";

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();
}
