using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma.Ports;

namespace KmemKit.Runtime.Masters.Network;

/// <summary>A network device: two rings of descriptors with an ownership bit, packets of one or many fragments.</summary>
/// <remarks>
/// <para>Sending: the fragments from one with "first" to one with "last" are gathered, each is closed when it was read, and the packet goes out. Receiving: a packet
/// fills as many buffers as it needs; what comes while there are none waits in a FIFO, and beyond that is lost and counted. A descriptor that is software's puts
/// the ring to sleep until the poll register is written.</para>
/// <para>An error response halts the ring: the descriptor is closed with the error, the packet is dropped whole, never sent or delivered in part as if it were one. Told to go
/// on, sending closes the rest of the packet's descriptors with the same error. An access that waits holds both rings, for the port is one.</para>
/// </remarks>
public sealed partial class ScatterGatherNic : DmaMaster
{
    /// <summary>The longest packet, in bytes.</summary>
    public const int LargestPacket = 16 * 1024;

    /// <summary>Bytes of packets that can wait for buffers.</summary>
    public const int FifoBytes = 64 * 1024;

    private const ulong DescriptorTime = 20_000;

    private readonly byte[] _packet = new byte[LargestPacket];
    private readonly Queue<byte[]> _waitingPackets = [];
    private readonly ulong _bytesPerMicrosecond;
    private PacketRing? _waiting;
    private int _gathered;
    private int _packetDone;
    private int _fifoBytes;
    private bool _skipsPacket;
    private MasterError _skipError;

    /// <summary>A device after reset: both directions off.</summary>
    /// <param name="name">As reports show it.</param>
    /// <param name="port">To memory.</param>
    /// <param name="bytesPerMicrosecond">The wire's rate each way, at least 1: 125 is 1 Gbit/s.</param>
    public ScatterGatherNic(string name, IDmaPort port, ulong bytesPerMicrosecond = 125)
        : base(name, port)
    {
        ArgumentOutOfRangeException.ThrowIfZero(bytesPerMicrosecond);
        _bytesPerMicrosecond = bytesPerMicrosecond;
    }

    /// <summary>Told each packet that goes out, within <see cref="DmaMaster.Advance"/>. The bytes are good during the call.</summary>
    public event Action<ReadOnlyMemory<byte>>? PacketSent;

    /// <summary>A packet comes in by the wire.</summary>
    /// <param name="packet">1 to <see cref="LargestPacket"/> bytes.</param>
    /// <returns>False where it is lost: it has no room, or receiving is off.</returns>
    /// <exception cref="ArgumentException">It is empty or too long to be a packet.</exception>
    public bool Receive(ReadOnlySpan<byte> packet)
    {
        if (packet.IsEmpty || packet.Length > LargestPacket)
            throw new ArgumentException($"A packet has 1 to {LargestPacket} bytes, not {packet.Length}.", nameof(packet));
        if (!_receive.Enabled || _fifoBytes + packet.Length > FifoBytes)
        {
            _receiveDropped++;
            return false;
        }
        _fifoBytes += packet.Length;
        _waitingPackets.Enqueue(packet.ToArray());
        return true;
    }

    private protected override void Work(ulong nanoseconds)
    {
        // The ring whose access waits comes first: it is the one that the port goes on with.
        if (_waiting == _receive)
        {
            Run(_receive, nanoseconds);
            Run(_send, nanoseconds);
        }
        else
        {
            Run(_send, nanoseconds);
            Run(_receive, nanoseconds);
        }
    }

    private void Run(PacketRing ring, ulong nanoseconds)
    {
        if (!HasWork(ring) || (_waiting is not null && _waiting != ring))
        {
            ring.Time = 0;
            return;
        }
        ring.Time += nanoseconds * 1000;
        while (HasWork(ring))
        {
            var cost = ring.At switch
            {
                PacketRing.Step.Fetch => DescriptorTime,
                PacketRing.Step.Move => (ulong)Burst(ring) * 1_000_000 / _bytesPerMicrosecond,
                _ => 0UL,
            };
            if (ring.Time < cost)
                return;
            var access = ring.At switch
            {
                PacketRing.Step.Fetch => Fetch(ring),
                PacketRing.Step.Move => Move(ring),
                _ => Close(ring),
            };
            _waiting = access == Access.Waits ? ring : null;
            if (access == Access.Waits)
            {
                ring.Time = 0;
                return;
            }
            ring.Time -= cost;
        }
    }

    private bool HasWork(PacketRing ring) => ring.Runs && (ring == _send || ring.At == PacketRing.Step.Close || _waitingPackets.Count > 0);

    private int PacketLeft => _waitingPackets.Peek().Length - _packetDone;

    private int LengthOf(PacketRing ring) => ring == _send ? (int)ring.Current.Length : Math.Min((int)Math.Min(ring.Current.Length, int.MaxValue), PacketLeft + ring.Moved);

    private int Burst(PacketRing ring) => (int)Math.Min((ulong)(LengthOf(ring) - ring.Moved), 4096 - ((ring.Current.Buffer.Value + (ulong)ring.Moved) & 0xFFF));

