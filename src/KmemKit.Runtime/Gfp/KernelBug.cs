namespace KmemKit.Runtime.Gfp;

/// <summary>What a caller of the allocator did wrong or should know, where the kernel prints and goes on.</summary>
public enum KernelBugKind
{
    /// <summary>A request that may sleep came from where nobody can: <c>BUG: sleeping function called from invalid context</c>.</summary>
    SleepInAtomicContext,

    /// <summary>An order beyond MAX_ORDER, or below 0.</summary>
    OrderTooLarge,

    /// <summary>Flags that contradict each other, such as two zones.</summary>
    BadFlags,

    /// <summary>A mover said that a page is moved, but its contents were not copied.</summary>
    MovedWithoutCopy,

    /// <summary>A request without <see cref="GfpFlags.NoWarn"/> failed: <c>page allocation failure</c>.</summary>
    AllocationFailure,
}

/// <summary>A report of the allocator; it went on as the kernel would.</summary>
/// <param name="Kind">What it is about.</param>
/// <param name="Flags">The request's flags.</param>
/// <param name="Order">The request's order.</param>
/// <param name="Message">One line.</param>
public sealed record KernelBug(KernelBugKind Kind, GfpFlags Flags, int Order, string Message);
