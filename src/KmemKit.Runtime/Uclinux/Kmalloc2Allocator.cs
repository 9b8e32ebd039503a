using KmemKit.Architecture;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Uclinux;

/// <summary>
/// kmalloc2 / page_alloc2 of uClinux 2.4: 2^n bytes up to a page, whole pages above, and not one more. Requests of up to 8 KB are placed as low as they fit,
/// larger ones as high as they fit, so that small long-lived blocks do not cut the large free rows.
/// </summary>
/// <remarks>The rules are those that "uClinux Design" in Operating System Design and Implementation, Memory Management Part II (Shiao-Li Tsao) states.</remarks>
/// <param name="memory">The RAM.</param>
/// <param name="range">Whole frames of 4 KiB; see <see cref="FramePool"/>.</param>
public sealed class Kmalloc2Allocator(PhysicalMemory memory, PhysRange range) : UclinuxAllocator(memory, range)
{
    /// <summary>Requests of more bytes go to the top.</summary>
    public const ulong BottomLimit = 8192;

    /// <inheritdoc/>
    public override string Name => "page_alloc2 (kmalloc2)";

    // Not Alignment.Up, for which a size near 2^64 would be an error: here it is just more than there is.
    private protected override ulong RoundedToFrames(ulong bytes) => bytes > ulong.MaxValue - FramePool.FrameSize
        ? ulong.MaxValue
        : (bytes + FramePool.FrameSize - 1) & ~(FramePool.FrameSize - 1);

    private protected override int FindFrames(int frames, ulong bytes) =>
        bytes <= BottomLimit ? Pool.FindFromBottom(frames) : Pool.FindFromTop(frames);
}
