using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Tables;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>
/// Holds a plan against its bytes: every StreamID that is bound, those beside them and at the table's end; and for each binding the device addresses at the edges of what it is given,
/// and beside them.
/// </summary>
internal static class StreamPlanVerifier
{
    /// <summary>The first thing that is wrong, as a sentence; null for nothing.</summary>
    public static string? FirstWrong(StreamTablePlan plan) => FirstWrong(plan, StreamTableImage.Write(plan));

    /// <summary>The same, for an image that may not be the plan's.</summary>
    public static string? FirstWrong(StreamTablePlan plan, byte[] image)
    {
        var memory = new TableImageMemory(plan.Base, ImmutableArray.Create(image));
        foreach (var smmu in plan.Smmus)
        {
            var walker = new StreamWalk.ImageWalker(smmu, memory);
            foreach (var stream in Streams(smmu))
            {
                var binding = smmu.BindingOf(stream);
                // Entries of a row are alike: inside of it one address will do.
                var isInside = binding is { Stream: { Count: > 1 } row } && stream != row.First && stream != row.Last;
                foreach (var address in isInside ? Addresses(smmu, binding).Skip(3).Take(1) : Addresses(smmu, binding))
                {
                    if (WhyWrong(smmu, walker.Walk(stream, address)) is { } wrong)
                        return wrong;
                }
            }
        }
        return null;
    }

    /// <summary>What is wrong with the end of a walk; null for nothing.</summary>
    public static string? WhyWrong(SmmuPlan smmu, StreamWalk walk)
    {
        var where = $"stream 0x{walk.Stream:x} of {smmu.Smmu.Name} at {walk.Address}";
        var expected = walk.Binding switch
        {
            null => StreamOutcome.Aborted,
            { Translation: StreamTranslation.Bypass } => StreamOutcome.Bypassed,
            _ => walk.Region is null ? StreamOutcome.Faulted : StreamOutcome.Translated,
        };
        if (walk.Outcome != expected)
            return $"{where} is {walk.Outcome} and not {expected}";
        if (expected != StreamOutcome.Translated)
            return null;
        var phys = walk.Region!.ToPhys(new VirtAddr(walk.Address.Value));
        if (walk.Output != phys)
            return $"{where} leads to {walk.Output} and not to {phys}";
        return walk.Access == walk.Region.Attributes.User ? null : $"{where} has \"{walk.Access.ToText()}\" and not \"{walk.Region.Attributes.User.ToText()}\"";
    }

    private static SortedSet<uint> Streams(SmmuPlan smmu)
    {
        var ids = new SortedSet<uint> { 0, uint.MaxValue };
        foreach (var stream in smmu.Bindings.Select(b => b.Stream))
        {
            ids.Add(unchecked(stream.First - 1));
            ids.Add(unchecked(stream.Last + 1));
            ids.Add(stream.First);
            ids.Add(stream.First | stream.Mask);
            for (ulong id = stream.First; id <= stream.Last; id++)
                ids.Add((uint)id);
        }
        if (smmu.Shape is { } shape)
        {
            ids.Add((uint)((1UL << shape.Log2Size) - 1));
            ids.Add((uint)(1UL << shape.Log2Size));
        }
        return ids;
    }

    private static IEnumerable<BusAddr> Addresses(SmmuPlan smmu, StreamBinding? binding)
    {
        var edges = new SortedSet<ulong> { 0 };
        if (binding is { Context: >= 0 })
        {
            foreach (var region in smmu.Contexts[binding.Context].Map.Regions)
            {
                edges.Add(region.Virt.Start.Value);
                edges.Add(unchecked(region.Virt.End.Last + 1));
            }
            edges.Add(1UL << smmu.Contexts[binding.Context].Format.InputBits);
        }
        foreach (var edge in edges)
        {
            yield return new BusAddr(unchecked(edge - 1));
            yield return new BusAddr(edge);
        }
    }
}
