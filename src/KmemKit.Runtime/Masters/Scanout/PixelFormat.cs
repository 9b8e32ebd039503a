using System;
using System.Buffers.Binary;

namespace KmemKit.Runtime.Masters.Scanout;

/// <summary>How pixels lie in memory (include/uapi/drm/drm_fourcc.h), little-endian.</summary>
public enum PixelFormat
{
    /// <summary>DRM_FORMAT_RGB565: 16 bits, 5 red, 6 green, 5 blue.</summary>
    Rgb565 = 0,

    /// <summary>DRM_FORMAT_BGR888: 24 bits; the byte order is red, green, blue.</summary>
    Bgr888 = 1,

    /// <summary>DRM_FORMAT_XRGB8888: 32 bits, upper 8 unused.</summary>
    Xrgb8888 = 2,
}

/// <summary>Pixels from one format to another.</summary>
public static class PixelFormats
{
    /// <summary>Bytes of a pixel; 0 where there is no such format.</summary>
    public static int BytesOf(PixelFormat format) => format switch
    {
        PixelFormat.Rgb565 => 2,
        PixelFormat.Bgr888 => 3,
        PixelFormat.Xrgb8888 => 4,
        _ => 0,
    };

    /// <summary>A pixel of 8 bits a colour with 5, 6 and 5: the upper bits stay.</summary>
    public static ushort ToRgb565(uint xrgb) => (ushort)(((xrgb >> 8) & 0xF800) | ((xrgb >> 5) & 0x07E0) | ((xrgb >> 3) & 0x001F));

    /// <summary>The other way; the upper bits fill the lower ones, so that white stays white.</summary>
    public static uint FromRgb565(ushort pixel)
    {
        var (red, green, blue) = ((uint)pixel >> 11, ((uint)pixel >> 5) & 63, (uint)pixel & 31);
        return (((red << 3) | (red >> 2)) << 16) | (((green << 2) | (green >> 4)) << 8) | (blue << 3) | (blue >> 2);
    }

    /// <summary>A line of memory as XRGB8888, whose unused bits are 0.</summary>
    /// <param name="format">How it lies in memory.</param>
    /// <param name="line">Its bytes.</param>
    /// <param name="pixels">As many pixels as the line has.</param>
    public static void Decode(PixelFormat format, ReadOnlySpan<byte> line, Span<uint> pixels)
    {
        for (var x = 0; x < pixels.Length; x++)
        {
            pixels[x] = format switch
            {
                PixelFormat.Rgb565 => FromRgb565(BinaryPrimitives.ReadUInt16LittleEndian(line[(x * 2)..])),
                PixelFormat.Bgr888 => ((uint)line[x * 3] << 16) | ((uint)line[(x * 3) + 1] << 8) | line[(x * 3) + 2],
                _ => BinaryPrimitives.ReadUInt32LittleEndian(line[(x * 4)..]) & 0xFF_FFFF,
            };
        }
    }
}
