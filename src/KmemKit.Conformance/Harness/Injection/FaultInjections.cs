using System;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Masters;

namespace KmemKit.Conformance.Harness.Injection;

/// <summary>Faults of the machine itself, on purpose: what the code under test has to bear, or a test has to find.</summary>
public sealed class FaultInjections
{
    private readonly FirmwareHarness _machine;
    private long _untilFailure;
    private long _toLose;
    private long _toLoseInSmmus;

    internal FaultInjections(FirmwareHarness machine) => _machine = machine;

    /// <summary>Invalidations of TLBs that were lost.</summary>
    public long LostInvalidations { get; private set; }

    /// <summary>Invalidations of SMMUs' TLBs that were lost.</summary>
    public long LostSmmuInvalidations { get; private set; }

    /// <summary>Turns one bit of RAM over, now.</summary>
    /// <param name="address">The byte.</param>
    /// <param name="bit">0 to 7.</param>
    /// <exception cref="Runtime.Memory.BusFaultException">Nothing is there.</exception>
    public void FlipBit(PhysAddr address, int bit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bit, 7);
        _machine.Memory.WriteByte(address, (byte)(_machine.Memory.ReadByte(address) ^ 1 << bit));
    }

    /// <summary>Turns one bit of RAM over, later.</summary>
    /// <param name="delay">Virtual nanoseconds from now.</param>
    /// <param name="address">The byte.</param>
    /// <param name="bit">0 to 7.</param>
    public void FlipBitAfter(ulong delay, PhysAddr address, int bit) => _machine.Clock.After(delay, () => FlipBit(address, bit));

    /// <summary>Turns a bit over that chance (<see cref="FirmwareHarness.Random"/>) chooses.</summary>
    /// <returns>Which.</returns>
    public (PhysAddr Address, int Bit) FlipBitIn(PhysRange range)
    {
        var address = range.Start + (ulong)_machine.Random.NextInt64((long)Math.Min(range.Size.Value, long.MaxValue));
        var bit = _machine.Random.Next(8);
        FlipBit(address, bit);
        return (address, bit);
    }

    /// <summary>The next invalidations that go to all CPUs are lost: their TLBs go on with what they have.</summary>
    /// <param name="count">How many; at least 1.</param>
    /// <exception cref="InvalidOperationException">The board has no MMU.</exception>
    public void LoseInvalidations(long count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _toLose = count;
        _machine.Mmu.Tlbs.Losing = _ =>
        {
            if (_toLose == 0)
                return false;
            _toLose--;
            LostInvalidations++;
            return true;
        };
    }

    /// <summary>The next invalidations that the board's SMMUs are told to do are lost, whichever SMMU it is: devices go on with the translations that its TLBs have.</summary>
    /// <param name="count">How many; at least 1.</param>
    /// <remarks>It counts as done for the driver: CMD_SYNC and TLBGSYNC end. Masters that are connected later are behind the same SMMUs.</remarks>
    /// <exception cref="InvalidOperationException">The board has no SMMU, or no MMU: its kernel then drives none.</exception>
    public void LoseSmmuInvalidations(long count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _ = _machine.Mmu;
        if (!StreamTablePlanner.HasSmmu(_machine.Board))
            throw new InvalidOperationException($"{_machine.Board.Name} has no SMMU.");
        _toLoseInSmmus = count;
    }

    /// <summary>The n-th allocation from now on fails, and only that one: kmalloc, caches and the driver's kernel alike.</summary>
    /// <param name="nth">1 for the next; 0 for none.</param>
    public void FailAllocation(long nth)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(nth);
        if (_machine.Checks is { } checks)
            checks.FailSlab.Injector.FailNth = nth;
        else
            _untilFailure = nth;
    }

    /// <summary>The n-th time that object caches ask for pages from now on, they get none.</summary>
    /// <param name="nth">1 for the next; 0 for none.</param>
    /// <exception cref="InvalidOperationException">The board has no MMU, and so no object caches.</exception>
    public void FailPages(long nth)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(nth);
        (_machine.Checks ?? throw new InvalidOperationException($"{_machine.Board.Name} has no object caches.")).FailPageAlloc.Injector.FailNth = nth;
    }

    /// <summary>A master does nothing for a while, as behind a bus that is busy.</summary>
    /// <param name="master">One that is attached.</param>
    /// <param name="nanoseconds">How long from now.</param>
    /// <exception cref="ArgumentException">It is attached to no machine.</exception>
    public void StallDma(IDmaMaster master, ulong nanoseconds)
    {
        ArgumentNullException.ThrowIfNull(master);
        _machine.Clock.Stall(master, nanoseconds);
    }

    // What SMMUs ask before each invalidation.
    internal bool LosesInSmmu()
    {
        if (_toLoseInSmmus == 0)
            return false;
        _toLoseInSmmus--;
        LostSmmuInvalidations++;
        return true;
    }

    internal bool FailsNow() => _untilFailure > 0 && --_untilFailure == 0;
}
