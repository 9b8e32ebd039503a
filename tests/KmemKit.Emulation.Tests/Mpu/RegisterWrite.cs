namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>One register as the firmware writes it, and reads it back.</summary>
/// <param name="Number">Which register: an address, or a number that the core's firmware knows.</param>
/// <param name="Index">Its region; <see cref="NoRegion"/> for one that all share.</param>
/// <param name="Value">Its value.</param>
public readonly record struct RegisterWrite(uint Number, uint Index, ulong Value)
{
    /// <summary>The index of a register that all regions share.</summary>
    public const uint NoRegion = uint.MaxValue;

    /// <summary>Bytes of a write in the image.</summary>
    public const int Size = 16;
}
