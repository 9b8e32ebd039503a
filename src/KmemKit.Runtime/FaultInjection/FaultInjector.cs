using System;
using System.Threading;

namespace KmemKit.Runtime.FaultInjection;

/// <summary>Decides call by call whether one fails (should_fail, lib/fault-inject.c).</summary>
/// <remarks>
/// <para>Two ways, of which the first that is set decides, as in the kernel: <see cref="FailNth"/> lets exactly one call fail, whatever the attributes
/// say (<c>/proc/self/fail-nth</c>); else <see cref="Attributes"/> do.</para>
/// <para>A sweep sets <see cref="FailNth"/> to 1, 2, 3... and runs the scenario each time, until <see cref="Injected"/> stays as it was: then every
/// call of the scenario has failed once.</para>
/// <para>Random numbers come from a seed, so that a run can be repeated. Threads may ask at once.</para>
/// </remarks>
public sealed class FaultInjector
{
    private readonly Lock _lock = new();
    private FaultAttributes _attributes = new();
    private Random _random;
    private long _nth;
    private long _space;
    private long _times;
    private ulong _count;
    private long _injected;
    private long _asked;
    private volatile bool _isArmed;

    /// <summary>An injector that lets nothing fail.</summary>
    /// <param name="name">What it makes fail, as its message names it.</param>
    /// <param name="seed">Of its random numbers.</param>
    public FaultInjector(string name, int seed = 0)
    {
        Name = name;
        _random = new Random(seed);
    }

    /// <summary>What it makes fail.</summary>
    public string Name { get; }

    /// <summary>Whether anything can fail: what a caller looks at before it asks.</summary>
    public bool IsArmed => _isArmed;

    /// <summary>Failures so far.</summary>
    public long Injected => Interlocked.Read(ref _injected);

    /// <summary>Calls that were asked about while <see cref="IsArmed"/>.</summary>
    public long Asked => Interlocked.Read(ref _asked);

    /// <summary>When calls fail; setting it starts anew with its space and times.</summary>
    public FaultAttributes Attributes
    {
        get => _attributes;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            value.Validate();
            lock (_lock)
            {
                _attributes = value;
                _space = value.Space;
                _times = value.Times;
                _count = 0;
                UpdateArmed();
            }
        }
    }

    /// <summary>The call that fails, counted from 1 for the next one; 0 for none. It counts down, and is 0 when it has failed.</summary>
    public long FailNth
    {
        get => Interlocked.Read(ref _nth);
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            lock (_lock)
            {
                _nth = value;
                UpdateArmed();
            }
        }
    }

    /// <summary>Told of each failure with the message that the kernel prints (fail_dump). Called on the caller's thread.</summary>
    public event Action<string>? Failing;

    /// <summary>Starts the random numbers anew.</summary>
    public void Seed(int seed)
    {
        lock (_lock)
            _random = new Random(seed);
    }

    /// <summary>Whether this call fails.</summary>
    /// <param name="size">Bytes that it asks for.</param>
    public bool ShouldFail(long size)
    {
        if (!_isArmed)
            return false;
        lock (_lock)
        {
            _asked++;
            if (!Decide(size))
                return false;
            _injected++;
            UpdateArmed();
        }
        Failing?.Invoke(
            $"FAULT_INJECTION: forcing a failure.\nname {Name}, interval {_attributes.Interval}, probability {_attributes.Probability}, space {_space}, times {_times}\n");
        return true;
    }

    private bool Decide(long size)
    {
        if (_nth != 0)
            return --_nth == 0;
        if (_times == 0 || _attributes.Probability == 0)
            return false;
        if (_space > size)
        {
            _space -= size;
            return false;
        }
        if (_attributes.Interval > 1 && ++_count % _attributes.Interval != 0)
            return false;
        if (_attributes.Probability <= _random.Next(100))
            return false;
        if (_times != -1)
            _times--;
        return true;
    }

    private void UpdateArmed() => _isArmed = _nth != 0 || (_times != 0 && _attributes.Probability != 0);
}
