using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>What a master is to be given.</summary>
internal sealed record StreamRequest(BusMaster Master, StreamTranslation Translation, SourceSpan Span)
{
    public int Smmu => Master.Smmu;

    /// <summary>Whether the policy says the translation, or it is the usual one.</summary>
    public bool IsExplicit { get; init; }

    public int? GranuleShift { get; init; }

    public ImmutableArray<DeviceGrant> Grants { get; init; } = [];

    public static StreamRequest Of(BusMaster master, DevicePolicy? policy)
    {
        if (policy is null)
            return new StreamRequest(master, StreamTranslation.Stage1, master.Span) { Grants = master.Grants };
        // Where an entry covers what the tree gives, the entry says how.
        var grants = policy.Grants.Concat(master.Grants.Where(g => !policy.Grants.Any(p => p.Phys.Contains(g.Phys)))).ToList();
        if (policy.GrantsDoorbell && master.Doorbell is { } doorbell)
        {
            grants.Add(new DeviceGrant("message-interrupts", doorbell, new BusAddr(doorbell.Start.Value), AccessRights.ReadWrite,
                "the policy, message-interrupts", policy.Span) { IsExclusive = true });
        }
        var isOpen = policy.Translation is StreamTranslation.Bypass or StreamTranslation.Abort;
        // A translation of nothing is an abort.
        return new StreamRequest(master, !isOpen && grants.Count == 0 ? StreamTranslation.Abort : policy.Translation, policy.Span)
        {
            IsExplicit = policy.IsExplicit,
            GranuleShift = policy.GranuleShift,
            Grants = isOpen ? [] : [.. grants],
        };
    }
}
