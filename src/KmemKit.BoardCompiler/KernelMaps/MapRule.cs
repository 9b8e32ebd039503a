namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>Which rule gave a stretch of virtual addresses its place.</summary>
public enum MapRule
{
    /// <summary>RAM of the linear map, at the layout's offset.</summary>
    LinearMap,

    /// <summary>A section of a kernel image that has a map of its own (arm64 from 4.6, x86-64).</summary>
    ImageMap,

    /// <summary>The page of exception vectors (32-bit Arm).</summary>
    Vectors,

    /// <summary>Registers of a device, or on-chip memory, at a fixed address in the vmalloc area.</summary>
    StaticIo,

    /// <summary>Mapped one to one for the code that turns translation on.</summary>
    Identity,

    /// <summary>Mapped one to one because all of the map is (<see cref="MapStyle.Flat"/>).</summary>
    Flat,

    /// <summary>Granted to a device behind an SMMU, at its device address (IOVA).</summary>
    Iova,
}

/// <summary>Where things are put.</summary>
public enum MapStyle
{
    /// <summary>As the layout's kernel has them.</summary>
    Kernel,

    /// <summary>Virtual is physical, as firmware (TF-A's flat maps), hypervisors and bare-metal programs have it.</summary>
    Flat,
}
