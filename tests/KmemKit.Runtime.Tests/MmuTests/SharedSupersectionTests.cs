using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Runtime.Mmu;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>Leaves of several descriptors of the root: the supersections of Arm's short descriptors.</summary>
internal sealed class SharedSupersectionTests
{
    private const ulong Section = 1 << 20;
    private const ulong Supersection = 16 * Section;

    [Test]
    public void A_follower_has_every_descriptor_of_a_supersection_that_comes_and_of_one_that_is_cut([Values(0, 7, 15)] int cut)
    {
        using var machine = new MmuMachine<ArmShortFormat>(watch: false);
        var from = 8 * Supersection;
        var follower = PageTables.Create(machine.Cpu, machine.Machine.Memory, machine.Format, machine.Domain)!;
        Assert.That(follower.TryShare(machine.Cpu, machine.Tables, new VirtAddr(from)));
        Assert.That(machine.Map(from, 0, Supersection, machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Section)).IsOk);
        Same("sections");
        Assert.That(machine.Tables.Join(machine.Cpu, new VirtAddr(from), Supersection, out var joined).IsOk);
        Assert.That(joined, Is.EqualTo(1));
        Same("joined");
        // One section of them is cut, and the others become sections as well.
        Assert.That(machine.Unmap(from + ((ulong)cut * Section), machine.Page).IsOk);
        Assert.That(machine.Tables.ShapeAt(new VirtAddr(from + ((ulong)((cut + 1) % 16) * Section)))!.Value.Bytes, Is.EqualTo(Section));
        Same("cut");
        follower.Free(machine.Cpu);

        void Same(string what)
        {
            for (var at = from; at < from + Supersection; at += Section)
                Assert.That(follower.Walk(new VirtAddr(at)).Descriptor, Is.EqualTo(machine.Tables.Walk(new VirtAddr(at)).Descriptor), $"{what}: 0x{at:x}");
        }
    }
}
