using System.Numerics;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>What takes translations out of it.</summary>
public sealed unsafe partial class TlbModel
{
    private ulong _invalidations;
    private ulong _invalidated;

    /// <summary>Invalidates on this CPU alone.</summary>
    public void Invalidate(in TlbScope scope)
    {
        _gate.EnterFromOutside();
        _invalidations++;
        if (_sizes != 0)
        {
            if (scope.First is { } first && scope.Last == first)
                InvalidateAddress(first.Value, scope);
            else
                InvalidateAll(scope);
        }
        Domain.Changes?.Invalidated(Number, scope);
        _gate.LeaveFromOutside();
    }

    /// <summary>
    /// Invalidates an address in one address space, global translations included: what <see cref="Invalidate"/> does by <see cref="TlbScope.Address"/>, for whom each
    /// nanosecond counts. Inside <see cref="Enter"/>, or where one thread at a time has the TLB.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void InvalidatePage(ulong address, ulong context)
    {
        _invalidations++;
        if (_sizes != 0)
            RemovePage(address, context);
    }

    private void RemovePage(ulong address, ulong context)
    {
        for (var sizes = _sizes; sizes != 0; sizes &= sizes - 1)
        {
            // Once as a rule; twice where one space's own translation and a global one were filled behind each other.
            while (FindIn(address, BitOperations.TrailingZeroCount(sizes), context) is var at and >= 0)
            {
                Remove(at);
                _invalidated++;
            }
        }
    }

    private void InvalidateAddress(ulong address, in TlbScope scope)
    {
        for (var sizes = _sizes; sizes != 0; sizes &= sizes - 1)
        {
            var shift = BitOperations.TrailingZeroCount(sizes);
            var tag = (address & ~((1UL << shift) - 1)) | Valid | (uint)shift;
            var start = (int)((address >> shift) & _setMask) * _ways;
            for (var way = 0; way < _ways; way++)
            {
                if (_tags[start + way] == tag)
                    RemoveIfReached(start + way, scope);
            }
        }
    }

    private void InvalidateAll(in TlbScope scope)
    {
        for (var i = 0; i < _places; i++)
        {
            if (_tags[i] != 0)
                RemoveIfReached(i, scope);
        }
    }

    private void RemoveIfReached(int place, in TlbScope scope)
    {
        var (first, context) = (FirstOf(place), _contexts[place]);
        var last = first | ((1UL << (int)(_tags[place] & ShiftMask)) - 1);
        if (!scope.Reaches(new VirtAddr(first), new VirtAddr(last), unchecked((ushort)context), (context & Global) != 0, unchecked((ushort)(context >> 16))))
            return;
        Remove(place);
        _invalidated++;
    }
}
