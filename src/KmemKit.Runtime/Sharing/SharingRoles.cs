namespace KmemKit.Runtime.Sharing;

/// <summary>Who does what in a way of sharing buffers: a column of the seed's table "Comparison of internal solutions".</summary>
/// <param name="Allocator">Gives and takes memory.</param>
/// <param name="Exporter">Lets others have a buffer.</param>
/// <param name="CpuMapper">Maps it for the processor.</param>
/// <param name="IommuMapper">Maps it for devices; <c>None</c> where nobody does.</param>
/// <param name="Handle">What subsystems call a buffer by.</param>
/// <param name="RefCount">What keeps it alive.</param>
public sealed record SharingRoles(string Allocator, string Exporter, string CpuMapper, string IommuMapper, string Handle, string RefCount);
