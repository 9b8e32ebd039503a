using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Reflection;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.Runtime.Mpu;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary><c>MpuKernel&lt;TBoard&gt;.Boot()</c> of a generated type: the kernel that the board's own compilation boots.</summary>
[TestFixture]
internal sealed class TypedKernelTests
{
    private static string[] Boards => ExecutionTests.ProtectedBoards;

    [TestCaseSource(nameof(Boards))]
    public void Generated_type_boots_the_kernel_of_its_board(string board)
    {
        var type = ExecutionTests.Load(board, out _);
        typeof(TypedKernelTests).GetMethod(nameof(AssertBoots), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type)
            .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [ExecutionTests.Compile(board)], null);
    }

    private static void AssertBoots<TBoard>(BoardCompilation compilation) where TBoard : struct, IProtectedBoard<TBoard>
    {
        var policy = compilation.Board!.Protection!;
        using var typed = MpuKernel<TBoard>.Boot();
        using var plain = MpuKernel.Boot(compilation);
        Assert.That(typed.BoardName, Is.EqualTo(plain.BoardName));
        Assert.That(typed.KernelRange, Is.EqualTo(plain.KernelRange));
        Assert.That(typed.Domains.Select(d => (d.Name, d.Stack, d.HeapRange)), Is.EqualTo(plain.Domains.Select(d => (d.Name, d.Stack, d.HeapRange))));
        var verify = typeof(TBoard).GetMethod("VerifyProgrammed", [typeof(BoardDomain), typeof(MpuRegisterFile)])!.CreateDelegate<Func<BoardDomain, MpuRegisterFile, ImmutableArray<MpuDifference>>>();
        foreach (var domain in typed.Domains)
        {
            typed.Switch(domain);
            plain.Switch(domain.Name);
            Assert.That(verify(domain.Board, typed.Unit.Registers), Is.Empty, domain.Name);
            Assert.That(typed.VerifyProgrammed(), Is.Empty, domain.Name);
            AssertNamesAWrongBit(verify, domain.Board, typed.Unit.Registers);
            var format = typed.Plan.Format;
            foreach (var address in Addresses(policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)).Select(e => e.Range), format))
            {
                foreach (var privilege in Enum.GetValues<Privilege>())
                {
                    var want = policy.RightsAt(address, privilege, domain.Name.Length == 0 ? null : domain.Name, format);
                    if (format.NeverExecuted.Contains(new PhysAddr(address)))
                        want &= ~AccessRights.Execute;
                    foreach (var right in new[] { AccessRights.Read, AccessRights.Write, AccessRights.Execute })
                    {
                        var fault = typed.Cpu.Ask(new VirtAddr(address), 1, right, privilege);
                        Assert.That(fault, Is.EqualTo(plain.Cpu.Ask(new VirtAddr(address), 1, right, privilege)), $"{domain.Name} {address:x} {right} {privilege}");
                        Assert.That(fault == FaultCause.None, Is.EqualTo((want & right) != 0), $"{domain.Name} {address:x} {right} {privilege}");
                    }
                }
            }
        }
    }

    // Any kept bit of the registers of a region in use, one at a time.
    private static void AssertNamesAWrongBit(Func<BoardDomain, MpuRegisterFile, ImmutableArray<MpuDifference>> verify, BoardDomain domain, MpuRegisterFile right)
    {
        var used = domain.Registers.Regions[^1];
        var at = right.Regions.Select((region, i) => (region, i)).Single(r => r.region.Number == used.Number && r.region.Space == used.Space).i;
        var value = right.Regions[at].Values[^1];
        var wrong = right with
        {
            Regions = right.Regions.SetItem(at, right.Regions[at] with { Values = right.Regions[at].Values.SetItem(right.Regions[at].Values.Length - 1, value with { Value = value.Value ^ 0x1000 }) }),
        };
        var difference = verify(domain, wrong).Single();
        Assert.That((difference.Register, difference.Region, difference.Read), Is.EqualTo((value.Name, (int?)used.Number, (ulong?)(value.Value ^ 0x1000))));
    }

    private static SortedSet<ulong> Addresses(IEnumerable<PhysRange> ranges, MpuFormat format)
    {
        var addresses = new SortedSet<ulong> { 0 };
        foreach (var edge in ranges.SelectMany(r => new[] { r.Start.Value, r.End.Value }))
        {
            foreach (var address in new[] { unchecked(edge - format.Granule), unchecked(edge - 1), edge, edge + format.Granule })
            {
                if (address < format.AddressSpace.End.Value)
                    addresses.Add(address);
            }
        }
        return addresses;
    }
}
