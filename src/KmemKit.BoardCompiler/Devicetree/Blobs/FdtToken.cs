namespace KmemKit.BoardCompiler.Devicetree.Blobs;

/// <summary>Words of the structure block (Devicetree Specification 0.4, section 5.4.1) and of the header (5.2).</summary>
internal static class FdtToken
{
    internal const uint Magic = 0xd00dfeed;
    internal const uint BeginNode = 1;
    internal const uint EndNode = 2;
    internal const uint Property = 3;
    internal const uint Nop = 4;
    internal const uint End = 9;
}
