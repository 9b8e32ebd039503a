using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Smmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>Groups and banks that the driver of an SMMUv2 gives out: whose they are, and what is left of them when they go.</summary>
internal sealed class SmmuV2DriverTests
{
    private const ulong Page = 4096;
    private static readonly PhysAddr s_ram = new(32UL << 20);

    [Test]
    public void Who_gets_a_bank_anew_gets_no_translation_with_it()
    {
        using var bench = new SmmuV2Bench(new SmmuV2Features { ContextBanks = 1 });
        var first = bench.Domain();
        first.Attach(1);
        Assert.That(first.TryMap(bench.Cpu, [new DmaPiece(s_ram, Page)], DmaAccess.Read, ulong.MaxValue, out var bus), Is.EqualTo(DmaError.None));
        Assert.That(Reads(bench, 1, bus), Is.True);
        Assert.That(() => bench.Domain(), Throws.InvalidOperationException, "there is one bank");
        first.Dispose();
        using var second = bench.Domain();
        Assert.That(second.Bank, Is.Zero);
        second.Attach(1);
        Assert.That(Reads(bench, 1, bus), Is.False);
    }

    [Test]
    public void Streams_of_a_group_share_one_register_and_go_with_their_domain()
    {
        using var bench = new SmmuV2Bench();
        var domain = bench.Domain();
        domain.AttachGroup(0x40, 0x3F);
        Assert.That(bench.Driver.GroupsInUse, Is.EqualTo(1));
        Assert.That(domain.TryMap(bench.Cpu, [new DmaPiece(s_ram, Page)], DmaAccess.Read, ulong.MaxValue, out var bus), Is.EqualTo(DmaError.None));
        Assert.That((Reads(bench, 0x40, bus), Reads(bench, 0x7F, bus), Reads(bench, 0x80, bus), Reads(bench, 0x3F, bus)), Is.EqualTo((true, true, false, false)));
        using var other = bench.Domain();
        Assert.That(() => other.Attach(0x41), Throws.InvalidOperationException, "it is in the group");
        Assert.That(() => other.AttachGroup(0, 0x7F), Throws.InvalidOperationException, "some of them are");
        domain.Dispose();
        Assert.That(bench.Driver.GroupsInUse, Is.Zero);
        Assert.That(Reads(bench, 0x40, bus), Is.False);
        Assert.That(bench.GlobalFaults[^1].Status, Is.EqualTo(GlobalFaultStatus.UnidentifiedStream));
        other.AttachGroup(0, 0x7F);
        other.DetachGroup(0, 0x7F);
        Assert.That(bench.Driver.GroupsInUse, Is.Zero);
    }

    [Test]
    public void Groups_end_and_streams_that_there_are_not_are_refused()
    {
        using var bench = new SmmuV2Bench(new SmmuV2Features { StreamMappingGroups = 2, StreamIdBits = 6 });
        using var domain = bench.Domain();
        Assert.That(() => domain.Attach(0x40), Throws.InstanceOf<ArgumentOutOfRangeException>());
        domain.Attach(1);
        domain.Attach(2);
        Assert.That(() => domain.Attach(3), Throws.InvalidOperationException);
        domain.Detach(1);
        domain.Attach(3);
        Assert.That(bench.Driver.StreamMask, Is.EqualTo(0x3F));
    }

    private static bool Reads(SmmuV2Bench bench, uint stream, BusAddr bus) =>
        bench.Smmu.Translate(new SmmuTransaction(stream, null, bus.Value, AccessRights.Read)).Outcome == SmmuOutcome.Translated;
}
