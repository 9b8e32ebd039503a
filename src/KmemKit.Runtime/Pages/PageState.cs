namespace KmemKit.Runtime.Pages;

/// <summary>The byte a frame that the allocator reads and writes on every call.</summary>
/// <remarks>
/// 0 for everything that is not the first frame of an allocated block: free, inside a block, reserved, hole. So boot writes none, and a free is checked by
/// one comparison; which of those it is, is found out only when something is wrong. Otherwise: bit 7, the order in bits 0-3, and:
/// </remarks>
internal static class PageState
{
    public const byte Allocated = 0x80;

    /// <summary>Allocated with __GFP_COMP.</summary>
    public const byte Compound = 0x40;

    /// <summary>The descriptor holds references or flags that freeing has to look at.</summary>
    public const byte Marked = 0x20;

    public const byte OrderMask = 0x0f;
}
