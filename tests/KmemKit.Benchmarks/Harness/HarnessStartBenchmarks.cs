using BenchmarkDotNet.Attributes;
using KmemKit.Conformance.Harness;
using KmemKit.Tests.Shared;

namespace KmemKit.Benchmarks.Harness;

/// <summary>What a test pays for a machine of its own: started from the image that all tests of the board share, against compiling and planning the board for it. Target: 5 ms.</summary>
[Config(typeof(SideBySideConfig))]
public class HarnessStartBenchmarks
{
    private MachineImage _image = null!;

    /// <summary>A Cortex-M3 with 16 MiB, an AArch64 board with 128 MiB, a phone with 2 GiB.</summary>
    [Params("qemu/mps2-an385", "qemu/virt-cortex-a53", "qcom/msm8974")]
    public string Board { get; set; } = "";

    /// <summary>Makes the image.</summary>
    [GlobalSetup]
    public void Setup() => _image = MachineImage.Of(RepositoryBoards.Compile(Board));

    /// <summary>Start and end.</summary>
    [Benchmark]
    public void FromImage() => new FirmwareHarness(_image).Dispose();

    /// <summary>The same, from the board's source.</summary>
    [Benchmark(Baseline = true)]
    public void FromSource() => new FirmwareHarness(MachineImage.Of(RepositoryBoards.Compile(Board))).Dispose();
}
