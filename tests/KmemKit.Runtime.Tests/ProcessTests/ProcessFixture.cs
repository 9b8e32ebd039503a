using KmemKit.Architecture;
using KmemKit.Runtime.Processes;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>Words that tests of processes share.</summary>
internal abstract class ProcessFixture
{
    protected const MapFlags Private = MapFlags.Private | MapFlags.Anonymous;
    protected const MapFlags Shared = MapFlags.Shared | MapFlags.Anonymous;
    protected const MemProt Rw = MemProt.Read | MemProt.Write;

    protected static ulong Load(Process process, VirtAddr address)
    {
        Assert.That(process.TryLoad(address, 8, out var value), Is.Null);
        return value;
    }

    protected static void Store(Process process, VirtAddr address, ulong value) => Assert.That(process.TryStore(address, 8, value), Is.Null);
}
