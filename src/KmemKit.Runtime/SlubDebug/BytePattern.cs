using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>Fills short stretches with one byte and compares them with it.</summary>
/// <remarks>
/// Both take the same pieces: 32 bytes, then 8, then 1. An object is compared soon after it was filled, and a load that is exactly one of the last stores gets
/// its value from the store buffer; one that spans two of them, as the library's span methods make, waits until both are in the cache.
/// </remarks>
internal static unsafe class BytePattern
{
    private const ulong Ones = 0x0101010101010101;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Fill(byte* at, int length, byte value)
    {
        var end = at + length;
        if (length >= 32)
        {
            var wide = Vector256.Create(value);
            for (; end - at >= 32; at += 32)
                wide.Store(at);
        }
        for (; end - at >= 8; at += 8)
            Unsafe.WriteUnaligned(at, value * Ones);
        for (; at < end; at++)
            *at = value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsAll(byte* at, int length, byte value)
    {
        var end = at + length;
        var different = 0UL;
        if (length >= 32)
        {
            var wide = Vector256.Create(value);
            var any = Vector256<byte>.Zero;
            for (; end - at >= 32; at += 32)
                any |= Vector256.Load(at) ^ wide;
            different = any == Vector256<byte>.Zero ? 0UL : 1;
        }
        for (; end - at >= 8; at += 8)
            different |= Unsafe.ReadUnaligned<ulong>(at) ^ (value * Ones);
        for (; at < end; at++)
            different |= (byte)(*at ^ value);
        return different == 0;
    }
}
