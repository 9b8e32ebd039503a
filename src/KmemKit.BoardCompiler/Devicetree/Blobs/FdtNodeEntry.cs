namespace KmemKit.BoardCompiler.Devicetree.Blobs;

// One row of FdtIndex: small, so that a walk reads half a cache line a node.
internal struct FdtNodeEntry
{
    internal int Offset;
    internal int NameOffset;
    internal int NameLength;
    internal int Parent;
    internal int Depth;
    internal int SubtreeEnd;
    internal int FirstProperty;
    internal int PropertyCount;
    internal uint Phandle; // 0: none
}
