using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Conformance.Rules;
using KmemKit.Conformance.Streams;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Streams;

/// <summary>What can be wrong with an SMMU or the way it is programmed.</summary>
public enum StreamFault
{
    None, FirstPageMissing, LastPageMissing, PageMore, PageElsewhere, OffsetLost, ReadOnlyWritten, WriteForgotten, OthersMemory, Bypasses, StreamBitIgnored, AddressBitIgnored,
    NobodyPasses, NeighbourToo, SilentReaches, InnerStreamForgotten,
}

/// <summary>A camera with a row of streams and two grants, a display that only reads, and a master that is given nothing.</summary>
internal sealed class ModelSmmu(StreamFault fault) : IStreamSubject
{
    private static readonly StreamGrant Frames = new("frames", new BusAddr(0x1000_0000), new PhysRange(new PhysAddr(0x8800_0000), 0x20_0000), AccessRights.ReadWrite, "cam.dts:21");
    private static readonly StreamGrant Tables = new("tables", new BusAddr(0x2000_0000), new PhysRange(new PhysAddr(0x8900_0000), 0x4000), AccessRights.Read, "cam.dts:22");
    private static readonly StreamGrant Screen = new("screen", new BusAddr(0x8900_8000), new PhysRange(new PhysAddr(0x8900_8000), 0x8000), AccessRights.Read, "cam.dts:31");

    public static StreamMap Map { get; } = new(
        [
            new StreamMaster("camera", [new MasterStream(0x40, 16, 0, default)], [Frames, Tables], "cam.dts:20"),
            new StreamMaster("display", [new MasterStream(0x81, 1, 0, default)], [Screen], "cam.dts:30"),
            new StreamMaster("modem", [new MasterStream(0x90, 1, 0, default)], [], "cam.dts:40"),
            new StreamMaster("debugger", [new MasterStream(0xa0, 1, 0, default)], [], "cam.dts:50") { PassesThrough = true },
        ],
        8, 0x1000, [new PhysRange(new PhysAddr(0x8000_0000), 0x1000_0000)]);

    public StreamReach? Reach(uint stream, ulong address)
    {
        if (fault == StreamFault.StreamBitIgnored)
            stream &= ~0x20u;
        if (fault == StreamFault.AddressBitIgnored)
            address &= ~(1UL << 36);
        switch (stream)
        {
            case >= 0x40 and <= 0x4f:
                if (fault == StreamFault.InnerStreamForgotten && stream is > 0x40 and < 0x4f)
                    return null;
                return fault == StreamFault.Bypasses ? new StreamReach(address, AccessRights.ReadWrite) : In(Frames, address) ?? In(Tables, address);
            case 0x50 when fault == StreamFault.NeighbourToo:
                return In(Frames, address);
            case 0x81:
                return In(Screen, address) ?? (fault == StreamFault.OthersMemory ? In(Frames, address) : null);
            case 0x90 when fault == StreamFault.SilentReaches:
                return In(Screen, address);
            case 0xa0:
                return new StreamReach(address, AccessRights.ReadWrite);
            default:
                return fault == StreamFault.NobodyPasses && stream == 0 ? new StreamReach(address, AccessRights.Read) : null;
        }
    }

    private StreamReach? In(StreamGrant grant, ulong address)
    {
        var (first, last) = (grant.Iova.Value, grant.LastIova);
        if (fault == StreamFault.FirstPageMissing)
            first += 0x1000;
        if (fault == StreamFault.LastPageMissing)
            last -= 0x1000;
        if (fault == StreamFault.PageMore)
            last += 0x1000;
        if (address < first || address > last)
            return null;
        var phys = grant.Phys.Start.Value + (address - grant.Iova.Value);
        if (fault == StreamFault.PageElsewhere && phys >> 12 == 0x8810_0)
            phys ^= 0x1000;
        if (fault == StreamFault.PageElsewhere && grant == Tables)
            phys += 0x1000;
        if (fault == StreamFault.OffsetLost)
            phys &= ~0xfffUL;
        var access = fault == StreamFault.ReadOnlyWritten ? AccessRights.ReadWrite : fault == StreamFault.WriteForgotten ? AccessRights.Read : grant.Access;
        return new StreamReach(phys, access);
    }
}

