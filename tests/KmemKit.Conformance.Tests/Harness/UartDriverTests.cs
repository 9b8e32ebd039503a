using KmemKit.Architecture;
using KmemKit.Conformance.Harness;
using KmemKit.Conformance.Harness.Devices;
using KmemKit.Conformance.Harness.Time;
using KmemKit.Runtime.Processor;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Harness;

/// <summary>A device in a few lines, and the test of a driver on both kinds of board.</summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class UartDriverTests(bool mmu)
{
    // The driver under test: what a user of the harness brings.
    private sealed class Uart(IDriverKernel kernel, VirtAddr registers, InterruptLine line)
    {
        public string Received { get; private set; } = "";

        public void Probe() => line.Request(() =>
        {
            while ((kernel.Cpu.Readl(registers + 4) & 1) != 0)
                Received += (char)kernel.Cpu.Readl(registers);
            kernel.Cpu.Writel(1, registers + 8);
        });

        public void Send(string text)
        {
            foreach (var letter in text)
                kernel.Cpu.Writel(letter, registers);
        }
    }

    [Test]
    public void A_driver_sends_and_receives()
    {
        using var machine = new FirmwareHarness(Machines.Of(mmu));
        var (sent, waiting) = ("", new System.Collections.Generic.Queue<char>());
        var device = machine.AddDevice("uart0").On(machine.Interrupts.Line(5));
        device.Register(0, "DATA", onRead: () => waiting.Dequeue(), onWrite: value => sent += (char)value)
            .Register(4, "STATUS", access: RegisterAccess.ReadOnly, onRead: () => waiting.Count > 0 ? 1u : 0u)
            .Register(8, "INTCLR", access: RegisterAccess.WriteOnly, onWrite: _ => device.Interrupt!.Lower());
        var driver = new Uart(machine.Kernel, machine.MapDevice("uart0"), machine.Interrupts.Line(5));
        driver.Probe();

        driver.Send("hello");
        machine.Clock.After(500, () =>
        {
            foreach (var letter in "world")
                waiting.Enqueue(letter);
            device.Interrupt!.Raise();
        });
        machine.Run(499);
        Assert.That(driver.Received, Is.Empty);
        machine.Run(1);

        Assert.That((sent, driver.Received), Is.EqualTo(("hello", "world")));
    }
}
