namespace KmemKit.Conformance.Rules;

/// <summary>How much a run may look at where looking at everything would take too long. Edges are never sampled: all of them are looked at.</summary>
/// <param name="Name">What reports call it.</param>
/// <param name="Samples">Addresses that are drawn at random for each range or piece of RAM, at most.</param>
/// <param name="Steps">Operations of a random load on an allocator.</param>
/// <param name="Sweep">Allocations that are made to fail one after the other, at most.</param>
/// <param name="Threads">Threads of a load on a thread-safe allocator.</param>
public sealed record ConformanceBudget(string Name, int Samples, int Steps, int Sweep, int Threads)
{
    /// <summary>Under a second for a board of 4 GiB, once the code of the rules is compiled.</summary>
    public static ConformanceBudget Quick { get; } = new("quick", 64, 2_000, 24, 2);

    /// <summary>Under ten seconds for a board of 4 GiB: what runs unless a fixture says otherwise.</summary>
    public static ConformanceBudget Full { get; } = new("full", 4_096, 60_000, 400, 4);

    /// <summary>Whether it is so small that what can be booted once is, for all rules.</summary>
    internal bool IsQuick => Steps <= Quick.Steps;
}
