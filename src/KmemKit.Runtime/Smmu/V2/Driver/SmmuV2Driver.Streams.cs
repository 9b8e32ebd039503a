using System;
using KmemKit.Architecture.Smmu.V2;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Smmu.V2.Driver;

/// <summary>Stream mapping groups and context banks: who has which.</summary>
public sealed partial class SmmuV2Driver
{
    // A group in use: the StreamIDs, and the bank that they have.
    private sealed record StreamGroup(StreamMatchRegister Match, int Bank);

    /// <summary>Groups in use.</summary>
    public int GroupsInUse
    {
        get
        {
            lock (_gate)
            {
                var used = 0;
                foreach (var group in _groups)
                    used += group is null ? 0 : 1;
                return used;
            }
        }
    }

    /// <summary>Gives streams to a bank; where they have one already, by one register write that the device never sees half of.</summary>
    /// <param name="id">StreamID.</param>
    /// <param name="mask">Bits of it that do not count.</param>
    /// <param name="bank">The bank.</param>
    /// <exception cref="ArgumentOutOfRangeException">The SMMU has no such StreamID.</exception>
    /// <exception cref="InvalidOperationException">Some of the streams are in another group already, which would be a conflict; or no group is left.</exception>
    internal void Connect(uint id, uint mask, int bank)
    {
        lock (_gate)
        {
            var place = Place(id, mask, out var match);
            _groups[place] = new StreamGroup(match, bank);
            // The group is valid last, and leads to its bank by then.
            WriteRegister(R.StreamToContext(place), StreamToContextRegister.Translate(bank).Value);
            if (Features.StreamMatching)
                WriteRegister(R.StreamMatch(place), match.Value);
        }
    }

    /// <summary>Closes streams of a bank: they are nobody's then. Streams that have another bank by now stay with it.</summary>
    internal void Disconnect(uint id, uint mask, int bank)
    {
        lock (_gate)
        {
            var place = Find(MatchOf(id, mask));
            if (place < 0 || _groups[place]!.Bank != bank)
                return;
            WriteRegister(R.StreamToContext(place), StreamToContextRegister.Fault.Value);
            if (Features.StreamMatching)
                WriteRegister(R.StreamMatch(place), 0);
            _groups[place] = null;
        }
    }

    /// <summary>A bank of stage 1 that nobody has.</summary>
    /// <exception cref="InvalidOperationException">All are in use, or there are none.</exception>
    internal int TakeBank()
    {
        lock (_gate)
        {
            for (var i = Features.Stage1 ? Features.Stage2Banks : _banks.Length; i < _banks.Length; i++)
            {
                if (_banks[i])
                    continue;
                _banks[i] = true;
                return i;
            }
        }
        throw new InvalidOperationException(Features.Stage1
            ? $"All {Features.ContextBanks - Features.Stage2Banks} context banks of stage 1 are in use."
            : "The SMMU has no stage 1, which tables of devices' addresses are made for.");
    }

    /// <summary>Gives a bank back: it translates nothing any more, and an access that was stalled in it is ended.</summary>
    internal void GiveBank(int bank)
    {
        CloseBank(bank);
        lock (_gate)
            _banks[bank] = false;
    }

    private int Place(uint id, uint mask, out StreamMatchRegister match)
    {
        match = MatchOf(id, mask);
        if (!Features.StreamMatching)
            return (int)id;
        if (Find(match) is var known and >= 0)
            return known;
        var free = -1;
        for (var i = 0; i < _groups.Length; i++)
        {
            if (_groups[i] is not { } other)
                free = free < 0 ? i : free;
            else if (other.Match.Overlaps(match))
                throw new InvalidOperationException($"Streams 0x{match.Id:x} mask 0x{match.Mask:x} and 0x{other.Match.Id:x} mask 0x{other.Match.Mask:x} have some in common: the SMMU would fault them.");
        }
        return free >= 0 ? free : throw new InvalidOperationException($"All {_groups.Length} stream mapping groups are in use.");
    }

    private int Find(StreamMatchRegister match) => Features.StreamMatching
        ? Array.FindIndex(_groups, group => group?.Match == match)
        : _groups[match.Id] is null ? -1 : (int)match.Id;

    private StreamMatchRegister MatchOf(uint id, uint mask)
    {
        mask |= StreamMatchMask;
        if (!Features.StreamMatching)
        {
            if (mask != 0 || id >= (uint)_groups.Length)
                throw new ArgumentOutOfRangeException(nameof(id), id, $"The SMMU has the streams 0 to {_groups.Length - 1}, each by itself.");
            return new StreamMatchRegister(id);
        }
        return (id | mask) <= StreamMask
            ? StreamMatchRegister.Matching(id, mask)
            : throw new ArgumentOutOfRangeException(nameof(id), id, $"StreamIDs of the SMMU have the bits 0x{StreamMask:x}.");
    }
}
