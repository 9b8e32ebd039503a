using Boards;
using KmemKit.Architecture;
using NUnit.Framework;

namespace KmemHarness;

/// <summary>What this board's firmware relies on.</summary>
public sealed class MemoryMapTests
{
    [Test]
    public void The_second_chip_is_mapped_behind_the_first()
    {
        Assert.That(Demo.TryPhysToVirt(new PhysAddr(0x90000000), out var virt));
        Assert.That(virt, Is.EqualTo(new VirtAddr(0xd0000000)));
        Assert.That(Demo.VirtToPhys(virt), Is.EqualTo(new PhysAddr(0x90000000)));
    }

    [TestCase(0x87000000ul, TestName = "The modem's memory is not mapped")]
    [TestCase(0x88000000ul, TestName = "Nothing is between the chips")]
    public void Holes_are_refused(ulong address) => Assert.That(Demo.TryPhysToVirt(new PhysAddr(address), out _), Is.False);
}
