namespace KmemKit.Runtime.Masters;

/// <summary>What a master was about when it met an error: the code in its error register and in the status of descriptors.</summary>
public enum MasterError
{
    /// <summary>Nothing went wrong.</summary>
    None = 0,

    /// <summary>A descriptor could not be read.</summary>
    DescriptorRead = 1,

    /// <summary>A descriptor says what the device cannot do.</summary>
    BadDescriptor = 2,

    /// <summary>Data could not be read.</summary>
    DataRead = 3,

    /// <summary>Data could not be written.</summary>
    DataWrite = 4,

    /// <summary>A descriptor's status could not be written.</summary>
    StatusWrite = 5,

    /// <summary>A register says what the device cannot do.</summary>
    BadRegister = 6,
}
