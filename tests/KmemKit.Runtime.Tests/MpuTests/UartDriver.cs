using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Processor;

namespace KmemKit.Runtime.Tests.MpuTests;

/// <summary>A driver as one is written for any kernel: a buffer of its own, and a register of its device.</summary>
internal static class UartDriver
{
    public static bool Send(IDriverKernel kernel, PhysRange registers, ReadOnlySpan<byte> text)
    {
        if (kernel.MapDevice(registers) is not { } device || kernel.Alloc((ulong)text.Length) is not { } buffer)
            return false;
        for (var i = 0; i < text.Length; i++)
            kernel.Cpu.Store(buffer + (ulong)i, 1, text[i], Privilege.Privileged);
        for (var i = 0; i < text.Length; i++)
            kernel.Cpu.Store(device, 4, kernel.Cpu.Load(buffer + (ulong)i, 1, Privilege.Privileged), Privilege.Privileged);
        kernel.Free(buffer);
        kernel.UnmapDevice(device);
        return true;
    }
}
