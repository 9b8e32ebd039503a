using Boards;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Conformance.Harness;
using KmemKit.Conformance.Harness.Faults;
using KmemKit.Runtime.Processor;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Harness;

/// <summary>The lines of the README, on the board they name.</summary>
public sealed class ReadmeExampleTests
{
    private sealed class UartDriver(IDriverKernel kernel, VirtAddr registers)
    {
        public void Send(string text)
        {
            foreach (var letter in text)
            {
                while ((kernel.Cpu.Readl(registers + 4) & 1) == 0)
                {
                }
                kernel.Cpu.Writel(letter, registers);
            }
        }
    }

    [Test]
    public void A_driver_runs_on_a_phone()
    {
        var sent = "";
        using var machine = new FirmwareHarness<Msm8974>();
        machine.AddDevice("uart2").Register(0x00, "DATA", onWrite: v => sent += (char)v).Register(0x04, "STATUS", reset: 1);
        new UartDriver(machine.Kernel, machine.MapDevice("uart2")).Send("hello");

        Assert.That(sent, Is.EqualTo("hello"));
        Assert.That(() => machine.User.Load32(machine.MapDevice("uart2")), Faults.With(FaultCause.Permission));
        // The line is one of the board's source, and not of what was made of it.
        var fault = Assert.Throws<AssertionException>(() => Assert.That(() => machine.User.Load32(machine.MapDevice("uart2")), Faults.None))!.Message;
        Assert.That(fault, Does.Match(@"/msm8974\.dtsi?\(\d+,\d+\)"));
    }
}
