using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rule = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Blob;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

/// <summary>Reads a devicetree blob (FDT, versions 1 to 17) into a <see cref="DeviceTree"/>.</summary>
/// <remarks>
/// <para>Spans are bytes of the blob: of a node its name, of a property its FDT_PROP word to the end of its value. Values share the file's memory.</para>
/// <para>
/// Names are unique among the properties and among the subnodes of a node, as in source; a blob that breaks this is refused, as dtc does. Before
/// version 16 every node repeats its name in a property <c>name</c>, which is left out where it does; in newer blobs it is a property like any other.
/// </para>
/// </remarks>
public sealed class FdtReader
{
    // A blob of a compiler names each string of its strings block once, or twice where one name ends in another.
    private const int NameBudgetFactor = 16;

    private readonly FdtIndex _index;
    private readonly SourceFile _file;
    private readonly FindingLimiter _findings;
    private readonly Dictionary<int, int> _nameIds = [];
    private readonly Dictionary<string, int> _idsByName = new(StringComparer.Ordinal);
    private readonly List<string> _names = [];
    private int[] _lastOwner = new int[128];
    private long _nameBytes;

    private FdtReader(FdtIndex index, DiagnosticBag diagnostics)
    {
        _index = index;
        _file = index.Blob.File;
        _findings = new FindingLimiter(diagnostics);
    }

    /// <summary>Reads a blob.</summary>
    /// <param name="file">The file; a text gives KMK1501, as any file that is not a blob.</param>
    /// <returns>The tree, null where a finding is an error, and the findings (KMK1500-KMK1527), each at its byte.</returns>
    public static FrontEndResult Read(SourceFile file)
    {
        if (file is null)
            throw new ArgumentNullException(nameof(file));
        var diagnostics = new DiagnosticBag();
        DeviceTree? tree = null;
        if (!file.IsBinary)
            diagnostics.Add(Rule.Magic, new SourceSpan(file, 0, 0), "text", " (the file was opened as a source)");
        else if (FdtIndex.Create(file, diagnostics) is { } index)
            tree = new FdtReader(index, diagnostics).Build();
        return new FrontEndResult(tree, diagnostics.ToImmutable()) { Dependencies = [file.Path] };
    }

    /// <summary>Makes the tree of an indexed blob.</summary>
    /// <param name="index">The index.</param>
    /// <param name="diagnostics">Gets KMK1521, KMK1522, KMK1525 and KMK1526.</param>
    /// <returns>The tree, or null where one of the findings is an error.</returns>
    public static DeviceTree? Read(FdtIndex index, DiagnosticBag diagnostics)
    {
        if (index is null)
            throw new ArgumentNullException(nameof(index));
        if (diagnostics is null)
            throw new ArgumentNullException(nameof(diagnostics));
        return new FdtReader(index, diagnostics).Build();
    }

    private DeviceTree? Build()
    {
        CheckSubnodeNames();
        var nodes = new DeviceTreeNode[_index.NodeCount];
        var complete = !_findings.HasErrors;
        for (var i = 0; i < nodes.Length && complete; i++)
        {
            var name = i == 0 ? "" : NodeName(i);
            var node = new DeviceTreeNode(name, new SourceSpan(_file, _index.NameOffset(i), _index.Name(i).Length));
            nodes[i] = node;
            if (i > 0)
                nodes[_index.Parent(i)].AddChild(node);
            complete = AddProperties(i, node);
        }
        _findings.Finish();
        if (_findings.HasErrors)
            return null;
        return new DeviceTree(_file, nodes[0], Reservations(), _index.Blob.Header.BootCpuId);
    }

    private void CheckSubnodeNames()
    {
        var children = _index.Children;
        if (children.FirstTwin < 0)
            return;
        var (first, second) = (children.FirstTwin, children.SecondTwin);
        var name = FdtNames.Quote(FdtNames.Read(_index.Name(second), out _));
        _findings.Add(KmemDiagnostic.Create(Rule.NodeTwice, NodeSpan(second), FdtNames.Quote(_index.Path(_index.Parent(second))), name)
            .WithRelated("the first one", NodeSpan(first)));
    }

    private SourceSpan NodeSpan(int node) => new(_file, _index.NameOffset(node), _index.Name(node).Length);

