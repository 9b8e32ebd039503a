using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

/// <summary>Writes a tree as a blob of version 17, byte for byte as <c>dtc -O dtb</c> lays it out.</summary>
/// <remarks>
/// Header, memory reservations, structure block, strings block, padding, without gaps (all but the strings are multiples of 8 or 4 by themselves). Properties and
/// subnodes keep the order of the tree; names enter the strings block in the order of their first use. Markers and labels leave no trace.
/// </remarks>
public sealed class FdtWriter
{
    private const int LastCompatibleVersion = 16;

    private readonly FdtStringTable _strings = new();
    private byte[] _buffer;
    private int _length;

    private FdtWriter(int size) => _buffer = ArrayPool<byte>.Shared.Rent(size);

    /// <summary>Writes a tree.</summary>
    /// <param name="tree">The tree.</param>
    /// <param name="options">Padding and such; null for none.</param>
    /// <returns>The blob.</returns>
    /// <exception cref="ArgumentOutOfRangeException">An option is negative, padding and minimum size are both given, or the alignment is no power of two.</exception>
    /// <exception cref="ArgumentException">The blob would be larger than an array can be (2^31 bytes).</exception>
    public static byte[] Write(DeviceTree tree, FdtWriteOptions? options = null)
    {
        if (tree is null)
            throw new ArgumentNullException(nameof(tree));
        options ??= new FdtWriteOptions();
        Check(options);
        // Room for the blob that the tree came from, or of a middle-sized board; more is rented when needed.
        var writer = new FdtWriter(Math.Max(64 * 1024, tree.Source.Bytes.Length));
        try
        {
            return writer.Run(tree, options);
        }
        catch (OverflowException exception)
        {
            throw new ArgumentException("The blob would be larger than 2^31 bytes.", nameof(tree), exception);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(writer._buffer);
        }
    }

    // Characters of a name are bytes of the same number (see FdtNames); the grammar of source has ASCII alone.
    internal static void CopyName(string name, Span<byte> target)
    {
        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] > 0xff)
                throw new ArgumentException("The name \"" + name + "\" has a character that is no byte.", nameof(name));
            target[i] = (byte)name[i];
        }
    }

    private static void Check(FdtWriteOptions options)
    {
        if (options.Padding < 0)
            throw new ArgumentOutOfRangeException(nameof(options), "Padding is negative.");
        if (options.MinimumSize < 0)
            throw new ArgumentOutOfRangeException(nameof(options), "MinimumSize is negative.");
        if (options.Padding > 0 && options.MinimumSize > 0)
            throw new ArgumentOutOfRangeException(nameof(options), "Padding and MinimumSize are both given.");
        if (options.ReservationSlots < 0)
            throw new ArgumentOutOfRangeException(nameof(options), "ReservationSlots is negative.");
        if (options.Alignment < 0 || (options.Alignment & (options.Alignment - 1)) != 0)
            throw new ArgumentOutOfRangeException(nameof(options), "Alignment is not a power of two.");
    }

    private byte[] Run(DeviceTree tree, FdtWriteOptions options)
    {
        Reserve(FdtHeader.NewestSize);
        _length = FdtHeader.NewestSize;
        WriteReservations(tree, options.ReservationSlots);
        var structStart = _length;
        WriteNodes(tree.Root);
        PutWord(FdtToken.End);
        var stringsStart = _length;

        var used = checked(_length + _strings.Length);
        var total = TotalSize(used, options);
        var blob = new byte[total];
        _buffer.AsSpan(0, _length).CopyTo(blob);
        _strings.Bytes.CopyTo(blob.AsSpan(_length));
        ReadOnlySpan<uint> header =
        [
            FdtToken.Magic, (uint)total, (uint)structStart, (uint)stringsStart, FdtHeader.NewestSize, FdtHeader.NewestVersion,
            LastCompatibleVersion, options.BootCpuId ?? tree.BootCpuId, (uint)_strings.Length, (uint)(stringsStart - structStart),
        ];
        for (var i = 0; i < header.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(i * 4), header[i]);
        return blob;
    }

    private static int TotalSize(int used, FdtWriteOptions options)
    {
        var total = Math.Max((long)used + options.Padding, options.MinimumSize);
        if (options.Alignment > 0)
            total = total + options.Alignment - 1 & -(long)options.Alignment;
        return checked((int)total);
    }

    private void WriteReservations(DeviceTree tree, int slots)
    {
        foreach (var reservation in tree.Reservations)
        {
            Reserve(16);
            BinaryPrimitives.WriteUInt64BigEndian(_buffer.AsSpan(_length), reservation.Address.Value);
            BinaryPrimitives.WriteUInt64BigEndian(_buffer.AsSpan(_length + 8), reservation.Size);
            _length += 16;
        }
        var zeros = checked((slots + 1) * 16);
        Reserve(zeros);
        _buffer.AsSpan(_length, zeros).Clear();
        _length += zeros;
    }

    // Depth first with a stack of its own: a tree may be deeper than the thread's stack allows.
    private void WriteNodes(DeviceTreeNode root)
    {
        var open = new Stack<(DeviceTreeNode Node, int NextChild)>();
        BeginNode(root);
        open.Push((root, 0));
        while (open.Count > 0)
        {
            var (node, next) = open.Pop();
            if (next == node.Children.Count)
            {
                PutWord(FdtToken.EndNode);
                continue;
            }
            open.Push((node, next + 1));
            var child = node.Children[next];
            BeginNode(child);
            if (child.Children.Count == 0)
                PutWord(FdtToken.EndNode);
            else
                open.Push((child, 0));
        }
    }

    private void BeginNode(DeviceTreeNode node)
    {
        PutWord(FdtToken.BeginNode);
        var name = node.Name;
        Reserve(name.Length + 4);
        CopyName(name, _buffer.AsSpan(_length));
        EndPadded(name.Length, 1);
        var properties = node.MutableProperties;
        for (var i = 0; i < properties.Count; i++)
        {
            var property = properties[i];
            var value = property.Value.Span;
            var nameOffset = _strings.OffsetOf(property.Name);
            Reserve(checked(value.Length + 16));
            var target = _buffer.AsSpan(_length);
            BinaryPrimitives.WriteUInt32BigEndian(target, FdtToken.Property);
            BinaryPrimitives.WriteInt32BigEndian(target.Slice(4), value.Length);
            BinaryPrimitives.WriteInt32BigEndian(target.Slice(8), nameOffset);
            value.CopyTo(target.Slice(12));
            _length += 12;
            EndPadded(value.Length, 0);
        }
    }

    // Goes behind what was just copied and its final zeros, at least as many as asked for, up to a multiple of 4. Room for 4 is reserved.
    private void EndPadded(int length, int zeros)
    {
        var end = _length + length;
        _length = end + zeros + 3 & ~3;
        _buffer.AsSpan(end, _length - end).Clear();
    }

    private void PutWord(uint word)
    {
        Reserve(4);
        BinaryPrimitives.WriteUInt32BigEndian(_buffer.AsSpan(_length), word);
        _length += 4;
    }

    private void Reserve(int count)
    {
        if (_buffer.Length - _length >= count)
            return;
        var larger = ArrayPool<byte>.Shared.Rent(checked(Math.Max(_length + count, _length + _length / 2)));
        _buffer.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
