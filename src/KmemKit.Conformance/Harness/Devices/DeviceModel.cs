using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Conformance.Harness.Time;
using KmemKit.Runtime.Memory;

namespace KmemKit.Conformance.Harness.Devices;

/// <summary>A device that a test declares in a few lines: registers with reset values, and what happens when software reads or writes them.</summary>
/// <remarks>It is strict: what no register answers is a mistake of the driver, and the access throws <see cref="DeviceModelException"/> with the device and the offset.</remarks>
public sealed class DeviceModel : IBusDevice
{
    private readonly SortedList<ulong, DeviceRegister> _registers = [];
    private readonly ulong _bytes;

    internal DeviceModel(string name, ulong bytes) => (Name, _bytes) = (name, bytes);

    /// <summary>As reports show it.</summary>
    public string Name { get; }

    /// <summary>The registers, by rising offset.</summary>
    public IEnumerable<DeviceRegister> Registers => _registers.Values;

    /// <summary>Its interrupt line; null while it is connected to none.</summary>
    public InterruptLine? Interrupt { get; private set; }

    /// <summary>A register by its name.</summary>
    /// <exception cref="KeyNotFoundException">There is none.</exception>
    public DeviceRegister this[string register] => _registers.Values.FirstOrDefault(r => r.Name == register)
        ?? throw new KeyNotFoundException($"{Name} has no register {register}; it has {string.Join(", ", _registers.Values.Select(r => r.Name))}.");

    /// <summary>Declares a register.</summary>
    /// <param name="offset">Bytes from the start of the device; a multiple of its width.</param>
    /// <param name="name">As the data sheet calls it.</param>
    /// <param name="reset">What it holds after reset.</param>
    /// <param name="width">1, 2, 4 or 8 bytes.</param>
    /// <param name="access">What software may do with it.</param>
    /// <param name="writeMask">Bits that software can change.</param>
    /// <param name="onRead">Gives the value that software reads, in place of <see cref="DeviceRegister.Value"/>.</param>
    /// <param name="onWrite">Told what software wrote, after the register took it.</param>
    /// <returns>The device, for the next one.</returns>
    /// <exception cref="ArgumentException">It is not inside the device, not aligned, has no such width, or another register is there or has its name.</exception>
    public DeviceModel Register(
        ulong offset, string name, ulong reset = 0, int width = 4, RegisterAccess access = RegisterAccess.ReadWrite, ulong writeMask = ulong.MaxValue,
        Func<ulong>? onRead = null, Action<ulong>? onWrite = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (width is not (1 or 2 or 4 or 8))
            throw new ArgumentException($"{Name}.{name}: a register has 1, 2, 4 or 8 bytes, not {width}.", nameof(width));
        if (offset % (ulong)width != 0 || offset > _bytes || (ulong)width > _bytes - offset)
            throw new ArgumentException($"{Name}.{name}: {Hex(offset)} is no place for {width} bytes in a device of {Hex(_bytes)}.", nameof(offset));
        if (width < 8 && reset >> (8 * width) != 0)
            throw new ArgumentException($"{Name}.{name}: the reset value {Hex(reset)} has more than {width} bytes.", nameof(reset));
        foreach (var other in _registers.Values)
        {
            if (other.Name == name || (other.Offset < offset + (ulong)width && offset < other.Offset + (ulong)other.Width))
                throw new ArgumentException($"{Name}.{name} at {Hex(offset)}: {other.Name} at {Hex(other.Offset)} is there already.", nameof(offset));
        }
        _registers.Add(offset, new DeviceRegister(name, offset, width, reset, access) { WriteMask = writeMask, Reading = onRead, Written = onWrite });
        return this;
    }

    /// <summary>Connects an interrupt line.</summary>
    /// <returns>The device, for the next call.</returns>
    public DeviceModel On(InterruptLine line)
    {
        ArgumentNullException.ThrowIfNull(line);
        Interrupt = line;
        return this;
    }

    /// <summary>Gives all registers their reset values and lowers the line.</summary>
    public void Reset()
    {
        foreach (var register in _registers.Values)
            register.Value = register.ResetValue;
        Interrupt?.Lower();
    }

    /// <inheritdoc/>
    public ulong Read(ulong offset, int size)
    {
        var register = At(offset, size, "read");
        return register.Access == RegisterAccess.WriteOnly
            ? throw new DeviceModelException($"{Name}.{register.Name} at {Hex(offset)} is write only, and was read.")
            : register.ReadBySoftware();
    }

    /// <inheritdoc/>
    public void Write(ulong offset, int size, ulong value)
    {
        var register = At(offset, size, "write");
        if (register.Access is RegisterAccess.ReadOnly or RegisterAccess.ReadToClear)
            throw new DeviceModelException($"{Name}.{register.Name} at {Hex(offset)} is read only, and {Hex(value)} was written.");
        register.WriteBySoftware(value);
    }

    private DeviceRegister At(ulong offset, int size, string what)
    {
        if (!_registers.TryGetValue(offset, out var register))
            throw new DeviceModelException($"{Name} has no register at {Hex(offset)}: {what} of {size} bytes.");
        if (register.Width != size)
            throw new DeviceModelException($"{Name}.{register.Name} at {Hex(offset)} has {register.Width} bytes: {what} of {size}.");
        return register;
    }

    private static string Hex(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);
}
