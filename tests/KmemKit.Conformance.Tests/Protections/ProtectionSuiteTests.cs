using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Conformance.Protections;
using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Protections;

/// <summary>What can be wrong with a protection unit or the way it is programmed.</summary>
public enum MpuFault
{
    None, RegionOneLong, RegionOneShort, PriorityReversed, SubregionShifted, SubregionForgotten, UserMayWrite, UserIsPrivileged, Executable, NotExecutable,
    BackgroundLeftOn, WrongMemoryType, HoleOpen, RegionMissing, Doubled,
}

/// <summary>Three regions as a PMSAv7 unit decides: the highest number wins, eighths can be off.</summary>
internal sealed class ModelMpu(MpuFault fault) : IProtectionSubject
{
    private static readonly MpuAttributes Code = new(AccessRights.Read | AccessRights.Execute, AccessRights.Read | AccessRights.Execute, MpuMemoryType.NormalWriteBack, false);
    private static readonly MpuAttributes Data = new(AccessRights.ReadWrite, AccessRights.Read, MpuMemoryType.NormalWriteBack, false);
    private static readonly MpuAttributes Registers = new(AccessRights.ReadWrite, AccessRights.None, MpuMemoryType.Device, true);

    /// <summary>Code with data in it; data without its last eighth; registers.</summary>
    public static ProtectionMap Map { get; } = ProtectionMap.Of(
        [
            new(new PhysRange(new PhysAddr(0x0000_0000), 0x10_0000), Code, "mpu.dts:11"),
            new(new PhysRange(new PhysAddr(0x0008_0000), 0x1000), Data, "mpu.dts:12"),
            new(new PhysRange(new PhysAddr(0x2000_0000), 0x7_0000), Data, "mpu.dts:13"),
            new(new PhysRange(new PhysAddr(0x4000_0000), 0x1000), Registers, "mpu.dts:14"),
        ],
        uint.MaxValue);

    public AccessRights RightsAt(ulong address, Privilege privilege) => At(address) is { } said
        ? (fault, privilege) switch
        {
            (MpuFault.UserMayWrite, Privilege.User) when (said.User & AccessRights.Read) != 0 && (said.User & AccessRights.Execute) == 0 => said.User | AccessRights.Write,
            (MpuFault.UserIsPrivileged, Privilege.User) => said.Privileged,
            (MpuFault.Executable, _) when (said.RightsOf(privilege) & AccessRights.Read) != 0 => said.RightsOf(privilege) | AccessRights.Execute,
            (MpuFault.NotExecutable, _) => said.RightsOf(privilege) & ~AccessRights.Execute,
            _ => said.RightsOf(privilege),
        }
        : fault == MpuFault.BackgroundLeftOn && privilege == Privilege.Privileged ? AccessRights.ReadWrite : AccessRights.None;

    public MpuMemoryType? MemoryAt(ulong address, Privilege privilege) =>
        fault == MpuFault.WrongMemoryType && address >= 0x4000_0000 ? MpuMemoryType.NormalNonCacheable : At(address)?.Memory;

    private MpuAttributes? At(ulong address)
    {
        var codeEnd = fault == MpuFault.RegionOneLong ? 0x10_0001UL : fault == MpuFault.RegionOneShort ? 0xf_ffffUL : 0x10_0000;
        var inner = address is >= 0x8_0000 and < 0x8_1000;
        if (inner && fault != MpuFault.PriorityReversed)
            return Data;
        if (address < codeEnd)
            return Code;
        var eighth = address < 0x2000_0000 ? 0 : (int)((address - 0x2000_0000) / 0x1_0000);
        var off = fault == MpuFault.SubregionShifted ? 6 : fault == MpuFault.SubregionForgotten ? 8 : 7;
        if (address is >= 0x2000_0000 and < 0x2008_0000 && eighth != off)
            return Data;
        if (fault == MpuFault.HoleOpen && address is >= 0x3000_0000 and < 0x3800_0000)
            return Data;
        if (fault == MpuFault.Doubled && address is >= 0x4000_1000 and < 0x4000_2000)
            return Registers;
        return address is >= 0x4000_0000 and < 0x4000_1000 && fault != MpuFault.RegionMissing ? Registers : null;
    }
}

internal sealed class RightMpu : IProtectionSubject
{
    private readonly ModelMpu _model = new(MpuFault.None);

    public AccessRights RightsAt(ulong address, Privilege privilege) => _model.RightsAt(address, privilege);

    public MpuMemoryType? MemoryAt(ulong address, Privilege privilege) => _model.MemoryAt(address, privilege);
}

internal sealed class RightMpuConformance : MpuConformance<RightMpu>
{
    protected override ProtectionMap Map => ModelMpu.Map;
}

internal sealed class ProtectionSuiteTests
{
    [TestCase(MpuFault.RegionOneLong, "protection-edges")]
    [TestCase(MpuFault.RegionOneShort, "protection-edges")]
    [TestCase(MpuFault.PriorityReversed, "protection-edges")]
    [TestCase(MpuFault.SubregionShifted, "protection-edges")]
    [TestCase(MpuFault.SubregionForgotten, "protection-nothing-more")]
    [TestCase(MpuFault.UserMayWrite, "protection-inside")]
    [TestCase(MpuFault.UserIsPrivileged, "protection-nothing-more")]
    [TestCase(MpuFault.Executable, "protection-execute")]
    [TestCase(MpuFault.NotExecutable, "protection-execute")]
    [TestCase(MpuFault.BackgroundLeftOn, "protection-nothing-more")]
    [TestCase(MpuFault.WrongMemoryType, "protection-memory-type")]
    [TestCase(MpuFault.HoleOpen, "protection-nothing-more")]
    [TestCase(MpuFault.RegionMissing, "protection-edges")]
    [TestCase(MpuFault.Doubled, "protection-edges")]
    public void A_faulty_unit_is_caught(MpuFault fault, string rule) => Assert.That(Failing(fault), Does.Contain(rule));

    [Test]
    public void Each_fault_has_its_case()
    {
        var tried = GetType().GetMethod(nameof(A_faulty_unit_is_caught))!.GetCustomAttributes(typeof(TestCaseAttribute), false).Cast<TestCaseAttribute>();
        Assert.That(tried.Select(c => (MpuFault)c.Arguments[0]!).Append(MpuFault.None), Is.EquivalentTo(Enum.GetValues<MpuFault>()));
    }

    [Test]
    public void A_finding_says_who_and_names_the_line()
    {
        var rule = ProtectionRules.All.First(r => r.Id == "protection-edges");
        var result = rule.Run(new ProtectionContext(new ModelMpu(MpuFault.RegionMissing), ModelMpu.Map), "model", new RuleOptions());
        Assert.That(result.Proof.Findings[0].ToString(), Is.EqualTo("model: protection-edges at 0x40000000 (mpu.dts:14): expected \"rw\" for Privileged code, found nothing"));
    }

    private static List<string> Failing(MpuFault fault) =>
        [.. ProtectionRules.All.Select(r => r.Run(new ProtectionContext(new ModelMpu(fault), ModelMpu.Map), "model", new RuleOptions()))
            .Where(r => r.Outcome == RuleOutcome.Failed).Select(r => r.Rule)];
}
