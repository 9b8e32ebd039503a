namespace KmemKit.Native.Machine;

/// <summary>What a boot may choose (<c>struct kmem_config</c>); the default is the board's.</summary>
/// <param name="Cpus">CPUs; 0 for as many as the board has.</param>
/// <param name="SlubDebug"><c>slub_debug=</c>; null for FZPU, <c>-</c> for none.</param>
/// <param name="SwiotlbBytes">Bytes of bounce buffers, a multiple of 256 KiB; 0 for none.</param>
internal readonly record struct MachineConfig(int Cpus, string? SlubDebug, ulong SwiotlbBytes)
{
    /// <summary>Whether nothing was chosen.</summary>
    public bool IsDefault => Cpus == 0 && SlubDebug is null && SwiotlbBytes == 0;
}
