using System;
using System.Buffers.Binary;
using KmemKit.BoardCompiler.Diagnostics;
using Rule = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Blob;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

// The one pass over the structure block. State is the node that is open (_current, -1 outside the root); the stack is the chain of parents in the
// rows themselves, so depth costs no memory. Every length is compared with what is left, never added first. The first error ends the
// pass: behind a broken token nothing is where it seems.
internal sealed class FdtIndexBuilder
{
    // Deeper than any tree that a compiler made (kernels read 64 levels), and shallow enough for code that recurses over nodes.
    internal const int MaxDepth = 1024;

    private const ulong PhandleName = 0x7068616e646c6500;       // "phandle\0"
    private const ulong LinuxPhandleStart = 0x6c696e75782c7068; // "linux,ph"

    private readonly Fdt _blob;
    private readonly FindingLimiter _findings;
    private FdtNodeEntry[] _nodes;
    private int[] _properties;
    private (uint Phandle, int Node)[] _phandles = new (uint, int)[16];
    private int _nodeCount;
    private int _propertyCount;
    private int _phandleCount;
    private uint _largestPhandle;
    private int _current = -1;
    private bool _mixed;

    internal FdtIndexBuilder(Fdt blob, DiagnosticBag diagnostics)
    {
        _blob = blob;
        _findings = new FindingLimiter(diagnostics);
        // What real blobs need; a blob of empty nodes grows them.
        _nodes = new FdtNodeEntry[blob.StructSize / 96 + 8];
        _properties = new int[blob.StructSize / 24 + 8];
    }

    internal FdtIndex? Build()
    {
        var complete = Walk();
        PhandleTable? phandles = null;
        if (complete)
        {
            phandles = new PhandleTable(_phandles, _phandleCount, _largestPhandle, _nodeCount, out var duplicate);
            if (duplicate >= 0)
                complete = ReportPhandleTwice(_phandles[duplicate].Phandle, phandles.Find(_phandles[duplicate].Phandle), _phandles[duplicate].Node);
        }
        _findings.Finish();
        if (!complete || _findings.HasErrors)
            return null;
        if (_mixed)
            GroupProperties();
        return new FdtIndex(_blob, _nodes, _nodeCount, _properties, _propertyCount, phandles!);
    }

    internal static int AlignLongValue(int offset, int structOffset) => structOffset + (offset - structOffset + 7 & ~7);

