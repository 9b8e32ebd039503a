using System;
using KmemKit.Architecture.Smmu.V2;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>The stream mapping table (Arm IHI 0062, 2.3).</summary>
public sealed partial class SmmuV2
{
    // What is known of a StreamID: a group's number, or one of these.
    private const short Unknown = -1;
    private const short NoGroup = -2;
    private const short Conflict = -3;

    private readonly StreamMatchRegister[] _match;
    private readonly StreamToContextRegister[] _target;
    // The groups of StreamIDs that were looked for since a match register changed; null while none was.
    private short[]? _groups;

    private uint StreamMask => (1u << Features.StreamIdBits) - 1;

    private short GroupOf(uint stream)
    {
        // With indexing a StreamID is a group's number (2.3.8). What an ID has beyond the implemented bits no register can match.
        if (!Features.StreamMatching || stream > StreamMask)
            return !Features.StreamMatching && stream < (uint)_target.Length ? (short)stream : NoGroup;
        if (_groups is null)
        {
            _groups = new short[1 << Features.StreamIdBits];
            Array.Fill(_groups, Unknown);
        }
        ref var known = ref _groups[stream];
        if (known == Unknown)
            known = Search(stream);
        return known;
    }

    private short Search(uint stream)
    {
        var found = NoGroup;
        for (var i = 0; i < _match.Length; i++)
        {
            if (!_match[i].Matches(stream))
                continue;
            if (found != NoGroup)
                return Conflict;
            found = (short)i;
        }
        return found;
    }

    // ID and MASK have the bits that StreamIDs have: software finds out by writing ones.
    private void WriteMatch(int group, uint value)
    {
        _match[group] = new StreamMatchRegister(value & ((1u << 31) | (StreamMask << 16) | StreamMask));
        _groups = null;
        ForgetAnswers();
    }

    // CBNDX, SHCFG, MTCFG, MemAttr, TYPE, NSCFG, RACFG, WACFG, PRIVCFG, INSTCFG; EXIDVALID is not there.
    private void WriteTarget(int group, uint value)
    {
        _target[group] = new StreamToContextRegister(value & 0x3FFF_FBFF);
        ForgetAnswers();
    }
}
