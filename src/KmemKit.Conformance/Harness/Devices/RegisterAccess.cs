namespace KmemKit.Conformance.Harness.Devices;

/// <summary>What software may do with a register.</summary>
public enum RegisterAccess
{
    /// <summary>Read and write.</summary>
    ReadWrite,

    /// <summary>Read; a write is a mistake of the driver.</summary>
    ReadOnly,

    /// <summary>Write; a read is a mistake of the driver.</summary>
    WriteOnly,

    /// <summary>Read; each 1 that is written clears its bit (interrupt status).</summary>
    WriteOneToClear,

    /// <summary>Read, which clears it.</summary>
    ReadToClear,
}
