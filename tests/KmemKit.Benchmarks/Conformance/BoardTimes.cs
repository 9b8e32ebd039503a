using System;
using System.Diagnostics;
using System.Linq;
using KmemKit.Conformance.Boards;
using KmemKit.Conformance.Boards.Rules;
using KmemKit.Conformance.Reports;
using KmemKit.Conformance.Rules;
using KmemKit.Tests.Shared;

namespace KmemKit.Benchmarks.Conformance;

/// <summary>
/// What the proof of a board takes: each board in a process of its own, as its owner's test run starts it (default tiers of the JIT, nothing compiled yet),
/// and a second time when all code is there. From source to last rule: compiling the board is part of it, starting the process is not. Beside the time that passed, the time
/// on CPUs of all threads: what it would take on one core, and what stays the same on a busy machine. (That of the C compiler is not in it.)
/// Where the packages have been packed, a second line has the same with the compiled code that they bring, as a user of the packages has it on such a host.
/// </summary>
/// <remarks>Targets, for a board of 4 GiB: the quick budget under a second, the full one under ten.</remarks>
internal static class BoardTimes
{
    /// <summary>The word that makes this process measure a board itself.</summary>
    public const string Here = "here";

    /// <summary>Starts a process for each board.</summary>
    /// <param name="budget"><c>quick</c> or <c>full</c>.</param>
    /// <param name="part">Boards whose name contains it; the times of all their rules are printed. Null for all boards, with their slowest rules.</param>
    public static int Run(string budget, string? part)
    {
        if (BudgetOf(budget) is null)
            return NoBudget(budget);
        var boards = RepositoryBoards.Names.Where(b => part is null || b.Contains(part, StringComparison.Ordinal)).ToArray();
        if (boards.Length == 0)
            return NoBoard(part!);
        using var packaged = PackagedCode.Find();
        Console.WriteLine(packaged is null ? $"Without the packages' compiled code: {PackagedCode.Remedy}" : "c: with the packages' compiled code");
        Console.WriteLine($"  {"board",-30} {"RAM",10} {"fresh",10} {"CPU",10} {"again",10} {"CPU",10} {"facts",9}  {(part is null ? "slowest rules of the first run" : "rules of the first run, and of the second")}");
        // The library beside this program, whether it was started by its own name or by dotnet.
        string[] programs = packaged is null ? [typeof(BoardTimes).Assembly.Location] : [typeof(BoardTimes).Assembly.Location, packaged.Program];
        foreach (var board in boards)
        {
            foreach (var program in programs)
            {
                Console.Write(program == programs[0] ? "  " : "c ");
                if (RunIn(program, budget, board, part) is not 0 and var code)
                    return code;
            }
        }
        return 0;
    }

    private static int RunIn(string program, string budget, string board, string? part)
    {
        var start = new ProcessStartInfo("dotnet", [program, "--conformance", budget, board, Here, part is null ? "slowest" : "all"]);
        start.Environment["DOTNET_TieredCompilation"] = "1";
        start.Environment["DOTNET_TieredPGO"] = "1";
        using var process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>Measures a board in this process.</summary>
    public static int RunHere(string budget, string board, bool all)
    {
        if (BudgetOf(budget) is not { } known)
            return NoBudget(budget);
        if (!RepositoryBoards.Names.Contains(board))
            return NoBoard(board);
        var options = new RuleOptions { Budget = known };
        var (fresh, first) = Once(board, options, out var bytes);
        var (again, second) = Once(board, options, out _);
        var failed = first.Concat(second).Where(r => r.Outcome == RuleOutcome.Failed).ToList();
        var slowest = all ? "" : string.Join(", ", first.OrderByDescending(r => r.Elapsed).Take(3).Select(r => $"{r.Rule} {Durations.Text(r.Elapsed)}"));
        Console.WriteLine($"{board,-30} {bytes >> 20,6} MiB {fresh} {again} {first.Sum(r => r.Proof.Checked),9}  {slowest}");
        foreach (var (one, two) in all ? first.Zip(second) : [])
            Console.WriteLine($"    {one.Rule,-37} {Durations.Text(one.Elapsed),10} {Durations.Text(two.Elapsed),10} {one.Proof.Checked,9}  {(one.Reason.Length > 0 ? one.Reason : one.Outcome)}");
        foreach (var result in failed)
            Console.WriteLine(result);
        return failed.Count == 0 ? 0 : 1;
    }

    private static int NoBudget(string name)
    {
        Console.Error.WriteLine($"There is no budget \"{name}\": quick or full.");
        return 2;
    }

    private static int NoBoard(string name)
    {
        Console.Error.WriteLine($"There is no board \"{name}\" under boards/: {string.Join(", ", RepositoryBoards.Names)}.");
        return 2;
    }

    private static (string Times, RuleResult[] Results) Once(string name, RuleOptions options, out ulong bytes)
    {
        var (start, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        using var board = BoardSubject.Of(RepositoryBoards.Input(name));
        var results = BoardRules.Run(board, options).ToArray();
        var times = $"{Durations.Text(Stopwatch.GetElapsedTime(start)),10} {Durations.Text(Environment.CpuUsage.TotalTime - cpu),10}";
        bytes = board.Layout.Banks.Aggregate(0UL, (sum, b) => sum + b.Range.Size.Value);
        return (times, results);
    }

    private static ConformanceBudget? BudgetOf(string name) => new[] { ConformanceBudget.Quick, ConformanceBudget.Full }.FirstOrDefault(b => b.Name == name);
}
