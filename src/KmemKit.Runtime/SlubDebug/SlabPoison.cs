namespace KmemKit.Runtime.SlubDebug;

/// <summary>The bytes that free memory, padding and red zones are filled with. Source: include/linux/poison.h.</summary>
public static class SlabPoison
{
    /// <summary>POISON_INUSE: memory of a slab that no object's data is in, and objects that nobody has written yet.</summary>
    public const byte InUse = 0x5a;

    /// <summary>POISON_FREE: free objects; also what SLUB hands out.</summary>
    public const byte Free = 0x6b;

    /// <summary>POISON_END: the last byte of a poisoned object.</summary>
    public const byte End = 0xa5;

    /// <summary>SLUB_RED_INACTIVE: the red zone of a free object.</summary>
    public const byte RedInactive = 0xbb;

    /// <summary>SLUB_RED_ACTIVE: the red zone of an allocated object.</summary>
    public const byte RedActive = 0xcc;
}
