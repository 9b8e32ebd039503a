using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.Tracking;

/// <summary>A misuse of memory that was found, as values. <see cref="object.ToString"/> writes it as the kernel prints it.</summary>
/// <param name="By">Who ran into it.</param>
public abstract record MemoryReport(Reporter By)
{
    /// <summary>The text in the kernel's form; lines end with a newline.</summary>
    public abstract override string ToString();
}

/// <summary>Where a bug was found: the place, the CPU, the task and the time.</summary>
/// <param name="Site">The call that found it.</param>
/// <param name="Cpu">The CPU.</param>
/// <param name="Task">The task on it.</param>
/// <param name="Jiffies">The time.</param>
public readonly record struct Reporter(AllocationSite Site, int Cpu, KernelTask Task, long Jiffies);

/// <summary>Who did something to an object, and when, as a report holds it.</summary>
/// <param name="Site">Where.</param>
/// <param name="Cpu">On which CPU.</param>
/// <param name="Pid">In which task.</param>
/// <param name="When">When, in jiffies.</param>
public readonly record struct TrackRecord(AllocationSite Site, int Cpu, int Pid, long When);
