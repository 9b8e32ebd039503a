using System;
using System.Diagnostics;

namespace KmemKit.Benchmarks;

/// <summary>
/// The two ways in which the JIT may have compiled what is measured, each in a process of its own: straight to the optimised tier, without a profile, as this program is
/// set; and by .NET's own default tiers, whose profile devirtualises and inlines, as in a program of a user who sets nothing.
/// </summary>
/// <remarks>Each process measures its own peers: a ratio never has its two sides from two modes.</remarks>
internal static class JitModes
{
    /// <summary>The word that makes a process measure itself.</summary>
    public const string Here = "here";

    private static readonly (string Name, string IsTiered)[] s_modes =
    [
        ("code straight from the optimised tier, no profile", "0"),
        (".NET's default tiers with their profile, warmed up", "1"),
    ];

    /// <summary>Starts this program once for each mode, one behind the other.</summary>
    /// <param name="arguments">What it is to measure; <see cref="Here"/> is put behind them.</param>
    /// <returns>The first exit code that is not 0.</returns>
    public static int Run(params string[] arguments)
    {
        foreach (var (name, isTiered) in s_modes)
        {
            Console.WriteLine($"-- {name}");
            // The library beside this program, whether it was started by its own name or by dotnet.
            var start = new ProcessStartInfo("dotnet", [typeof(JitModes).Assembly.Location, .. arguments, Here]);
            start.Environment["DOTNET_TieredCompilation"] = isTiered;
            start.Environment["DOTNET_TieredPGO"] = isTiered;
            using var process = Process.Start(start)!;
            process.WaitForExit();
            if (process.ExitCode != 0)
                return process.ExitCode;
        }
        return 0;
    }
}
