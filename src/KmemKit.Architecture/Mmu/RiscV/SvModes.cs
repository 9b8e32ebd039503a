namespace KmemKit.Architecture.Mmu.RiscV;

/// <summary>A translation scheme: a type, so that its geometry is a constant of the JIT.</summary>
public interface ISvMode
{
    /// <summary>LEVELS of the manual.</summary>
    int Levels { get; }

    /// <summary>Bytes of an entry: 4 or 8.</summary>
    int EntrySize { get; }

    /// <summary>satp.MODE.</summary>
    uint Mode { get; }

    /// <summary><c>sv32</c> to <c>sv57</c>.</summary>
    string Name { get; }
}

/// <summary>Sv32 of RV32.</summary>
public readonly struct Sv32 : ISvMode
{
    /// <inheritdoc/>
    public int Levels => 2;

    /// <inheritdoc/>
    public int EntrySize => 4;

    /// <inheritdoc/>
    public uint Mode => 1;

    /// <inheritdoc/>
    public string Name => "sv32";
}

/// <summary>Sv39 of RV64.</summary>
public readonly struct Sv39 : ISvMode
{
    /// <inheritdoc/>
    public int Levels => 3;

    /// <inheritdoc/>
    public int EntrySize => 8;

    /// <inheritdoc/>
    public uint Mode => 8;

    /// <inheritdoc/>
    public string Name => "sv39";
}

/// <summary>Sv48 of RV64.</summary>
public readonly struct Sv48 : ISvMode
{
    /// <inheritdoc/>
    public int Levels => 4;

    /// <inheritdoc/>
    public int EntrySize => 8;

    /// <inheritdoc/>
    public uint Mode => 9;

    /// <inheritdoc/>
    public string Name => "sv48";
}

/// <summary>Sv57 of RV64.</summary>
public readonly struct Sv57 : ISvMode
{
    /// <inheritdoc/>
    public int Levels => 5;

    /// <inheritdoc/>
    public int EntrySize => 8;

    /// <inheritdoc/>
    public uint Mode => 10;

    /// <inheritdoc/>
    public string Name => "sv57";
}
