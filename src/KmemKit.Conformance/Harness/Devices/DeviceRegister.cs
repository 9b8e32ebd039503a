using System;

namespace KmemKit.Conformance.Harness.Devices;

/// <summary>A register of a <see cref="DeviceModel"/>.</summary>
public sealed class DeviceRegister
{
    internal DeviceRegister(string name, ulong offset, int width, ulong reset, RegisterAccess access) =>
        (Name, Offset, Width, ResetValue, Access, Value) = (name, offset, width, reset, access, reset);

    /// <summary>As the data sheet calls it.</summary>
    public string Name { get; }

    /// <summary>Bytes from the start of the device.</summary>
    public ulong Offset { get; }

    /// <summary>1, 2, 4 or 8 bytes.</summary>
    public int Width { get; }

    /// <summary>What it holds after reset.</summary>
    public ulong ResetValue { get; }

    /// <summary>What software may do with it.</summary>
    public RegisterAccess Access { get; }

    /// <summary>What it holds. The model's side may write it at any time.</summary>
    public ulong Value { get; set; }

    /// <summary>Bits that software can change by writing; the others keep their value.</summary>
    public ulong WriteMask { get; internal set; } = ulong.MaxValue;

    internal Func<ulong>? Reading { get; set; }

    internal Action<ulong>? Written { get; set; }

    /// <summary>Sets bits.</summary>
    public void Set(ulong bits) => Value |= bits;

    /// <summary>Clears bits.</summary>
    public void Clear(ulong bits) => Value &= ~bits;

    /// <summary>Whether all of the bits are set.</summary>
    public bool Has(ulong bits) => (Value & bits) == bits;

    internal ulong ReadBySoftware()
    {
        var value = Reading is { } reading ? reading() : Value;
        if (Access == RegisterAccess.ReadToClear)
            Value = 0;
        return value;
    }

    internal void WriteBySoftware(ulong value)
    {
        Value = Access == RegisterAccess.WriteOneToClear ? Value & ~(value & WriteMask) : (Value & ~WriteMask) | (value & WriteMask);
        Written?.Invoke(value);
    }
}
