using Boards;
using KmemKit.Conformance;

namespace KmemHarness;

/// <summary>What holds for every board, proved for this one.</summary>
public sealed class DemoConformance : BoardConformance<Demo>;
