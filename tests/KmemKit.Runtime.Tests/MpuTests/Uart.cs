using System.Collections.Generic;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Tests.MpuTests;

/// <summary>A device that keeps what is written to it.</summary>
internal sealed class Uart : IBusDevice
{
    public List<byte> Sent { get; } = [];

    public ulong Read(ulong offset, int size) => 0;

    public void Write(ulong offset, int size, ulong value) => Sent.Add((byte)value);
}
