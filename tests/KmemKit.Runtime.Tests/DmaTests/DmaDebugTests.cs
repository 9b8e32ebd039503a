using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.DmaTests;

/// <summary>Each misuse of the DMA API is reported once, and correct code beside it is not.</summary>
internal sealed class DmaDebugTests
{
    private static readonly PhysAddr s_buffer = new(0x200_1000);

    private Machine _machine = null!;
    private DmaMapper _mapper = null!;
    private DmaDebug _debug = null!;
    private DmaDevice _device = null!;

    [SetUp]
    public void Start()
    {
        _machine = Machine.Arm(64 * Machine.MiB);
        _debug = new DmaDebug();
        _mapper = new DmaMapper(_machine.Memory) { Debug = _debug };
        _device = new DmaDevice("nic");
    }

    [TearDown]
    public void End() => _machine.Dispose();

    private Cpu Cpu => _machine.Cpu;

    private BusAddr Map(DmaDirection direction = DmaDirection.Bidirectional, ulong size = 0x1000)
    {
        Assert.That(_mapper.TryMap(Cpu, _device, s_buffer, size, direction, out var bus), Is.EqualTo(DmaError.None));
        return bus;
    }

    private void Reported(params DmaDebugError[] errors) => Assert.That(_debug.Reports.Select(r => r.Error), Is.EqualTo(errors), string.Join("\n", _debug.Reports));

    [Test]
    public void Correct_code_is_not_accused()
    {
        var bus = Map();
        _debug.DeviceAccess(_device, bus, 4, isWrite: true);
        _debug.DeviceAccess(_device, bus + 0xFFC, 4, isWrite: false);
        _mapper.SyncForCpu(_device, bus, 0, 0x1000, DmaDirection.Bidirectional);
        _debug.CpuAccess(s_buffer, 8, isWrite: true);
        _mapper.SyncForDevice(_device, bus, 0, 0x1000, DmaDirection.Bidirectional);
        _debug.DeviceAccess(_device, bus, 4, isWrite: true);
        _debug.CpuAccess(s_buffer + 0x1000, 8, isWrite: true);
        _debug.CpuAccess(s_buffer + 0xFF8 - 0x1000, 8, isWrite: true);
        _mapper.Unmap(Cpu, _device, bus, 0x1000, DmaDirection.Bidirectional);
        _debug.CpuAccess(s_buffer, 8, isWrite: true);
        bus = Map(DmaDirection.ToDevice);
        _debug.CpuAccess(s_buffer, 8, isWrite: false);
        _mapper.Unmap(Cpu, _device, bus, 0x1000, DmaDirection.ToDevice);
        Assert.That(_debug.ReleaseDevice(_device), Is.Zero);
        Assert.That(_debug.Count, Is.Zero);
        Reported();
    }

    [Test]
    public void Taken_back_twice()
    {
        var bus = Map();
        _mapper.Unmap(Cpu, _device, bus, 0x1000, DmaDirection.Bidirectional);
        _mapper.Unmap(Cpu, _device, bus, 0x1000, DmaDirection.Bidirectional);
        Reported(DmaDebugError.NotMapped);
        Assert.That(_debug.Reports[0].Text, Is.EqualTo("DMA-API: nic: device driver tries to free DMA memory it has not allocated [device address=0x2001000] [size=4096 bytes]"));
    }

    [Test]
    public void Wrong_size_leaves_the_mapping()
    {
        var bus = Map();
        _mapper.Unmap(Cpu, _device, bus, 0x800, DmaDirection.Bidirectional);
        Reported(DmaDebugError.WrongSize);
        Assert.That(_debug.Count, Is.EqualTo(1));
    }

    [Test]
    public void Wrong_direction_is_taken_back_all_the_same()
    {
        _mapper.Unmap(Cpu, _device, Map(DmaDirection.ToDevice), 0x1000, DmaDirection.FromDevice);
        Reported(DmaDebugError.WrongDirection);
        Assert.That(_debug.Count, Is.Zero);
    }

