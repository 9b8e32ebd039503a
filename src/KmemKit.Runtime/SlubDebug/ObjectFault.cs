namespace KmemKit.Runtime.SlubDebug;

/// <summary>Which bytes of a slot are not as they were left.</summary>
public enum ObjectFaultKind
{
    /// <summary>All are.</summary>
    None,

    /// <summary>In front of the object.</summary>
    LeftRedZone,

    /// <summary>Behind the object.</summary>
    RightRedZone,

    /// <summary>Behind the bytes that kmalloc was asked for, in the object.</summary>
    RequestedRedZone,

    /// <summary>Between the object and the next word, where there is no red zone.</summary>
    AlignmentPadding,

    /// <summary>In the object, which is free.</summary>
    Poison,

    /// <summary>Behind everything that belongs to the object.</summary>
    ObjectPadding,
}

/// <summary>A stretch of damaged bytes.</summary>
/// <param name="Kind">Where it lies.</param>
/// <param name="First">The first damaged byte, counted from the object's first; negative in front of it.</param>
/// <param name="End">Behind the last damaged byte.</param>
/// <param name="Expected">What the bytes were left as.</param>
public readonly record struct ObjectFault(ObjectFaultKind Kind, int First, int End, byte Expected);
