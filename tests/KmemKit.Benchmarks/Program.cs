using BenchmarkDotNet.Running;

namespace KmemKit.Benchmarks;

/// <summary>
/// <c>dotnet run -c Release --project tests/KmemKit.Benchmarks -- --filter '*'</c> runs all; <c>--list flat</c> names them.
/// </summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        foreach (var summary in BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly).Run(arguments))
        {
            if (summary.HasCriticalValidationErrors)
                return 1;
        }
        return 0;
    }
}
