using System.Collections.Generic;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Sharing.Pmem;

/// <summary>What an open file of a pmem device stands for (struct pmem_data): nothing, memory, or a view of another file's memory.</summary>
internal sealed class PmemFile(PmemDevice device)
{
    /// <summary>The device that it was opened of.</summary>
    public PmemDevice Device { get; } = device;

    /// <summary>Memory that it was given; null before.</summary>
    public PhysRange? Piece { get; set; }

    /// <summary>Bytes that were asked for.</summary>
    public ulong Asked { get; set; }

    /// <summary>The file whose memory it shows parts of.</summary>
    public PmemFile? Master { get; set; }

    /// <summary>Parts that the master shows to those connected (PMEM_MAP), by offset.</summary>
    public SortedDictionary<ulong, ulong> Shown { get; } = [];

    /// <summary>Processes' mappings of it.</summary>
    public int Mappings { get; set; }

    /// <summary>The owner closed it: those connected see nothing any more (PMEM_FLAGS_REVOKED).</summary>
    public bool IsRevoked { get; set; }
}