    [Test]
    public void Wrong_function()
    {
        Assert.That(_mapper.TryMap(Cpu, _device, s_buffer, 0x1000, DmaDirection.ToDevice, out var bus), Is.EqualTo(DmaError.None));
        _debug.Unmapping(_device, bus, 0x1000, DmaDirection.ToDevice, DmaDebugType.Scattered);
        Reported(DmaDebugError.WrongType);
    }

    [Test]
    public void Processor_touches_what_the_device_has()
    {
        Map(DmaDirection.FromDevice);
        _debug.CpuAccess(s_buffer + 0xFFF, 1, isWrite: false);
        Reported(DmaDebugError.CpuTouchesDeviceMemory);
    }

    [Test]
    public void Processor_writes_what_the_device_reads()
    {
        Map(DmaDirection.ToDevice);
        _debug.CpuAccess(s_buffer, 1, isWrite: false);
        Reported();
        _debug.CpuAccess(s_buffer, 1, isWrite: true);
        Reported(DmaDebugError.CpuTouchesDeviceMemory);
    }

    [Test]
    public void Sync_back_is_missing()
    {
        var bus = Map();
        _mapper.SyncForCpu(_device, bus, 0, 16, DmaDirection.Bidirectional);
        _debug.DeviceAccess(_device, bus, 4, isWrite: false);
        Reported(DmaDebugError.DeviceTouchesCpuMemory);
    }

    [Test]
    public void Device_goes_where_nothing_is_mapped()
    {
        var bus = Map();
        _debug.DeviceAccess(_device, bus + 0xFFD, 4, isWrite: true);
        _debug.DeviceAccess(_device, new BusAddr(0x100), 4, isWrite: true);
        Reported(DmaDebugError.DeviceAccessUnmapped, DmaDebugError.DeviceAccessUnmapped);
    }

    [Test]
    public void Device_writes_what_it_was_given_to_read()
    {
        var bus = Map(DmaDirection.ToDevice);
        _debug.DeviceAccess(_device, bus, 4, isWrite: false);
        Reported();
        _debug.DeviceAccess(_device, bus, 4, isWrite: true);
        Reported(DmaDebugError.DeviceAccessDirection);
    }

    [Test]
    public void Sync_beyond_the_mapping()
    {
        var bus = Map();
        _mapper.SyncForCpu(_device, bus, 0xFF0, 0x11, DmaDirection.Bidirectional);
        _mapper.SyncForCpu(_device, bus, 0xFF0, 0x10, DmaDirection.Bidirectional);
        Reported(DmaDebugError.BeyondMapping);
    }

    [Test]
    public void Sync_of_nothing_and_in_the_wrong_direction()
    {
        _mapper.SyncForCpu(_device, new BusAddr(0x200_0000), 0, 1, DmaDirection.ToDevice);
        Reported(DmaDebugError.NotMapped);
        _mapper.SyncForDevice(_device, Map(DmaDirection.FromDevice), 0, 1, DmaDirection.ToDevice);
        Reported(DmaDebugError.NotMapped, DmaDebugError.WrongDirection);
    }

    [Test]
    public void Two_devices_write_the_same_memory()
    {
        Map(DmaDirection.ToDevice);
        var other = new DmaDevice("disk");
        _mapper.TryMap(Cpu, other, s_buffer, 16, DmaDirection.ToDevice, out _);
        Reported();
        _mapper.TryMap(Cpu, other, s_buffer + 0x800, 16, DmaDirection.FromDevice, out _);
        Reported(DmaDebugError.Overlap);
    }

    [Test]
    public void What_is_left_is_a_leak()
    {
        Map();
        Assert.That(_debug.ReleaseDevice(_device), Is.EqualTo(1));
        Reported(DmaDebugError.Leak);
    }
}
