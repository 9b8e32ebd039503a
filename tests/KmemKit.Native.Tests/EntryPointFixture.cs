using System.Linq;
using KmemKit.Native.Machine;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>Entry points called as C calls them, in this process: each test names its board, and it is taken away again.</summary>
[NonParallelizable]
internal abstract unsafe class EntryPointFixture
{
    [SetUp]
    public void OnlyOnLinux()
    {
        if (!System.OperatingSystem.IsLinux())
            Assert.Ignore("run on Linux: RAM is mapped twice there alone");
    }

    [TearDown]
    public void End()
    {
        var site = default(CallSite);
        NativeMachine.Shutdown(&site);
        while (ThreadState.Current.Pending.TryDequeue(out _))
        {
        }
        NativeBoard.Forget();
    }

    /// <summary>The reports that nobody took yet.</summary>
    protected static string Texts() => string.Concat(ThreadState.Current.Pending.Select(r => r.Text));
}
