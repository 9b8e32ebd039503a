using System;
using KmemKit.Architecture;
using KmemKit.Conformance.Harness;
using KmemKit.Conformance.Harness.Devices;
using KmemKit.Conformance.Harness.Time;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Harness;

public sealed class DeviceModelTests
{
    private FirmwareHarness _machine = null!;
    private DeviceModel _device = null!;
    private VirtAddr _at;

    [SetUp]
    public void Start()
    {
        _machine = new FirmwareHarness(Machines.Mmu);
        _device = _machine.AddDevice("uart0");
        _at = _machine.MapDevice("uart0");
    }

    [TearDown]
    public void End() => _machine.Dispose();

    [Test]
    public void Registers_hold_reset_values_and_take_what_their_mask_lets_through()
    {
        _device.Register(0, "CTRL", reset: 0x90, writeMask: 0x0f);

        Assert.That(_machine.Cpu.Load32(_at), Is.EqualTo(0x90));
        _machine.Cpu.Store32(_at, 0xffff_fff5);
        Assert.That(_device["CTRL"].Value, Is.EqualTo(0x95));
        _device.Reset();
        Assert.That(_machine.Cpu.Load32(_at), Is.EqualTo(0x90));
    }

    [Test]
    public void Write_one_to_clear_and_read_to_clear_do_so()
    {
        _device.Register(0, "STATUS", reset: 0b111, access: RegisterAccess.WriteOneToClear).Register(4, "EVENTS", reset: 9, access: RegisterAccess.ReadToClear);

        _machine.Cpu.Store32(_at, 0b010);
        Assert.That(_machine.Cpu.Load32(_at), Is.EqualTo(0b101));
        Assert.That((_machine.Cpu.Load32(_at + 4), _machine.Cpu.Load32(_at + 4)), Is.EqualTo((9u, 0u)));
    }

    [Test]
    public void What_no_register_answers_is_a_mistake_that_names_device_and_offset()
    {
        _device.Register(0, "ID", access: RegisterAccess.ReadOnly).Register(4, "GO", access: RegisterAccess.WriteOnly);

        Assert.That(() => _machine.Cpu.Load32(_at + 8), Throws.TypeOf<DeviceModelException>().With.Message.Contains("uart0").And.Message.Contains("0x8"));
        Assert.That(() => _machine.Cpu.Load16(_at), Throws.TypeOf<DeviceModelException>().With.Message.Contains("ID"));
        Assert.That(() => _machine.Cpu.Store32(_at, 1), Throws.TypeOf<DeviceModelException>().With.Message.Contains("read only"));
        Assert.That(() => _machine.Cpu.Load32(_at + 4), Throws.TypeOf<DeviceModelException>().With.Message.Contains("write only"));
        Assert.That(() => _machine.Cpu.Load32(_at), Throws.Nothing);
        Assert.That(() => _machine.Cpu.Store32(_at + 4, 1), Throws.Nothing);
    }

    [Test]
    public void A_register_that_cannot_be_is_refused()
    {
        _device.Register(4, "A");

        Assert.That(() => _device.Register(4, "B"), Throws.ArgumentException);
        Assert.That(() => _device.Register(0, "C", width: 8), Throws.ArgumentException);
        Assert.That(() => _device.Register(2, "D"), Throws.ArgumentException);
        Assert.That(() => _device.Register(0x1000, "E"), Throws.ArgumentException);
        Assert.That(() => _device.Register(8, "F", reset: 0x100, width: 1), Throws.ArgumentException);
        Assert.That(() => _device.Register(8, "A"), Throws.ArgumentException);
        Assert.That(() => _device.Register(8, "G", width: 3), Throws.ArgumentException);
        Assert.That(() => _device.Register(0, "H"), Throws.Nothing);
    }

    [Test]
    public void A_device_that_the_board_does_not_have_is_named_with_those_it_has() =>
        Assert.That(() => _machine.AddDevice("uart7"), Throws.ArgumentException.With.Message.Contains("uart1"));

    [Test]
    public void A_level_is_served_until_the_device_lowers_it_and_an_edge_once()
    {
        var (level, edge) = (_machine.Interrupts.Line(1), _machine.Interrupts.Line(2, InterruptTrigger.Edge));
        var left = 3;
        level.Request(() =>
        {
            if (--left == 0)
                level.Lower();
        });
        edge.Request(() => { });
        level.Raise();
        edge.Raise();
        edge.Raise();

        Assert.That((level.Served, edge.Served), Is.EqualTo((3, 1)));
    }

    [Test]
    public void A_handler_that_leaves_the_level_high_is_a_storm_with_a_name()
    {
        _machine.Interrupts.Line(9).Request(() => { });

        Assert.That(_machine.Interrupts.Line(9).Raise, Throws.InvalidOperationException.With.Message.Contains("interrupt 9"));
    }

    [Test]
    public void What_asks_while_interrupts_are_off_waits_and_the_lowest_number_goes_first()
    {
        var order = "";
        foreach (var number in new[] { 8, 3 })
        {
            var line = _machine.Interrupts.Line(number, InterruptTrigger.Edge);
            line.Request(() => order += line.Number);
        }
        _machine.Interrupts.Off();
        _machine.Interrupts.Line(8, InterruptTrigger.Edge).Raise();
        _machine.Interrupts.Line(3, InterruptTrigger.Edge).Raise();
        Assert.That(order, Is.Empty);
        _machine.Interrupts.On();

        Assert.That(order, Is.EqualTo("38"));
    }

    [Test]
    public void Timers_are_called_by_time_and_then_by_who_asked_first()
    {
        var order = "";
        var clock = _machine.Clock;
        clock.After(20, () => order += $"c{clock.Now} ");
        clock.After(10, () => order += $"a{clock.Now} ");
        clock.After(10, () => order += $"b{clock.Now} ");
        var every = clock.Every(15, () => order += $"e{clock.Now} ");
        clock.After(31, () => every.Cancel());
        clock.Advance(100);

        Assert.That(order, Is.EqualTo("a10 b10 e15 c20 e30 "));
        Assert.That(clock.Now, Is.EqualTo(100));
    }

    [Test]
    public void Time_does_not_pass_inside_of_a_callback()
    {
        _machine.Clock.After(1, () => _machine.Run(5));

        Assert.That(() => _machine.Run(1), Throws.InvalidOperationException);
        Assert.That(() => _machine.Run(1), Throws.Nothing);
    }
}