    private Access Fetch(PacketRing ring)
    {
        Span<byte> bytes = stackalloc byte[PacketDescriptor.Bytes];
        var access = ReadMemory(ring.Address, bytes, out _);
        if (access == Access.Faulted)
            Halt(ring, MasterError.DescriptorRead, ring.Address);
        if (access != Access.Done)
            return access;
        ring.Current = PacketDescriptor.Decode(bytes) with { Error = MasterError.None, Checksum = 0 };
        ring.Moved = 0;
        if (!ring.Current.IsOwned)
        {
            ring.Sleeps = true;
            Raise((uint)(ring == _send ? NicInterrupts.SendIdle : NicInterrupts.NoBuffer));
            return Access.Done;
        }
        if (ring == _send && _skipsPacket)
        {
            ring.Current = ring.Current with { Error = _skipError };
            _skipsPacket = !ring.Current.IsLast;
            ring.At = PacketRing.Step.Close;
            return Access.Done;
        }
        var isBad = ring.Current.Length == 0 || ring.Current.Length - 1 > ulong.MaxValue - ring.Current.Buffer.Value
            || (ring == _send && (ring.Current.IsFirst != (_gathered == 0) || ring.Current.Length > LargestPacket - (uint)_gathered));
        if (isBad)
            Fail(ring, MasterError.BadDescriptor, ring.Address);
        else
            ring.At = PacketRing.Step.Move;
        return Access.Done;
    }

    private Access Move(PacketRing ring)
    {
        var burst = Burst(ring);
        var at = ring.Current.Buffer + (ulong)ring.Moved;
        var access = ring == _send
            ? ReadMemory(at, _packet.AsSpan(_gathered, burst), out _)
            : WriteMemory(at, _waitingPackets.Peek().AsSpan(_packetDone, burst), out _);
        if (access == Access.Waits)
            return access;
        if (access == Access.Faulted)
        {
            Fail(ring, ring == _send ? MasterError.DataRead : MasterError.DataWrite, at);
            return Access.Done;
        }
        ring.Moved += burst;
        if (ring == _send)
            _gathered += burst;
        else
            _packetDone += burst;
        if (ring.Moved != LengthOf(ring))
            return Access.Done;
        if (ring == _receive)
        {
            var packet = _waitingPackets.Peek();
            var isLast = _packetDone == packet.Length;
            ring.Current = ring.Current with
            {
                Length = (uint)ring.Moved, IsFirst = _packetDone == ring.Moved, IsLast = isLast, Checksum = isLast ? InternetChecksum.Of(packet) : (ushort)0,
            };
        }
        else if (ring.Current.IsLast)
        {
            ring.Current = ring.Current with { Checksum = InternetChecksum.Of(_packet.AsSpan(0, _gathered)) };
        }
        ring.At = PacketRing.Step.Close;
        return Access.Done;
    }

    private Access Close(PacketRing ring)
    {
        Span<byte> bytes = stackalloc byte[PacketDescriptor.Bytes];
        (ring.Current with { IsOwned = false }).Encode(bytes);
        var access = WriteMemory(ring.Address + PacketDescriptor.WrittenAt, bytes[PacketDescriptor.WrittenAt..], out _);
        if (access == Access.Waits)
            return access;
        // Software cannot know of a packet whose descriptor could not be closed: it counts as lost.
        if (access == Access.Faulted && !ring.IsFailing)
            Fail(ring, MasterError.StatusWrite, ring.Address + PacketDescriptor.WrittenAt);
        var closed = ring.Current;
        var halts = ring.IsFailing;
        ring.Next();
        if (halts)
            Halt(ring, closed.Error, new BusAddr(_errorAddress));
        else if (closed.Error == MasterError.None && closed.IsLast)
            Finish(ring, closed.Interrupts);
        return Access.Done;
    }

    private void Finish(PacketRing ring, bool interrupts)
    {
        if (ring == _send)
        {
            var packet = _packet.AsMemory(0, _gathered);
            _gathered = 0;
            _sent++;
            PacketSent?.Invoke(packet);
            Raise(interrupts ? (uint)NicInterrupts.Sent : 0);
            return;
        }
        DropReceived();
        _received++;
        Raise(interrupts ? (uint)NicInterrupts.Received : 0);
    }

    // The descriptor is told, then the ring halts. The packet is gone, and with it what of it has not been looked at.
    private void Fail(PacketRing ring, MasterError error, BusAddr at)
    {
        _errorAddress = at.Value;
        ring.IsFailing = true;
        ring.At = PacketRing.Step.Close;
        if (ring == _receive)
        {
            ring.Current = ring.Current with { Error = error, IsLast = true, IsFirst = _packetDone == ring.Moved, Length = (uint)ring.Moved };
            DropReceived();
            _receiveDropped++;
            return;
        }
        ring.Current = ring.Current with { Error = error };
        (_skipsPacket, _skipError, _gathered) = (!ring.Current.IsLast, error, 0);
        _sendDropped++;
    }

    private void Halt(PacketRing ring, MasterError error, BusAddr at)
    {
        ring.Error = error;
        _errorAddress = at.Value;
        Raise((uint)(ring == _send ? NicInterrupts.SendError : NicInterrupts.ReceiveError));
    }

    private void DropReceived()
    {
        _fifoBytes -= _waitingPackets.Dequeue().Length;
        _packetDone = 0;
    }
}