internal sealed class RightSmmu : IStreamSubject
{
    private readonly ModelSmmu _model = new(StreamFault.None);

    public StreamReach? Reach(uint stream, ulong address) => _model.Reach(stream, address);
}

internal sealed class RightSmmuConformance : SmmuConformance<RightSmmu>
{
    protected override StreamMap Map => ModelSmmu.Map;
}

internal sealed class StreamSuiteTests
{
    [TestCase(StreamFault.FirstPageMissing, "smmu-grants")]
    [TestCase(StreamFault.LastPageMissing, "smmu-grants")]
    [TestCase(StreamFault.PageMore, "smmu-nothing-more")]
    [TestCase(StreamFault.PageElsewhere, "smmu-grants")]
    [TestCase(StreamFault.OffsetLost, "smmu-grants")]
    [TestCase(StreamFault.ReadOnlyWritten, "smmu-access")]
    [TestCase(StreamFault.WriteForgotten, "smmu-access")]
    [TestCase(StreamFault.OthersMemory, "smmu-apart")]
    [TestCase(StreamFault.Bypasses, "smmu-apart")]
    [TestCase(StreamFault.StreamBitIgnored, "smmu-nobody")]
    [TestCase(StreamFault.AddressBitIgnored, "smmu-nothing-more")]
    [TestCase(StreamFault.NobodyPasses, "smmu-nobody")]
    [TestCase(StreamFault.NeighbourToo, "smmu-nobody")]
    [TestCase(StreamFault.SilentReaches, "smmu-nobody")]
    [TestCase(StreamFault.InnerStreamForgotten, "smmu-grants")]
    public void A_faulty_SMMU_is_caught(StreamFault fault, string rule) => Assert.That(Failing(fault), Does.Contain(rule));

    [Test]
    public void Each_fault_has_its_case()
    {
        var tried = GetType().GetMethod(nameof(A_faulty_SMMU_is_caught))!.GetCustomAttributes(typeof(TestCaseAttribute), false).Cast<TestCaseAttribute>();
        Assert.That(tried.Select(c => (StreamFault)c.Arguments[0]!).Append(StreamFault.None), Is.EquivalentTo(Enum.GetValues<StreamFault>()));
    }

    [Test]
    public void A_finding_says_who_and_names_the_line()
    {
        var rule = StreamRules.All.First(r => r.Id == "smmu-grants");
        var result = rule.Run(new SmmuContext(new ModelSmmu(StreamFault.FirstPageMissing), ModelSmmu.Map), "model", new RuleOptions());
        Assert.That(result.Proof.Findings[0].ToString(), Is.EqualTo("model: smmu-grants at 0x10000000 (cam.dts:21): expected stream 0x40 of camera to reach frames at 0x88000000, found nothing"));
    }

    [Test]
    public void A_map_with_a_grant_over_another_is_refused()
    {
        var grant = ModelSmmu.Map.Masters[0].Grants[0];
        var wrong = new StreamMaster("camera", [new MasterStream(1, 1, 0, default)], [grant, grant with { Name = "again", Iova = grant.Iova + 0x1f_f000 }]);
        Assert.That(() => new StreamMap([wrong], 8, 0x1000, []), Throws.ArgumentException.With.Message.Contains("again of camera shares device addresses with frames"));
        var beyond = wrong with { Grants = [grant with { Iova = new BusAddr(ulong.MaxValue - 0xfff) }] };
        Assert.That(() => new StreamMap([beyond], 8, 0x1000, []), Throws.ArgumentException.With.Message.Contains("ends beyond 2^64"));
    }

    private static List<string> Failing(StreamFault fault) =>
        [.. StreamRules.All.Select(r => r.Run(new SmmuContext(new ModelSmmu(fault), ModelSmmu.Map), "model", new RuleOptions { Budget = ConformanceBudget.Quick }))
            .Where(r => r.Outcome == RuleOutcome.Failed).Select(r => r.Rule)];
}
