using System;

namespace KmemKit.Runtime.Masters.Network;

/// <summary>Interrupt causes of <see cref="ScatterGatherNic"/>.</summary>
[Flags]
public enum NicInterrupts : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A packet was sent whose last descriptor asks for it.</summary>
    Sent = 1,

    /// <summary>The next descriptor to send is software's.</summary>
    SendIdle = 2,

    /// <summary>A packet came whose last descriptor asks for it.</summary>
    Received = 4,

    /// <summary>A packet waits, and the next descriptor to fill is software's.</summary>
    NoBuffer = 8,

    /// <summary>Sending halted on an error.</summary>
    SendError = 16,

    /// <summary>Receiving halted on an error.</summary>
    ReceiveError = 32,
}

/// <summary>Status of <see cref="ScatterGatherNic"/>.</summary>
[Flags]
public enum NicStatus : uint
{
    /// <summary>Both directions are off or have nothing to do.</summary>
    Idle = 0,

    /// <summary>It is sending.</summary>
    Sending = 1,

    /// <summary>It has received what is not in memory yet.</summary>
    Receiving = 2,

    /// <summary>Sending halted on an error.</summary>
    SendHalted = 4,

    /// <summary>Receiving halted on an error.</summary>
    ReceiveHalted = 8,

    /// <summary>An access of it waits for software, and everything with it.</summary>
    Waiting = 16,
}

public sealed partial class ScatterGatherNic
{
    /// <summary>Control: bit 0 sends, bit 1 receives; writing 1 to bit 2 resets, to bit 3 goes on sending behind the faulty packet, to bit 4 goes on receiving.</summary>
    public const ulong Control = 0x10;

    /// <summary>64 bits: device address of the ring to send, aligned to 16; fixed while it sends.</summary>
    public const ulong SendRing = 0x18;

    /// <summary>log2 of the ring's descriptors, 0 to 12; fixed while it sends.</summary>
    public const ulong SendSize = 0x20;

    /// <summary>Writing anything has it look at the ring again.</summary>
    public const ulong SendPoll = 0x24;

    /// <summary>Read-only: the descriptor to send next.</summary>
    public const ulong SendIndex = 0x28;

    /// <summary>64 bits: device address of the ring to fill; as <see cref="SendRing"/>.</summary>
    public const ulong ReceiveRing = 0x30;

    /// <summary>As <see cref="SendSize"/>.</summary>
    public const ulong ReceiveSize = 0x38;

    /// <summary>As <see cref="SendPoll"/>.</summary>
    public const ulong ReceivePoll = 0x3C;

    /// <summary>Read-only: the descriptor to fill next.</summary>
    public const ulong ReceiveIndex = 0x40;

    /// <summary>Read-only: a <see cref="MasterError"/> of sending in bits 7 to 0, of receiving in bits 15 to 8.</summary>
    public const ulong Errors = 0x44;

    /// <summary>64 bits, read-only: the device address of the last access that failed.</summary>
    public const ulong ErrorAddress = 0x48;

    /// <summary>Read-only: packets sent.</summary>
    public const ulong SentPackets = 0x50;

    /// <summary>Read-only: packets received into memory, whole.</summary>
    public const ulong ReceivedPackets = 0x54;

    /// <summary>Read-only: packets that were not sent because of an error.</summary>
    public const ulong SendDropped = 0x58;

    /// <summary>Read-only: packets that came and were lost: no room, receiving off, or an error.</summary>
    public const ulong ReceiveDropped = 0x5C;

    private readonly PacketRing _send = new();
    private readonly PacketRing _receive = new();
    private ulong _errorAddress;
    private uint _sent;
    private uint _received;
    private uint _sendDropped;
    private uint _receiveDropped;

    private protected override uint IdentificationValue => 0x4B4E_4901;

    private protected override uint StatusValue => (uint)((_send is { Enabled: true, Sleeps: false } ? NicStatus.Sending : 0) | (_waitingPackets.Count > 0 ? NicStatus.Receiving : 0)
        | (_send.Error != MasterError.None ? NicStatus.SendHalted : 0) | (_receive.Error != MasterError.None ? NicStatus.ReceiveHalted : 0)
        | (_waiting is not null ? NicStatus.Waiting : 0));

    private protected override uint KnownCauses => 63;

    private protected override uint ReadRegister(ulong offset) => offset switch
    {
        Control => (_send.Enabled ? 1u : 0) | (_receive.Enabled ? 2u : 0),
        SendRing => (uint)(_send.Base & uint.MaxValue),
        SendRing + 4 => (uint)(_send.Base >> 32),
        SendSize => (uint)_send.Bits,
        SendIndex => _send.Index,
        ReceiveRing => (uint)(_receive.Base & uint.MaxValue),
        ReceiveRing + 4 => (uint)(_receive.Base >> 32),
        ReceiveSize => (uint)_receive.Bits,
        ReceiveIndex => _receive.Index,
        Errors => (uint)_send.Error | ((uint)_receive.Error << 8),
        ErrorAddress => (uint)(_errorAddress & uint.MaxValue),
        ErrorAddress + 4 => (uint)(_errorAddress >> 32),
        SentPackets => _sent,
        ReceivedPackets => _received,
        SendDropped => _sendDropped,
        ReceiveDropped => _receiveDropped,
        _ => 0,
    };

    private protected override void WriteRegister(ulong offset, uint value)
    {
        switch (offset)
        {
            case Control:
                WriteControl(value);
                break;
            case SendRing or SendRing + 4 when !_send.Enabled:
                _send.Base = WithHalf(_send.Base, offset != SendRing, value) & ~15UL;
                break;
            case ReceiveRing or ReceiveRing + 4 when !_receive.Enabled:
                _receive.Base = WithHalf(_receive.Base, offset != ReceiveRing, value) & ~15UL;
                break;
            case SendSize when !_send.Enabled:
                _send.Place(value);
                break;
            case ReceiveSize when !_receive.Enabled:
                _receive.Place(value);
                break;
            case SendPoll:
                _send.Sleeps = false;
                break;
            case ReceivePoll:
                _receive.Sleeps = false;
                break;
        }
    }

    private void WriteControl(uint value)
    {
        if ((value & 4) != 0)
        {
            _send.Reset();
            _receive.Reset();
            _waitingPackets.Clear();
            (_waiting, _errorAddress, _sent, _received, _sendDropped, _receiveDropped, _fifoBytes) = (null, 0, 0, 0, 0, 0, 0);
            (_gathered, _skipsPacket, _packetDone) = (0, false, 0);
            ResetInterrupts();
            return;
        }
        _send.Enabled = (value & 1) != 0;
        _receive.Enabled = (value & 2) != 0;
        if ((value & 8) != 0)
            _send.GoOn();
        if ((value & 16) != 0)
            _receive.GoOn();
    }
}
