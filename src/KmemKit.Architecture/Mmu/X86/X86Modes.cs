namespace KmemKit.Architecture.Mmu.X86;

/// <summary>A paging mode: a type, so that what depends on it is a constant of the JIT.</summary>
/// <remarks>Intel SDM volume 3, 5.1.1 (modes) and table 5-1.</remarks>
public interface IX86Mode
{
    /// <summary><c>x86-32</c>, <c>x86-pae</c>, <c>x86-64</c>, <c>x86-64-la57</c>.</summary>
    string Name { get; }

    /// <summary>Level of the table CR3 points to: 2 is the page directory, 3 the PDPT, 4 the PML4, 5 the PML5.</summary>
    int RootLevel { get; }

    /// <summary>Bits of a linear address.</summary>
    int InputBits { get; }

    /// <summary>Most bits of a physical address.</summary>
    int OutputBits { get; }

    /// <summary>Descriptors of 4 bytes, 10 bits a level.</summary>
    bool IsTwoLevel { get; }

    /// <summary>8-byte descriptors with a PDPT of four that carries no rights.</summary>
    bool IsPae { get; }
}

/// <summary>32-bit paging.</summary>
public readonly struct TwoLevel : IX86Mode
{
    /// <inheritdoc/>
    public string Name => "x86-32";

    /// <inheritdoc/>
    public int RootLevel => 2;

    /// <inheritdoc/>
    public int InputBits => 32;

    /// <inheritdoc/>
    public int OutputBits => 40;

    /// <inheritdoc/>
    public bool IsTwoLevel => true;

    /// <inheritdoc/>
    public bool IsPae => false;
}

/// <summary>PAE paging.</summary>
public readonly struct Pae : IX86Mode
{
    /// <inheritdoc/>
    public string Name => "x86-pae";

    /// <inheritdoc/>
    public int RootLevel => 3;

    /// <inheritdoc/>
    public int InputBits => 32;

    /// <inheritdoc/>
    public int OutputBits => 52;

    /// <inheritdoc/>
    public bool IsTwoLevel => false;

    /// <inheritdoc/>
    public bool IsPae => true;
}

/// <summary>4-level paging.</summary>
public readonly struct FourLevel : IX86Mode
{
    /// <inheritdoc/>
    public string Name => "x86-64";

    /// <inheritdoc/>
    public int RootLevel => 4;

    /// <inheritdoc/>
    public int InputBits => 48;

    /// <inheritdoc/>
    public int OutputBits => 52;

    /// <inheritdoc/>
    public bool IsTwoLevel => false;

    /// <inheritdoc/>
    public bool IsPae => false;
}

/// <summary>5-level paging (CR4.LA57).</summary>
public readonly struct FiveLevel : IX86Mode
{
    /// <inheritdoc/>
    public string Name => "x86-64-la57";

    /// <inheritdoc/>
    public int RootLevel => 5;

    /// <inheritdoc/>
    public int InputBits => 57;

    /// <inheritdoc/>
    public int OutputBits => 52;

    /// <inheritdoc/>
    public bool IsTwoLevel => false;

    /// <inheritdoc/>
    public bool IsPae => false;
}
