using System;
using System.Buffers.Binary;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Allocators;

/// <summary>Marks at both ends of a block that only its owner writes: whoever else writes there is found.</summary>
internal static class BlockMarks
{
    // A block up to here is marked whole, a larger one with half as much at each end.
    private const int MostBytes = 64;

    public static void Write(IAllocatorSubject allocator, in TakenBlock block)
    {
        Span<byte> mark = stackalloc byte[MostBytes];
        var head = Head(block, mark);
        allocator.Write(block.Address, head);
        if (block.Bytes > (ulong)head.Length)
            allocator.Write(block.Last - (ulong)(head.Length - 1), head);
    }

    /// <summary>Whether both marks are as written.</summary>
    public static bool Check(IAllocatorSubject allocator, in TakenBlock block, Proof proof, string when)
    {
        Span<byte> mark = stackalloc byte[MostBytes];
        Span<byte> read = stackalloc byte[MostBytes];
        var head = Head(block, mark);
        var found = read[..head.Length];
        allocator.Read(block.Address, found);
        var isRight = proof.Expect(found.SequenceEqual(head), block.Address, $"the {head.Length} bytes of its owner at the start of a block of {block.Bytes} bytes {when}", $"{Convert.ToHexString(found)}");
        if (block.Bytes <= (ulong)head.Length)
            return isRight;
        var tail = block.Last - (ulong)(head.Length - 1);
        allocator.Read(tail, found);
        return proof.Expect(found.SequenceEqual(head), tail, $"the {head.Length} bytes of its owner at the end of a block of {block.Bytes} bytes {when}", $"{Convert.ToHexString(found)}") && isRight;
    }

    private static Span<byte> Head(in TakenBlock block, Span<byte> into)
    {
        for (var i = 0; i < MostBytes; i += 8)
            BinaryPrimitives.WriteUInt64LittleEndian(into[i..], unchecked((block.Mark + (ulong)i) * 0x9e37_79b9_7f4a_7c15));
        return into[..(block.Bytes <= MostBytes ? (int)block.Bytes : MostBytes / 2)];
    }
}
