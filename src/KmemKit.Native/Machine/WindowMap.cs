using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Threading;

namespace KmemKit.Native.Machine;

/// <summary>The windows by host address. Those that are gone stay for a while, so that a stale pointer faults and is known.</summary>
/// <remarks>Readers take no lock: they see one array, sorted, of windows that do not overlap.</remarks>
internal sealed unsafe class WindowMap : IDisposable
{
    // Host address space is plentiful, mappings are not (vm.max_map_count is 65530).
    private const int MostGone = 1024;

    private readonly Lock _sync = new();
    private readonly Queue<HostWindow> _gone = new();
    private ImmutableArray<HostWindow> _windows = [];

    /// <summary>Windows that are there, by host address.</summary>
    public IEnumerable<HostWindow> Live
    {
        get
        {
            foreach (var window in Read())
            {
                if (window.Gone is null)
                    yield return window;
            }
        }
    }

    /// <summary>The window that an address lies in, with its guards, gone or not; null where there is none.</summary>
    public HostWindow? Find(void* address)
    {
        var windows = Read();
        var (low, high) = (0, windows.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (windows[middle].View.Reserved <= address)
                low = middle + 1;
            else
                high = middle;
        }
        return low > 0 && (ulong)((byte*)address - windows[low - 1].View.Reserved) < windows[low - 1].View.ReservedBytes ? windows[low - 1] : null;
    }

    /// <summary>Adds a window.</summary>
    public void Add(HostWindow window)
    {
        lock (_sync)
        {
            var at = 0;
            while (at < _windows.Length && _windows[at].View.Reserved < window.View.Reserved)
                at++;
            ImmutableInterlocked.InterlockedExchange(ref _windows, _windows.Insert(at, window));
        }
    }

    /// <summary>Takes a window away if it is there: its addresses fault from now on.</summary>
    /// <returns>False where another thread was first.</returns>
    public bool TryEnd(HostWindow window, KnownSite by)
    {
        lock (_sync)
        {
            if (window.Gone is not null)
                return false;
            window.Gone = by;
            window.View.Revoke();
            _gone.Enqueue(window);
            if (_gone.Count > MostGone)
            {
                var oldest = _gone.Dequeue();
                ImmutableInterlocked.InterlockedExchange(ref _windows, _windows.Remove(oldest));
                oldest.View.Dispose();
            }
            return true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var window in Read())
            window.View.Dispose();
        _windows = [];
    }

    private ImmutableArray<HostWindow> Read() => ImmutableInterlocked.InterlockedCompareExchange(ref _windows, default, default);
}
