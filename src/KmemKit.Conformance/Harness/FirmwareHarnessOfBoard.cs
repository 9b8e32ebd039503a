using KmemKit.Architecture.Boards;

namespace KmemKit.Conformance.Harness;

/// <summary>A machine of a board that is a type: <c>using var machine = new FirmwareHarness&lt;Boards.Msm8974&gt;();</c></summary>
/// <typeparam name="TBoard">The board, with MMU or MPU.</typeparam>
public sealed class FirmwareHarness<TBoard> : FirmwareHarness where TBoard : struct, IBoard<TBoard>
{
    /// <summary>Starts a machine.</summary>
    /// <exception cref="System.ArgumentException">The board has no layout, page tables, or protection plan.</exception>
    /// <exception cref="Runtime.Boot.MemoryBootException">Its memory cannot be booted.</exception>
    public FirmwareHarness(HarnessOptions? options = null)
        : base(MachineImage.Of<TBoard>(), options)
    {
    }
}
