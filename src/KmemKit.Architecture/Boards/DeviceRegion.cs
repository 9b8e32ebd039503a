namespace KmemKit.Architecture.Boards;

/// <summary>One address range of a device, in the CPU's physical addresses.</summary>
/// <param name="Path">Path of the device's node.</param>
/// <param name="Base">First physical address.</param>
/// <param name="Size">Bytes.</param>
public readonly record struct DeviceRegion(string Path, PhysAddr Base, ulong Size)
{
    /// <summary>The physical addresses.</summary>
    public PhysRange Range => new(Base, Size);
}
