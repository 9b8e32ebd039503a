using System;
using KmemKit.Architecture;
using KmemKit.Conformance.Harness.Observation;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Smmu;

namespace KmemKit.Conformance.Harness.Masters;

/// <summary>A master's port that is observed, in pieces of which each lies in one page.</summary>
internal sealed class ObservedPort(FirmwareHarness machine, HarnessMaster master, IDmaPort port) : IDmaPort
{
    private const int PageBytes = 4096;

    /// <inheritdoc/>
    public SmmuOutcome Read(BusAddr address, Span<byte> destination, out int done)
    {
        Rule(address, destination.Length, isWrite: false);
        var outcome = SmmuOutcome.Translated;
        for (done = 0; done < destination.Length;)
        {
            var piece = destination.Slice(done, PieceAt(address, done, destination.Length));
            var at = Later(address, done);
            outcome = port.Read(at, piece, out var moved);
            done += moved;
            Did(AccessRights.Read, at, piece, outcome);
            if (Ends(outcome, moved, piece.Length))
            {
                destination[done..].Clear();
                break;
            }
        }
        return outcome;
    }

    /// <inheritdoc/>
    public SmmuOutcome Write(BusAddr address, ReadOnlySpan<byte> source, out int done)
    {
        Rule(address, source.Length, isWrite: true);
        var outcome = SmmuOutcome.Translated;
        for (done = 0; done < source.Length;)
        {
            var piece = source.Slice(done, PieceAt(address, done, source.Length));
            var at = Later(address, done);
            outcome = port.Write(at, piece, out var moved);
            done += moved;
            Did(AccessRights.Write, at, piece, outcome);
            if (Ends(outcome, moved, piece.Length))
                break;
        }
        return outcome;
    }

    private static bool Ends(SmmuOutcome outcome, int moved, int size) => moved < size || outcome is not (SmmuOutcome.Translated or SmmuOutcome.ReadZeroWriteIgnored);

    // Beyond 2^64 is the port's to refuse: it gets the first piece whole.
    private static int PieceAt(BusAddr address, int done, int size) =>
        (ulong)size - 1 > ulong.MaxValue - address.Value ? size : Math.Min(size - done, PageBytes - (int)((address.Value + (ulong)done) & (PageBytes - 1)));

    private static BusAddr Later(BusAddr address, int done) => new(unchecked(address.Value + (ulong)done));

    private void Rule(BusAddr address, int size, bool isWrite)
    {
        if (size > 0)
            machine.DmaRules?.DeviceAccess(master.Device, address, (ulong)size, isWrite);
    }

    private void Did(AccessRights access, BusAddr address, ReadOnlySpan<byte> bytes, SmmuOutcome outcome)
    {
        var side = new DmaSide(master.Name, address, outcome == SmmuOutcome.Translated ? master.Reach(address, access) : null, outcome);
        var value = outcome == SmmuOutcome.Translated || access == AccessRights.Write ? HarnessCpu.FirstBytes(bytes) : 0;
        machine.Observe(new AccessRecord(machine.Clock.Now, -1, access, default, bytes.Length, value, Privilege.User, null) { Dma = side });
    }
}
