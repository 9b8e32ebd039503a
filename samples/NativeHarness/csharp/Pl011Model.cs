using System;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Dma.Ports;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Smmu;

namespace KmemKit.NativeHarness;

/// <summary>The device, as far as its driver can see it: ../driver/pl011_model.c.</summary>
internal sealed class Pl011Model(IDmaPort port, DmaDevice device, DmaDebug rules) : IBusDevice
{
    private readonly uint[] _registers = new uint[0x110 / 4];
    private readonly StringBuilder _line = new();

    /// <summary>What went out.</summary>
    public string Line => _line.ToString();

    /// <summary>The interrupt line.</summary>
    public event Action? Interrupt;

    public ulong Read(ulong offset, int size) => size == 4 && offset < 0x110 ? _registers[offset / 4] : 0;

    public void Write(ulong offset, int size, ulong value)
    {
        if (size != 4 || offset >= 0x110)
            return;
        if (offset == Pl011.InterruptClear)
        {
            _registers[Pl011.InterruptStatus / 4] &= ~(uint)value;
            return;
        }
        _registers[offset / 4] = (uint)value;
        if (offset == Pl011.TransmitLength)
            Send();
    }

    /// <summary>Bytes come in on the line.</summary>
    public void Input(string text)
    {
        var bytes = Encoding.ASCII.GetBytes(text);
        var room = Math.Min(bytes.Length, (int)_registers[Pl011.ReceiveLength / 4]);
        var at = new BusAddr(_registers[Pl011.ReceiveAddress / 4]);
        rules.DeviceAccess(device, at, (ulong)room, isWrite: true);
        _registers[Pl011.ReceiveLength / 4] = port.Write(at, bytes.AsSpan(0, room), out var done) == SmmuOutcome.Translated ? (uint)done : 0;
        Raise(Pl011.Received);
    }

    private void Send()
    {
        var bytes = new byte[_registers[Pl011.TransmitLength / 4]];
        var at = new BusAddr(_registers[Pl011.TransmitAddress / 4]);
        rules.DeviceAccess(device, at, (ulong)bytes.Length, isWrite: false);
        if (port.Read(at, bytes, out _) == SmmuOutcome.Translated)
            _line.Append(Encoding.ASCII.GetString(bytes));
        Raise(Pl011.Sent);
    }

    private void Raise(uint which)
    {
        _registers[Pl011.InterruptStatus / 4] |= which & _registers[Pl011.InterruptMask / 4];
        if (_registers[Pl011.InterruptStatus / 4] != 0)
            Interrupt?.Invoke();
    }
}
