namespace KmemKit.Architecture.Mmu.Vmsav8;

/// <summary>A translation granule: a type, so that the geometry of a format over it is a constant of the JIT.</summary>
public interface IGranule
{
    /// <summary>Log2 of the page and of a full table in bytes; a table level resolves 3 bits fewer.</summary>
    int PageShift { get; }

    /// <summary>Log2 of the entries in a contiguous group at a level; 0 where the level has no leaf or the hint is not defined.</summary>
    int ContiguousShift(int level);

    /// <summary>First level that may have blocks, without the 52-bit extensions.</summary>
    int FirstBlockLevel { get; }

    /// <summary>TCR_ELx.TG0 and VTCR_EL2.TG0.</summary>
    uint Tg0 { get; }

    /// <summary>TCR_EL1.TG1, which numbers them differently.</summary>
    uint Tg1 { get; }

    /// <summary><c>4k</c>, <c>16k</c>, <c>64k</c>.</summary>
    string Text { get; }
}

/// <summary>4 KiB.</summary>
public readonly struct Granule4K : IGranule
{
    /// <inheritdoc/>
    public int PageShift => 12;

    /// <inheritdoc/>
    public int ContiguousShift(int level) => level >= 1 ? 4 : 0;

    /// <inheritdoc/>
    public int FirstBlockLevel => 1;

    /// <inheritdoc/>
    public uint Tg0 => 0;

    /// <inheritdoc/>
    public uint Tg1 => 2;

    /// <inheritdoc/>
    public string Text => "4k";
}

/// <summary>16 KiB.</summary>
public readonly struct Granule16K : IGranule
{
    /// <inheritdoc/>
    public int PageShift => 14;

    /// <inheritdoc/>
    public int ContiguousShift(int level) => level == 3 ? 7 : level == 2 ? 5 : 0;

    /// <inheritdoc/>
    public int FirstBlockLevel => 2;

    /// <inheritdoc/>
    public uint Tg0 => 2;

    /// <inheritdoc/>
    public uint Tg1 => 1;

    /// <inheritdoc/>
    public string Text => "16k";
}

/// <summary>64 KiB.</summary>
public readonly struct Granule64K : IGranule
{
    /// <inheritdoc/>
    public int PageShift => 16;

    /// <inheritdoc/>
    public int ContiguousShift(int level) => level >= 2 ? 5 : 0;

    /// <inheritdoc/>
    public int FirstBlockLevel => 2;

    /// <inheritdoc/>
    public uint Tg0 => 1;

    /// <inheritdoc/>
    public uint Tg1 => 3;

    /// <inheritdoc/>
    public string Text => "64k";
}
