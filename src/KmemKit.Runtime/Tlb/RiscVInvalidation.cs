using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>SFENCE.VMA of RISC-V and what it reaches: privileged architecture, 12.2.1 (20240411).</summary>
/// <remarks>It works on the hart that executes it; others are told by the SBI (rfence) or an interrupt.</remarks>
public static class RiscVInvalidation
{
    /// <summary>SFENCE.VMA rs1, rs2.</summary>
    /// <param name="address">rs1; null for x0: all addresses.</param>
    /// <param name="asid">rs2; null for x0: all address spaces, and global translations, which an ASID does not reach.</param>
    public static TlbScope SfenceVma(VirtAddr? address, ushort? asid) => new(address, address, asid, Globals: asid is null, NonGlobals: true, Vmid: null);
}