    private string NodeName(int node)
    {
        var name = FdtNames.Read(_index.Name(node), out var expressible);
        if (!expressible)
            ReportName("node", name, _index.Parent(node), NodeSpan(node));
        return name;
    }

    private bool AddProperties(int index, DeviceTreeNode node)
    {
        var count = _index.PropertyCount(index);
        if (count == 0)
            return true;
        var properties = node.MutableProperties;
        properties.Capacity = count;
        var first = _index.FirstProperty(index);
        for (var i = first; i < first + count; i++)
        {
            var id = NameId(i, index);
            if (id < 0)
                return false;
            var value = _index.PropertyMemory(i);
            var span = new SourceSpan(_file, _index.PropertyOffset(i), 12 + value.Length);
            if (_lastOwner[id] == index + 1)
            {
                ReportTwice(index, node, id, span);
                continue;
            }
            _lastOwner[id] = index + 1;
            if (_index.Blob.Header.Version < 16 && RepeatsNodeName(_names[id], value.Span, node.BaseName))
                continue;
            properties.Add(new DeviceTreeProperty(_names[id], value, span));
        }
        return true;
    }

    private static bool RepeatsNodeName(string property, ReadOnlySpan<byte> value, string baseName)
    {
        if (property != "name" || value.Length != baseName.Length + 1 || value[value.Length - 1] != 0)
            return false;
        for (var i = 0; i < baseName.Length; i++)
        {
            if (value[i] != baseName[i])
                return false;
        }
        return true;
    }

    private void ReportTwice(int index, DeviceTreeNode node, int id, SourceSpan span)
    {
        if (!_findings.Wants(Rule.PropertyTwice))
        {
            _findings.Skip(Rule.PropertyTwice, span);
            return;
        }
        var diagnostic = KmemDiagnostic.Create(Rule.PropertyTwice, span, FdtNames.Quote(_index.Path(index)), FdtNames.Quote(_names[id]));
        foreach (var property in node.Properties)
        {
            if (property.Name == _names[id])
                diagnostic = diagnostic.WithRelated("the first one", property.Span);
        }
        _findings.Add(diagnostic);
    }

    // Equal names have one number, also where the strings block holds them twice. -1: the names are made to exhaust memory.
    private int NameId(int property, int node)
    {
        var offset = _index.PropertyNameOffset(property);
        if (_nameIds.TryGetValue(offset, out var id))
            return id;
        var bytes = _index.StringAt(offset);
        _nameBytes += bytes.Length + 1;
        var span = new SourceSpan(_file, _index.Blob.StringsOffset + offset, bytes.Length);
        if (_nameBytes > (long)NameBudgetFactor * _index.Blob.StringsSize)
        {
            _findings.Add(Rule.NamesOverlap, span, _nameBytes, _index.Blob.StringsSize);
            return -1;
        }
        var name = FdtNames.Read(bytes, out var expressible);
        if (!_idsByName.TryGetValue(name, out id))
        {
            id = _names.Count;
            _names.Add(name);
            _idsByName.Add(name, id);
            if (id == _lastOwner.Length)
                Array.Resize(ref _lastOwner, id * 2);
            if (!expressible)
                ReportName("property", name, node, span);
        }
        _nameIds.Add(offset, id);
        return id;
    }

    private void ReportName(string kind, string name, int node, SourceSpan span)
    {
        if (_findings.Wants(Rule.NameCharacters))
            _findings.Add(Rule.NameCharacters, span, kind, FdtNames.Quote(name), FdtNames.Quote(_index.Path(node)));
        else
            _findings.Skip(Rule.NameCharacters, span);
    }

    private ImmutableArray<MemoryReservation> Reservations()
    {
        var entries = _index.Blob.Reservations;
        if (entries.IsEmpty)
            return ImmutableArray<MemoryReservation>.Empty;
        var reservations = ImmutableArray.CreateBuilder<MemoryReservation>(entries.Length);
        foreach (var entry in entries)
        {
            reservations.Add(new MemoryReservation(
                new PhysAddr(entry.Address), entry.Size, ImmutableArray<string>.Empty, new SourceSpan(_file, entry.Offset, 16)));
        }
        return reservations.MoveToImmutable();
    }
}
