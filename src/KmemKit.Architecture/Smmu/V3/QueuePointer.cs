using System;

namespace KmemKit.Architecture.Smmu.V3;

/// <summary>
/// A producer or consumer index of a queue of 2^n entries: n bits of index with a wrap bit above them, which flips at each turn (Arm IHI 0070, 3.5.1).
/// Equal indexes mean empty with equal wrap bits, and full with different ones. For the event and PRI queues bit 31 is the overflow flag.
/// </summary>
public readonly record struct QueuePointer
{
    /// <summary>Bit 31: the overflow flag of SMMU_EVENTQ_PROD, or its acknowledgement in SMMU_EVENTQ_CONS.</summary>
    public const uint Overflow = 1u << 31;

    /// <summary>A pointer with its register value; bits that do not belong to index and wrap are dropped.</summary>
    /// <param name="value">Register value.</param>
    /// <param name="bits">log2 of the queue's entries, 0 to 19.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are more than 19 bits.</exception>
    public QueuePointer(uint value, int bits)
    {
        if (bits is < 0 or > 19)
            throw new ArgumentOutOfRangeException(nameof(bits), bits, "A queue has 2^0 to 2^19 entries.");
        Bits = bits;
        Value = value & ((2u << bits) - 1);
    }

    /// <summary>log2 of the queue's entries.</summary>
    public int Bits { get; }

    /// <summary>Wrap bit and index.</summary>
    public uint Value { get; }

    /// <summary>Index alone.</summary>
    public uint Index => Value & ((1u << Bits) - 1);

    /// <summary>Wrap bit.</summary>
    public bool Wrap => (Value >> Bits) != 0;

    /// <summary>One entry further.</summary>
    public QueuePointer Next => new(Value + 1, Bits);

    /// <summary>Whether nothing is between consumer and producer.</summary>
    public static bool IsEmpty(QueuePointer producer, QueuePointer consumer) => producer.Value == consumer.Value;

    /// <summary>Whether a queue has no room for another entry.</summary>
    public static bool IsFull(QueuePointer producer, QueuePointer consumer) => producer.Index == consumer.Index && producer.Wrap != consumer.Wrap;

    /// <summary>Entries between consumer and producer, 0 to 2^bits; more than that for pointers that make no sense together.</summary>
    public static uint Occupied(QueuePointer producer, QueuePointer consumer) => unchecked(producer.Value - consumer.Value) & ((2u << producer.Bits) - 1);
}
