namespace KmemKit.NativeHarness;

/// <summary>Registers of the UART: those of ../driver/pl011.h.</summary>
internal static class Pl011
{
    public const ulong Flags = 0x18;
    public const uint Busy = 0x08;
    public const ulong BaudDivisor = 0x24;
    public const ulong LineControl = 0x2c;
    public const ulong Control = 0x30;
    public const ulong InterruptMask = 0x38;
    public const ulong InterruptStatus = 0x40;
    public const ulong InterruptClear = 0x44;
    public const ulong TransmitAddress = 0x100;
    public const ulong TransmitLength = 0x104;
    public const ulong ReceiveAddress = 0x108;
    public const ulong ReceiveLength = 0x10c;
    public const uint Received = 0x10;
    public const uint Sent = 0x20;
    public const uint ReceiveBytes = 256;
}
