using System;

namespace KmemKit.Runtime.Masters.Scanout;

/// <summary>Interrupt causes of <see cref="FramebufferScanner"/>.</summary>
[Flags]
public enum ScanoutInterrupts : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>The last line was shown: blanking begins.</summary>
    Vsync = 1,

    /// <summary>A line's pixels were not there in time, or could not be had.</summary>
    Underrun = 2,

    /// <summary>Another base was taken over: the buffer before is not read any more.</summary>
    Flip = 4,

    /// <summary>The registers say what cannot be shown: it did not start.</summary>
    BadConfiguration = 8,
}

/// <summary>Status of <see cref="FramebufferScanner"/>.</summary>
[Flags]
public enum ScanoutStatus : uint
{
    /// <summary>It is off.</summary>
    Off = 0,

    /// <summary>It shows lines.</summary>
    Scanning = 1,

    /// <summary>It is between two frames.</summary>
    Blanking = 2,

    /// <summary>An access of it waits for software.</summary>
    Waiting = 4,
}

public sealed partial class FramebufferScanner
{
    /// <summary>Control: bit 0 enable; writing 1 to bit 1 resets.</summary>
    public const ulong Control = 0x10;

    /// <summary>A <see cref="PixelFormat"/>; taken over at the next vsync, as are base and stride.</summary>
    public const ulong Format = 0x14;

    /// <summary>64 bits: device address of the first pixel.</summary>
    public const ulong Base = 0x18;

    /// <summary>Bytes from one line to the next.</summary>
    public const ulong Stride = 0x20;

    /// <summary>Pixels of a line in bits 15 to 0, lines in bits 31 to 16; fixed while it is on.</summary>
    public const ulong Size = 0x24;

    /// <summary>Nanoseconds a line takes; fixed while it is on.</summary>
    public const ulong LineTime = 0x28;

    /// <summary>Lines of blanking, at least 1; fixed while it is on.</summary>
    public const ulong BlankLines = 0x2C;

    /// <summary>What is shown where pixels are missing, XRGB8888.</summary>
    public const ulong UnderflowColour = 0x30;

    /// <summary>Read-only: the line it is at; in blanking not below the height.</summary>
    public const ulong Line = 0x34;

    /// <summary>Read-only: frames shown.</summary>
    public const ulong Frames = 0x38;

    /// <summary>Read-only: lines with missing pixels.</summary>
    public const ulong Underruns = 0x3C;

    /// <summary>Read-only: CRC-32C of the last frame's pixels as XRGB8888.</summary>
    public const ulong FrameCrc = 0x40;

    /// <summary>64 bits, read-only: device address of the last line that could not be had.</summary>
    public const ulong FaultAddress = 0x48;

    private bool _enabled;
    private uint _format;
    private ulong _base;
    private uint _stride;
    private uint _size;
    private uint _lineTime;
    private uint _blankLines;
    private uint _underflowColour;
    private uint _frames;
    private uint _underruns;
    private uint _crc;
    private ulong _faultAddress;

    private int Width => (int)(_size & 0xFFFF);

    private int Height => (int)(_size >> 16);

    private protected override uint IdentificationValue => 0x4B46_5301;

    private protected override uint StatusValue => !_enabled ? 0 : (uint)((_line < Height ? ScanoutStatus.Scanning : ScanoutStatus.Blanking)
        | (_fetch == Access.Waits ? ScanoutStatus.Waiting : 0));

    private protected override uint KnownCauses => 15;

    private protected override uint ReadRegister(ulong offset) => offset switch
    {
        Control => _enabled ? 1u : 0,
        Format => _format,
        Base => (uint)(_base & uint.MaxValue),
        Base + 4 => (uint)(_base >> 32),
        Stride => _stride,
        Size => _size,
        LineTime => _lineTime,
        BlankLines => _blankLines,
        UnderflowColour => _underflowColour,
        Line => (uint)_line,
        Frames => _frames,
        Underruns => _underruns,
        FrameCrc => _crc,
        FaultAddress => (uint)(_faultAddress & uint.MaxValue),
        FaultAddress + 4 => (uint)(_faultAddress >> 32),
        _ => 0,
    };

    private protected override void WriteRegister(ulong offset, uint value)
    {
        switch (offset)
        {
            case Control:
                WriteControl(value);
                break;
            case Format:
                _format = value & 3;
                break;
            case Base or Base + 4:
                _base = WithHalf(_base, offset != Base, value);
                break;
            case Stride:
                _stride = value;
                break;
            case Size when !_enabled:
                _size = value;
                break;
            case LineTime when !_enabled:
                _lineTime = value;
                break;
            case BlankLines when !_enabled:
                _blankLines = value & 0xFFFF;
                break;
            case UnderflowColour:
                _underflowColour = value & 0xFF_FFFF;
                break;
        }
    }

    private void WriteControl(uint value)
    {
        if ((value & 2) != 0)
        {
            (_enabled, _format, _base, _stride, _size, _lineTime, _blankLines, _underflowColour) = (false, 0, 0, 0, 0, 0, 0, 0);
            (_frames, _underruns, _crc, _faultAddress, _line, _time, _fetch) = (0, 0, 0, 0, 0, 0, Access.Done);
            ResetInterrupts();
            return;
        }
        var wants = (value & 1) != 0;
        if (!wants || _enabled)
        {
            _enabled = wants;
            return;
        }
        if (Width == 0 || Height == 0 || _lineTime == 0 || _blankLines == 0 || !CanShow())
        {
            Raise((uint)ScanoutInterrupts.BadConfiguration);
            return;
        }
        _enabled = true;
        Start();
    }

    // Whether format and stride go together, and no line reaches beyond the addresses.
    private bool CanShow()
    {
        var bytes = PixelFormats.BytesOf((PixelFormat)_format) * Width;
        return bytes != 0 && _stride >= bytes && ((ulong)_stride * (uint)(Height - 1)) + (ulong)bytes - 1 <= ulong.MaxValue - _base;
    }
}
