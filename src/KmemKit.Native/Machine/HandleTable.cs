using System;
using System.Threading;
using KmemKit.Runtime.Memory;

namespace KmemKit.Native.Machine;

/// <summary>Handles that C holds as pointers to incomplete types: addresses that fault when they are followed, and that are known again without being read.</summary>
/// <typeparam name="T">What a handle stands for.</typeparam>
internal sealed unsafe class HandleTable<T> : IDisposable
    where T : class
{
    private const int Stride = 16;

    private readonly HostView _space;
    private readonly T?[] _items;
    private readonly Lock _sync = new();
    private int _last = -1;

    /// <param name="capacity">Handles that may be alive at once.</param>
    public HandleTable(int capacity)
    {
        _items = new T?[capacity];
        _space = HostView.CreateFaulting((ulong)capacity * Stride);
    }

    /// <summary>Makes a handle.</summary>
    /// <returns>Null where there is none left. A number is used again as late as possible, so that a stale handle is known as one.</returns>
    public void* Add(T item)
    {
        lock (_sync)
        {
            for (var i = 1; i <= _items.Length; i++)
            {
                var at = (_last + i) % _items.Length;
                if (_items[at] is not null)
                    continue;
                _items[at] = item;
                _last = at;
                return _space.Base + ((nint)at * Stride);
            }
            return null;
        }
    }

    /// <summary>What a handle stands for; null where it is none, or none any longer.</summary>
    public T? Find(void* handle)
    {
        var offset = unchecked((nuint)((byte*)handle - _space.Base));
        return offset < (nuint)_items.Length * Stride && offset % Stride == 0 ? Volatile.Read(ref _items[offset / Stride]) : null;
    }

    /// <summary>Ends a handle.</summary>
    public void Remove(void* handle)
    {
        lock (_sync)
        {
            if (Find(handle) is not null)
                _items[(nuint)((byte*)handle - _space.Base) / Stride] = null;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _space.Dispose();
}
