using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Mpu;
using KmemKit.Tests.Shared;

namespace KmemKit.Benchmarks.Protection;

/// <summary>A domain switch against one that writes every register of the unit, and accesses through the unit against those on the bus alone.</summary>
internal static class PairedSwitch
{
    private const int Operations = 1000, TurnCount = 400;

    private static readonly string[] s_boards = ["mps2-an385", "mps2-an505", "zcu102-rpu", "virt-riscv64"];

    public static void Run()
    {
        foreach (var board in s_boards)
        {
            using var kernel = MpuKernel.Boot(RepositoryBoards.Compile("qemu/" + board));
            var domains = kernel.Domains.Skip(1).ToArray();
            var full = kernel.Domains.Skip(1).Select(d => MpuSwitch.Between(kernel.Plan.Format, null, d.Board.Registers, kernel.Plan.RegionCount)).ToArray();
            var unit = new MpuUnit(kernel.Plan.Format, kernel.Plan.RegionCount, kernel.Plan.Domains.Select(d => d.Registers));
            var (switches, registers) = (0, kernel.Unit.RegisterWrites);
            foreach (var domain in domains.Concat(domains).Append(domains[0]))
            {
                kernel.Switch(domain);
                switches++;
            }
            Console.WriteLine($"{board}: {(kernel.Unit.RegisterWrites - registers) / (double)switches:F1} of {full.Max(f => f.Writes.Length)} registers a switch");
            new Turns()
                .Add("all registers", Operations, () =>
                {
                    for (var i = 0; i < Operations; i++)
                        unit.Apply(full[i % full.Length]);
                })
                .Add("those that differ", Operations, () =>
                {
                    for (var i = 0; i < Operations; i++)
                        kernel.Switch(domains[i % domains.Length]);
                })
                .Run(TurnCount);
            kernel.Switch("");
            var at = new PhysAddr(kernel.KernelRange.Start.Value + kernel.KernelRange.Size.Value / 2);
            var sum = 0u;
            new Turns()
                .Add("load on the bus", Operations, () =>
                {
                    for (var i = 0u; i < Operations; i++)
                        sum += kernel.Memory.ReadUInt32(at + (i * 4));
                })
                .Add("load of privileged code", Operations, () =>
                {
                    for (var i = 0u; i < Operations; i++)
                        sum += kernel.Cpu.Load<uint>(new VirtAddr(at.Value + (i * 4)), Privilege.Privileged);
                })
                .Run(TurnCount);
            GC.KeepAlive(sum);
        }
    }
}
