using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>
/// Plans what the devices behind a board's SMMUs may reach when the board starts: nothing that they are not given. Streams that nobody names are aborted, and so are those of a
/// master that nothing is given to.
/// </summary>
/// <remarks>
/// What a master is given: the reserved memory and framebuffers that the tree hands to it (<see cref="MasterGrants"/>), and the grants of the protection policy's device nodes
/// (<see cref="DevicePolicyReader"/>). Masters with the same map share a context. Every plan is written as an image and walked again before it is returned.
/// </remarks>
public static class StreamTablePlanner
{
    /// <summary>The plan; none for a board without SMMU, and none with an error.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="options">What is asked for; null for the usual.</param>
    public static StreamTablePlanResult Plan(MemoryLayout layout, StreamTableOptions? options = null)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var diagnostics = new DiagnosticBag();
        var smmus = SmmuReader.Read(layout.Board, diagnostics);
        StreamTablePlan? plan = null;
        if (smmus.Count > 0)
            plan = Make(layout, smmus, options ?? new StreamTableOptions(), diagnostics);
        // A region that two masters share is read for each of them, and is one finding.
        var seen = new HashSet<(string, Sources.SourceSpan, string)>();
        return new StreamTablePlanResult(diagnostics.HasErrors ? null : plan, [.. diagnostics.Where(d => seen.Add((d.Id, d.Span, d.Message)))]);
    }

    /// <summary>Whether the board has an SMMU that this plans for.</summary>
    public static bool HasSmmu(Board board) => SmmuReader.Read(board ?? throw new ArgumentNullException(nameof(board)), new DiagnosticBag()).Count > 0;

    private static StreamTablePlan? Make(
        MemoryLayout layout, List<(DeviceTreeNode Node, BoardSmmu Smmu)> smmus, StreamTableOptions options, DiagnosticBag diagnostics)
    {
        var references = new NodeReferences(layout.Board.Tree.Root);
        var reader = new MasterReader(layout, smmus, references, diagnostics);
        var masters = reader.Read();
        var policies = new DevicePolicyReader(layout.Board, references, diagnostics).Read();
        if (diagnostics.HasErrors)
            return null;
        var requests = Requests(masters, policies, reader, diagnostics);
        foreach (var request in requests)
            GrantChecks.CheckStreams(request, smmus[request.Smmu].Smmu, diagnostics);
        var plans = ImmutableArray.CreateBuilder<SmmuPlan>();
        for (var i = 0; i < smmus.Count; i++)
        {
            var builder = new ContextBuilder(layout, smmus[i].Smmu, diagnostics);
            foreach (var request in requests.Where(r => r.Smmu == i))
                builder.Add(request);
            plans.Add(new SmmuPlan
            {
                Smmu = smmus[i].Smmu,
                Masters = [.. masters.Where(m => m.Master.Smmu == i).Select(m => m.Master)],
                Requests = [.. requests.Where(r => r.Smmu == i)],
                Bindings = [.. builder.Bindings.OrderBy(b => b.Stream.First).ThenBy(b => b.Stream.Mask)],
                Contexts = builder.Contexts(),
            });
        }
        if (diagnostics.HasErrors)
            return null;
        var plan = StreamImagePlacer.Place(layout, plans, options, diagnostics);
        if (plan is not null && !diagnostics.HasErrors && StreamPlanVerifier.FirstWrong(plan) is { } wrong)
            diagnostics.Add(Rules.PlanWrong, layout.Board.Tree.Root.Span, wrong);
        return plan;
    }

    // Each master once: as the device node that names it says, or as the tree alone does.
    private static List<StreamRequest> Requests(
        List<(DeviceTreeNode Node, BusMaster Master)> masters, List<DevicePolicy> policies, MasterReader reader, DiagnosticBag diagnostics)
    {
        var requests = new List<StreamRequest>();
        var named = new Dictionary<(DeviceTreeNode Node, uint? Requester), DevicePolicy>();
        foreach (var policy in policies)
        {
            foreach (var (node, span) in policy.Masters)
            {
                var own = masters.Where(m => m.Node == node).Select(m => m.Master).ToList();
                if (own.Count == 0)
                {
                    diagnostics.Add(Rules.BadDeviceNode, span, policy.NodePath, $"{SmmuReader.NameOf(node)} is behind none of the board's SMMUs");
                    continue;
                }
                var requesters = policy.Requesters.IsEmpty ? [((uint?)null, span)] : policy.Requesters.Select(r => ((uint?)r.Id, r.Span)).ToList();
                foreach (var (requester, place) in requesters)
                {
                    if (named.TryGetValue((node, requester), out var other))
                    {
                        diagnostics.Add(KmemDiagnostic.Create(Rules.MasterTwice, place, requester is { } id ? $"{SmmuReader.NameOf(node)} (requester 0x{id:x})" : SmmuReader.NameOf(node),
                            other.NodePath, policy.NodePath).WithRelated("the first is here", other.Span));
                        continue;
                    }
                    named.Add((node, requester), policy);
                    requests.AddRange(requester is { } wanted ? OfRequester(policy, node, own, wanted, place, reader, diagnostics) : own.Select(m => StreamRequest.Of(m, policy)));
                }
            }
        }
        foreach (var (node, master) in masters.Where(m => !named.ContainsKey((m.Node, null)) && !m.Master.Grants.IsEmpty))
            requests.Add(StreamRequest.Of(master, null));
        return requests;
    }

    private static IEnumerable<StreamRequest> OfRequester(
        DevicePolicy policy, DeviceTreeNode node, List<BusMaster> own, uint requester, Sources.SourceSpan span, MasterReader reader, DiagnosticBag diagnostics)
    {
        if (reader.Requester(node, requester) is not { } found || own.FirstOrDefault(m => m.Smmu == found.Smmu) is not { } bridge)
        {
            diagnostics.Add(Rules.BadDeviceNode, span, policy.NodePath, $"requester 0x{requester:x} is in no iommu-map of {SmmuReader.NameOf(node)}");
            yield break;
        }
        // A function has nothing of what the tree gives the bridge as a whole.
        var function = bridge with { Name = policy.Requesters.Length == 1 ? policy.Name : $"{policy.Name}.{requester:x}", Streams = [found.Stream with { Span = span }], Grants = [] };
        yield return StreamRequest.Of(function, policy);
    }
}