    private bool Walk()
    {
        var bytes = _blob.Bytes.Span;
        var end = _blob.StructOffset + _blob.StructSize;
        var lastName = bytes.Slice(_blob.StringsOffset, _blob.StringsSize).LastIndexOf((byte)0);
        var position = _blob.StructOffset;
        while (true)
        {
            if (end - position < 4)
                return Error(Rule.StructureTruncated, Math.Min(position, end), 0, Hex(end), "");
            var token = BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(position));
            switch (token)
            {
                case FdtToken.BeginNode:
                    position = BeginNode(bytes, position, end);
                    break;
                case FdtToken.Property:
                    position = Property(bytes, position, end, lastName);
                    break;
                case FdtToken.EndNode:
                    if (_current < 0)
                        return Error(Rule.TokenOrder, position, 4, "FDT_END_NODE", Hex(position), "ends no node");
                    _nodes[_current].SubtreeEnd = _nodeCount;
                    _current = _nodes[_current].Parent;
                    position += 4;
                    break;
                case FdtToken.Nop:
                    position += 4;
                    break;
                case FdtToken.End:
                    return End(position + 4, end);
                default:
                    return Error(Rule.Token, position, 4, Hex(token), Hex(position));
            }
            if (position < 0)
                return false;
        }
    }

    private bool End(int position, int end)
    {
        if (_current >= 0)
            return Error(Rule.TokenOrder, position - 4, 4, "FDT_END", Hex(position - 4), "stands inside the node " + PathOf(_current));
        if (_nodeCount == 0)
            return Error(Rule.NoRoot, position - 4, 4);
        // Before version 17 the end of the block is a guess and says nothing.
        if (position < end && _blob.Header.Version >= 17)
            _findings.Add(Rule.StructureTail, _blob.SpanOf(position, end - position), Hex(end - position), Hex(position));
        return true;
    }

    private int BeginNode(ReadOnlySpan<byte> bytes, int position, int end)
    {
        if (_current < 0 && _nodeCount > 0)
            return Stop(Rule.TokenOrder, position, 4, "FDT_BEGIN_NODE", Hex(position), "starts a second root node");
        var nameStart = position + 4;
        var length = bytes.Slice(nameStart, end - nameStart).IndexOf((byte)0);
        if (length < 0)
            return Stop(Rule.NodeNameOpen, nameStart, end - nameStart, Hex(nameStart));
        var depth = _current < 0 ? 0 : _nodes[_current].Depth + 1;
        if (depth > MaxDepth)
            return Stop(Rule.Depth, position, 4, Hex(position), MaxDepth);
        if (_nodeCount == _nodes.Length)
            Array.Resize(ref _nodes, _nodes.Length * 2);
        var next = position + 4 + (length + 4 & ~3);

        // Before version 16 a name is the full path; its last part is the name.
        if (_blob.Header.Version < 16)
        {
            var slash = bytes.Slice(nameStart, length).LastIndexOf((byte)'/');
            nameStart += slash + 1;
            length -= slash + 1;
        }
        ref var entry = ref _nodes[_nodeCount];
        entry.Offset = position;
        entry.NameOffset = nameStart;
        entry.NameLength = length;
        entry.Parent = _current;
        entry.Depth = depth;
        entry.FirstProperty = _propertyCount;
        if (_current < 0 && length > 0)
            _findings.Add(Rule.RootName, _blob.SpanOf(nameStart, length), FdtNames.Quote(FdtNames.Read(bytes.Slice(nameStart, length), out _)));
        _current = _nodeCount++;
        return next;
    }

    private int Property(ReadOnlySpan<byte> bytes, int position, int end, int lastName)
    {
        if (_current < 0)
            return Stop(Rule.TokenOrder, position, 4, "FDT_PROP", Hex(position), "stands outside of a node");
        if (end - position < 12)
            return Stop(Rule.StructureTruncated, position, end - position, Hex(end), " inside a property");
        var length = BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(position + 4));
        var name = BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(position + 8));
        var value = position + 12;
        if (_blob.Header.Version < 16 && length >= 8)
            value = AlignLongValue(value, _blob.StructOffset);
        if (value > end || length > (uint)(end - value))
            return Stop(Rule.ValueOutside, position, 12, Hex(position), Hex(length), Hex(end));
        if (lastName < 0 || name > (uint)lastName)
        {
            var why = name >= (uint)_blob.StringsSize ? "which has " + Hex(_blob.StringsSize) + " bytes" : "where no final 0 follows";
            return Stop(Rule.PropertyName, position + 8, 4, Hex(position), Hex(name), why);
        }
        if (_propertyCount == _properties.Length)
            Array.Resize(ref _properties, _properties.Length * 2);
        _properties[_propertyCount++] = position;
        _nodes[_current].PropertyCount++;
        var strings = bytes.Slice(_blob.StringsOffset, _blob.StringsSize).Slice((int)name);
        if (_current != _nodeCount - 1)
        {
            _mixed = true;
            if (_findings.Wants(Rule.PropertyOrder))
                _findings.Add(Rule.PropertyOrder, _blob.SpanOf(position, 12), FirstOf(strings), PathOf(_current));
            else
                _findings.Skip(Rule.PropertyOrder);
        }
        if (strings.Length >= 8)
            NotePhandle(bytes, strings, position, value, length);
        return value + (int)length + 3 & ~3;
    }

    private void NotePhandle(ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> strings, int position, int value, uint length)
    {
        var start = BinaryPrimitives.ReadUInt64BigEndian(strings);
        var isPhandle = start == PhandleName;
        if (!isPhandle && (start != LinuxPhandleStart || !strings.StartsWith("linux,phandle\0"u8)))
            return;
        var name = isPhandle ? "phandle" : "linux,phandle";
        if (length != 4)
        {
            Phandle(position, name, "has " + length + " bytes and not 4");
            return;
        }
        var phandle = BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(value));
        if (phandle is 0 or uint.MaxValue)
        {
            Phandle(position, name, "is " + Hex(phandle));
            return;
        }
        ref var known = ref _nodes[_current].Phandle;
        if (known != 0)
        {
            if (known != phandle)
                Phandle(position, name, "is " + Hex(phandle) + " where the node already has the phandle " + Hex(known));
            return;
        }
        known = phandle;
        if (_phandleCount == _phandles.Length)
            Array.Resize(ref _phandles, _phandles.Length * 2);
        _phandles[_phandleCount++] = (phandle, _current);
        _largestPhandle = Math.Max(_largestPhandle, phandle);
    }

    private void Phandle(int position, string name, string what)
    {
        if (_findings.Wants(Rule.Phandle))
            _findings.Add(Rule.Phandle, _blob.SpanOf(position, 12), name, PathOf(_current), what);
        else
            _findings.Skip(Rule.Phandle);
    }

    private bool ReportPhandleTwice(uint phandle, int first, int second)
    {
        var diagnostic = KmemDiagnostic.Create(Rule.PhandleTwice, _blob.SpanOf(_nodes[second].NameOffset, _nodes[second].NameLength),
            PathOf(first), PathOf(second), Hex(phandle));
        _findings.Add(diagnostic.WithRelated("the other node", _blob.SpanOf(_nodes[first].NameOffset, _nodes[first].NameLength)));
        return false;
    }

    // Properties behind subnodes were numbered behind the subnodes' own: a counting sort by owner, stable, puts each node's in one row again.
    private void GroupProperties()
    {
        var owners = new int[_propertyCount];
        var walk = new int[_nodeCount];
        var next = 0;
        for (var node = 0; node < _nodeCount; node++)
        {
            walk[node] = next;
            _nodes[node].FirstProperty = next;
            next += _nodes[node].PropertyCount;
        }
        FindOwners(owners);
        var grouped = new int[_propertyCount];
        for (var property = 0; property < _propertyCount; property++)
            grouped[walk[owners[property]]++] = _properties[property];
        _properties = grouped;
    }

    // The owner is the deepest node that is open at the property: nodes and properties both rise by offset, but a node's end is not stored,
    // so the tokens are read once more. They are known to be well-formed here.
    private void FindOwners(int[] owners)
    {
        var bytes = _blob.Bytes.Span;
        var (node, started, property) = (-1, 0, 0);
        var position = _blob.StructOffset;
        while (property < _propertyCount)
        {
            switch (BinaryPrimitives.ReadUInt32BigEndian(bytes.Slice(position)))
            {
                case FdtToken.BeginNode:
                    node = started++;
                    position += 4;
                    position += bytes.Slice(position).IndexOf((byte)0) + 4 & ~3;
                    break;
                case FdtToken.Property:
                    owners[property++] = node;
                    var length = BinaryPrimitives.ReadInt32BigEndian(bytes.Slice(position + 4));
                    var value = position + 12;
                    if (_blob.Header.Version < 16 && length >= 8)
                        value = AlignLongValue(value, _blob.StructOffset);
                    position = value + length + 3 & ~3;
                    break;
                case FdtToken.EndNode:
                    node = _nodes[node].Parent;
                    position += 4;
                    break;
                default:
                    position += 4;
                    break;
            }
        }
    }

    private string PathOf(int node) => FdtNames.Quote(FdtNames.Path(_blob.Bytes.Span, _nodes, node));

    private static string FirstOf(ReadOnlySpan<byte> strings) =>
        FdtNames.Quote(FdtNames.Read(strings.Slice(0, strings.IndexOf((byte)0)), out _));

    private bool Error(DiagnosticDescriptor rule, int offset, int length, params object?[] arguments)
    {
        _findings.Add(rule, _blob.SpanOf(offset, length), arguments);
        return false;
    }

    private int Stop(DiagnosticDescriptor rule, int offset, int length, params object?[] arguments)
    {
        Error(rule, offset, length, arguments);
        return -1;
    }

    private static string Hex(long value) => "0x" + value.ToString("x");
}
