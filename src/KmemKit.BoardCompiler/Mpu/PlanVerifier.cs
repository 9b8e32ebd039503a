using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>Holds a plan against its policy by way of the registers: encoded, decoded, and asked at every edge and beside it.</summary>
internal static class PlanVerifier
{
    /// <summary>The first address at which a plan is wrong, as a sentence; null for none.</summary>
    public static string? FirstWrong(MpuPlan plan, ProtectionPolicy policy)
    {
        var format = plan.Mpu.Format;
        foreach (var domain in plan.Domains)
        {
            var table = format.Decode(plan.RegistersOf(domain.Name));
            foreach (var address in Addresses(table, policy, format))
            {
                foreach (var privilege in new[] { Privilege.User, Privilege.Privileged })
                {
                    if (IsRight(table, policy, domain.Name, address, privilege) is { } wrong)
                        return $"{(domain.Name is null ? "without a domain" : "domain " + domain.Name)}, {new PhysAddr(address)}, {privilege}: {wrong}";
                }
            }
        }
        return null;
    }

    private static string? IsRight(MpuTable table, ProtectionPolicy policy, string? domain, ulong address, Privilege privilege)
    {
        var format = table.Format;
        var decision = table.Decide(address, privilege);
        var want = policy.AttributesAt(address, domain, format);
        var rights = want.RightsOf(privilege);
        if (format.NeverExecuted.Contains(new PhysAddr(address)))
            rights &= ~AccessRights.Execute;
        var space = format.Spaces[0];
        var isLoad = (rights & AccessRights.ReadWrite) != 0;
        var isSame = decision.Rights == rights && (!isLoad || decision.Memory == format.Canonical(want, space).Memory);
        var fetch = WrongFetch(format, decision, rights, want);
        if (isSame && fetch is null)
            return null;
        // More than the policy grants, where the policy says that it may be.
        var here = new PhysAddr(address);
        if (policy.At(address, domain) is null)
        {
            if (policy.Populated is { } populated && !populated.Any(r => r.Contains(here)))
                return null;
            var entries = domain is null ? policy.Entries : policy.Entries.Concat(policy.DomainOf(domain).Entries);
            if (entries.Any(e => e.AllowRounding && decision.Rights == (e.Attributes.RightsOf(privilege) & Kept(decision))))
                return null;
        }
        return isSame ? fetch : $"\"{decision.Rights.ToText()}\" {decision.Memory} is granted, \"{rights.ToText()}\" {want.Memory} is the policy";

        AccessRights Kept(MpuDecision given) => format.Spaces.Length == 1 ? AccessRights.All
            : (given.DataRegion is null ? 0 : AccessRights.ReadWrite) | (given.InstructionRegion is null ? 0 : AccessRights.Execute);
    }

    /// <summary>Where fetches have regions of their own, those say whether what is fetched is cached.</summary>
    private static string? WrongFetch(MpuFormat format, MpuDecision decision, AccessRights rights, MpuAttributes want)
    {
        if (format.Spaces.Length == 1 || (rights & AccessRights.Execute) == 0)
            return null;
        var (given, wanted) = (decision.InstructionRegion?.Attributes.Memory, format.Canonical(want, MpuSpace.Instruction).Memory);
        return given == wanted ? null : $"\"x\" {given} is granted, \"x\" {wanted} is the policy";
    }

    private static SortedSet<ulong> Addresses(MpuTable table, ProtectionPolicy policy, MpuFormat format)
    {
        var ranges = policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)).Select(e => e.Range)
            .Concat(table.Regions.Select(r => r.Range)).Append(format.Ungoverned).Append(format.NeverExecuted).Append(format.AddressSpace);
        var edges = ranges.SelectMany(r => new[] { r.Start.Value, r.End.Value }).Concat(table.Regions.Where(r => r.SubregionDisable != 0)
            .SelectMany(r => Enumerable.Range(1, 7).Select(i => r.Range.Start.Value + (ulong)i * (r.Range.Size.Value / 8))));
        var addresses = new SortedSet<ulong>();
        foreach (var edge in edges)
        {
            if (edge < format.AddressSpace.End.Value)
                addresses.Add(edge);
            if (edge > 0)
                addresses.Add(edge - 1);
        }
        for (ulong at = 0; at <= uint.MaxValue; at += 0x2000_0000)
            addresses.Add(at);
        return addresses;
    }
}
