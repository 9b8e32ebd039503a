using System.Threading;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Native.Machine;

/// <summary>The CPU on which a call runs: as a task is scheduled on one, and stays there for the call.</summary>
/// <remarks>
/// Any number of threads may call. Each comes back to the CPU it had, so that its lists are warm; where another thread is on that, it takes a free one, and waits
/// where there is none.
/// </remarks>
internal unsafe ref struct CpuLease
{
    private readonly NativeMachine _machine;
    private readonly ThreadState _thread;
    private readonly CallSite* _outer;
    private readonly bool _isAtomic;

    /// <summary>The CPU.</summary>
    public Cpu Cpu { get; }

    /// <summary>The call's site.</summary>
    public KnownSite Site { get; }

    public CpuLease(NativeMachine machine, CallSite* at)
    {
        _machine = machine;
        _thread = ThreadState.Current;
        _outer = _thread.At;
        _thread.At = at;
        Site = _thread.Sites.Of(at);
        if (_thread.Holds++ == 0)
            Acquire();
        Cpu = machine.Cpus[_thread.HeldCpu];
        _isAtomic = _thread.AtomicDepth > 0 && _thread.Holds == 1;
        if (_isAtomic)
            Cpu.EnterAtomic();
    }

    /// <summary>Leaves the CPU.</summary>
    public readonly void Dispose()
    {
        if (_isAtomic)
            Cpu.LeaveAtomic();
        if (--_thread.Holds == 0)
        {
            Volatile.Write(ref _machine.CpuOwners[_thread.HeldCpu * NativeMachine.OwnerStride], 0);
            _thread.HeldCpu = -1;
        }
        _thread.At = _outer;
    }

    private readonly void Acquire()
    {
        var owners = _machine.CpuOwners;
        var count = _machine.Cpus.Count;
        var first = _thread.LastCpu >= 0 && _thread.LastCpu < count ? _thread.LastCpu : _thread.Number % count;
        var spinner = new SpinWait();
        while (true)
        {
            for (var i = 0; i < count; i++)
            {
                var cpu = (first + i) % count;
                if (Interlocked.CompareExchange(ref owners[cpu * NativeMachine.OwnerStride], _thread.Number, 0) != 0)
                    continue;
                if (cpu != _thread.LastCpu || _machine.Tasks[cpu] != _thread.Number)
                {
                    _thread.LastCpu = cpu;
                    _machine.SetTask(cpu, _thread.Number);
                }
                _thread.HeldCpu = cpu;
                return;
            }
            spinner.SpinOnce();
        }
    }
}
