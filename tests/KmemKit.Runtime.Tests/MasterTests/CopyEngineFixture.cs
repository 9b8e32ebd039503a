using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Masters;
using KmemKit.Runtime.Masters.Copy;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MasterTests;

/// <summary>A copy engine with a ring, by an SMMU or a bus.</summary>
internal abstract class CopyEngineFixture(Reach reach)
{
    /// <summary>How the device reaches memory.</summary>
    protected Reach Reach => reach;

    protected const ulong Page = MasterBench.Page;
    protected static readonly PhysAddr s_source = MasterBench.Ram;
    protected static readonly PhysAddr s_target = MasterBench.Ram + 0x10_0000;

    protected MasterBench _bench = null!;
    protected CopyEngine _engine = null!;
    protected DmaAllocation _ring = null!;
    protected int _interrupts;

    [SetUp]
    public void Start()
    {
        _bench = new MasterBench(reach);
        _engine = new CopyEngine("copy", _bench.Port);
        _ring = _bench.Coherent(16 * CopyDescriptor.Bytes);
        _interrupts = 0;
        _engine.InterruptRaised += () => _interrupts++;
        _engine.Write(CopyEngine.RingBase, 8, _ring.Bus.Value);
        _engine.Write(CopyEngine.RingSize, 4, 4);
        _engine.Write(DmaMaster.InterruptEnable, 4, 7);
        _engine.Write(CopyEngine.Control, 4, 1);
    }

    [TearDown]
    public void End() => _bench.Dispose();

    protected uint _at;

    protected void Put(uint index, in CopyDescriptor descriptor)
    {
        var bytes = new byte[CopyDescriptor.Bytes];
        descriptor.Encode(bytes);
        Assert.That(CopyDescriptor.Decode(bytes), Is.EqualTo(descriptor));
        _bench.Memory.Write(_ring.Address + (index * CopyDescriptor.Bytes), bytes);
    }

    protected void Run(in CopyDescriptor descriptor)
    {
        _at = (uint)_engine.Read(CopyEngine.Head, 4);
        Put(_at, descriptor);
        _engine.Write(DmaMaster.InterruptCause, 4, 7);
        _engine.Write(CopyEngine.Head, 4, (_at + 1) % 16);
        _engine.Advance(1_000_000);
    }

    protected (bool Done, MasterError Error, uint Transferred, bool Owned) Last() => Read(_at);

    protected (bool Done, MasterError Error, uint Transferred, bool Owned) Read(uint index)
    {
        var d = CopyDescriptor.Decode(_bench.Bytes(_ring.Address + (index * CopyDescriptor.Bytes), CopyDescriptor.Bytes));
        return (d.IsDone, d.Error, d.Transferred, d.IsOwned);
    }
}
