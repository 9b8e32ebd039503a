using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Processor;
using KmemKit.Runtime.Tlb;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MmuTests;

/// <summary>Loads, stores and fetches of a simulated CPU: bytes, pages, devices, and the syndromes of faults, which are the manuals' numbers.</summary>
internal sealed unsafe class CpuPortTests
{
    private const ulong Page = 4096;
    private const Privilege Kernel = Privilege.Privileged;
    private const Privilege User = Privilege.User;

    [Test]
    public void Every_size_at_every_offset_moves_the_bytes_it_names([Values] bool watch)
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(watch: watch);
        // Neighbours that are far apart in memory, so that a crossing access needs both translations.
        Assert.That(machine.Map(0, 0x40000, Page).IsOk);
        Assert.That(machine.Map(Page, 0x20000, Page).IsOk);
        var expected = new byte[2 * Page];
        var random = new Random(1);
        for (var i = 0; i < 4000; i++)
        {
            var size = 1 + random.Next(16);
            var at = random.Next(4) == 0 ? (int)Page - random.Next(Math.Min(size + 1, 16)) : random.Next((int)(2 * Page) - size);
            var bytes = new byte[size];
            random.NextBytes(bytes);
            if (random.Next(2) == 0)
            {
                machine.Port.Store(new VirtAddr((ulong)at), bytes, Kernel);
                bytes.CopyTo(expected, at);
            }
            var read = new byte[size];
            machine.Port.Load(new VirtAddr((ulong)at), read, Kernel);
            Assert.That(read, Is.EqualTo(expected.AsSpan(at, size).ToArray()));
            if (size <= 8)
            {
                var value = machine.Port.Load(new VirtAddr((ulong)at), size, Kernel);
                var wide = new byte[8];
                read.CopyTo(wide, 0);
                Assert.That(value, Is.EqualTo(BitConverter.ToUInt64(wide)));
            }
        }
        Assert.That(machine.Port.Load<UInt128>(new VirtAddr(Page - 8), Kernel), Is.EqualTo(new UInt128(BitConverter.ToUInt64(expected, (int)Page), BitConverter.ToUInt64(expected, (int)Page - 8))));
        Assert.That(machine.Machine.Memory.ReadByte(new PhysAddr(0x40fff)), Is.EqualTo(expected[Page - 1]));
        Assert.That(machine.Machine.Memory.ReadByte(new PhysAddr(0x20000)), Is.EqualTo(expected[Page]));
        machine.NoBugs();
    }

    [Test]
    public void An_access_has_1_to_16_bytes()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        Assert.That(() => machine.Port.Load(new VirtAddr(0), 0, Kernel), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => machine.Port.Load(new VirtAddr(0), 9, Kernel), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => machine.Port.Load(new VirtAddr(0), new byte[17], Kernel), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => machine.Port.Store(new VirtAddr(0), [], Kernel), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void A_store_that_crosses_into_a_page_that_faults_writes_nothing()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        Assert.That(machine.Map(0, 0x40000, Page).IsOk);
        machine.Port.Store(new VirtAddr(Page - 4), 0x11223344u, Kernel);
        var fault = machine.FaultOf(() => machine.Port.Store(new VirtAddr(Page - 4), ulong.MaxValue, Kernel));
        Assert.That(fault.Address.Value, Is.EqualTo(Page), "the first byte that is not there");
        Assert.That(machine.Port.Load<uint>(new VirtAddr(Page - 4), Kernel), Is.EqualTo(0x11223344));
        // The second page is there, and nothing answers behind it.
        Assert.That(machine.Map(Page, 1UL << 40, Page).IsOk);
        Assert.That(machine.FaultOf(() => machine.Port.Store(new VirtAddr(Page - 4), ulong.MaxValue, Kernel)).Cause, Is.EqualTo(FaultCause.ExternalAbort));
        Assert.That(machine.Port.Load<uint>(new VirtAddr(Page - 4), Kernel), Is.EqualTo(0x11223344));
    }

    [TestCase(AccessRights.Read, Kernel, 0x0u)]
    [TestCase(AccessRights.Write, Kernel, 0x2u)]
    [TestCase(AccessRights.Read, User, 0x4u)]
    [TestCase(AccessRights.Write, User, 0x6u)]
    [TestCase(AccessRights.Execute, User, 0x14u)]
    public void X86_page_fault_error_codes(AccessRights access, Privilege privilege, uint code)
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        Assert.That(machine.Map(Page, 0, Page, machine.Prot(AccessRights.Read, AccessRights.None)).IsOk);
        Check(machine.FaultOf(() => machine.Port.Translate(new VirtAddr(0x2345), access, privilege)), "#PF", "error code", code, "CR2", 0x2345);
        // Present, and not allowed.
        if (privilege == User || access == AccessRights.Write)
            Check(machine.FaultOf(() => machine.Port.Translate(new VirtAddr(0x1678), access, privilege)), "#PF", "error code", code | 1, "CR2", 0x1678);
        Check(machine.FaultOf(() => machine.Port.Translate(new VirtAddr(0x8000_0000_0000), access, privilege)), "#GP", "error code", 0, null, 0x8000_0000_0000);
    }

    [Test]
    public void Arm_short_fault_status_and_address()
    {
        using var machine = new MmuMachine<ArmShortFormat>();
        Assert.That(machine.Map(Page, 0, Page, machine.Prot(AccessRights.Read, AccessRights.None)).IsOk);
        Assert.That(machine.Map(2 << 20, 1 << 20, 1 << 20, machine.Prot(AccessRights.Read, AccessRights.None)).IsOk);
        // DDI 0406C table B3-23: translation faults 0b00101 and 0b00111, permission faults 0b01101 and 0b01111; bit 11 is WnR.
        Check(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(0x4000_0000), Kernel)), "data abort", "DFSR", 0x5, "DFAR", 0x4000_0000);
        Check(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(0x2004), Kernel)), "data abort", "DFSR", 0x7, "DFAR", 0x2004);
        Check(machine.FaultOf(() => machine.Port.Store(new VirtAddr(0x1004), (byte)1, Kernel)), "data abort", "DFSR", 0x80f, "DFAR", 0x1004);
        Check(machine.FaultOf(() => machine.Port.Store(new VirtAddr(0x200004), (byte)1, Kernel)), "data abort", "DFSR", 0x80d, "DFAR", 0x200004);
        Check(machine.FaultOf(() => machine.Port.Fetch<uint>(new VirtAddr(0x2004), Kernel)), "prefetch abort", "IFSR", 0x7, "IFAR", 0x2004);
    }

    [Test]
    public void Arm_long_fault_status_and_address()
    {
        using var machine = new MmuMachine<ArmLpaeFormat>();
        Assert.That(machine.Map(Page, 0, Page, machine.Prot(AccessRights.Read, AccessRights.None)).IsOk);
        // DDI 0406C table B3-24: bit 9 says long; translation 0b0001LL, permission 0b0011LL.
        Check(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(0x4000_0000), Kernel)), "data abort", "DFSR", 0x205, "DFAR", 0x4000_0000);
        Check(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(0x2004), Kernel)), "data abort", "DFSR", 0x207, "DFAR", 0x2004);
        Check(machine.FaultOf(() => machine.Port.Store(new VirtAddr(0x1004), (byte)1, Kernel)), "data abort", "DFSR", 0xa0f, "DFAR", 0x1004);
    }

    [Test]
    public void Aarch64_syndrome_and_address()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>();
        Assert.That(machine.Map(Page, 0, Page, machine.Prot(AccessRights.Read, AccessRights.Read)).IsOk);
        // EC 0x24 or 0x25 data abort, 0x20 or 0x21 instruction abort; IL; WnR bit 6; DFSC translation 0b0001LL, permission 0b0011LL.
        Check(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(0x2004), Kernel)), "data abort", "ESR_EL1", 0x9600_0007, "FAR_EL1", 0x2004);
        Check(machine.FaultOf(() => machine.Port.Store(new VirtAddr(0x1004), (byte)1, Kernel)), "data abort", "ESR_EL1", 0x9600_004f, "FAR_EL1", 0x1004);
        Check(machine.FaultOf(() => machine.Port.Store(new VirtAddr(0x1004), (byte)1, User)), "data abort", "ESR_EL1", 0x9200_004f, "FAR_EL1", 0x1004);
        Check(machine.FaultOf(() => machine.Port.Fetch<uint>(new VirtAddr(0x2004), User)), "instruction abort", "ESR_EL1", 0x8200_0007, "FAR_EL1", 0x2004);
    }

    [Test]
    public void Riscv_cause_and_value()
    {
        using var machine = new MmuMachine<SvFormat<Sv39>>();
        Assert.That(machine.Map(Page, 0, Page, machine.Prot(AccessRights.Read, AccessRights.None)).IsOk);
        Check(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(0x2004), Kernel)), "load page fault", "scause", 13, "stval", 0x2004);
        Check(machine.FaultOf(() => machine.Port.Store(new VirtAddr(0x1004), (byte)1, Kernel)), "store/AMO page fault", "scause", 15, "stval", 0x1004);
        Check(machine.FaultOf(() => machine.Port.Fetch<uint>(new VirtAddr(0x1004), Kernel)), "instruction page fault", "scause", 12, "stval", 0x1004);
    }

    [Test]
    public void Controls_that_are_read_at_each_access_count_at_once_and_need_no_invalidation()
    {
        using var machine = new MmuMachine<SvFormat<Sv39>>(watch: false);
        Assert.That(machine.Map(Page, 0, Page, machine.Prot(AccessRights.ReadWrite, AccessRights.ReadWrite)).IsOk);
        machine.Port.Controls = TranslationControls.Sum;
        machine.Port.Store(new VirtAddr(Page), 5, Kernel);
        machine.Port.Controls = TranslationControls.None;
        Assert.That(machine.FaultOf(() => machine.Port.Load<int>(new VirtAddr(Page), Kernel)).Cause, Is.EqualTo(FaultCause.Permission));
        Assert.That(machine.Port.Load<int>(new VirtAddr(Page), User), Is.EqualTo(5));
    }

    [Test]
    public void What_a_kind_of_page_allows_is_worked_out_anew_under_other_controls()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>(watch: false);
        Assert.That(machine.Map(0, 0, 8 * Page, machine.Prot(AccessRights.ReadWrite, AccessRights.ReadWrite, largest: Page)).IsOk);
        machine.Port.Load<int>(new VirtAddr(0), Kernel);
        machine.Port.Load<int>(new VirtAddr(Page), Kernel);
        machine.Port.Controls = TranslationControls.Pan;
        // One that the TLB has, and one that it has not.
        Assert.That(machine.FaultOf(() => machine.Port.Load<int>(new VirtAddr(Page), Kernel)).Cause, Is.EqualTo(FaultCause.Permission));
        Assert.That(machine.FaultOf(() => machine.Port.Load<int>(new VirtAddr(2 * Page), Kernel)).Cause, Is.EqualTo(FaultCause.Permission));
        machine.Port.Controls = TranslationControls.None;
        machine.Port.Load<int>(new VirtAddr(2 * Page), Kernel);
        machine.Port.Load<int>(new VirtAddr(3 * Page), Kernel);
        // The same bits in a format where they mean something else: what can be written is never executed.
        machine.Port.SetTables(new Vmsav8Format<Granule4K>(48, controls: TranslationControls.Wxn), machine.Tables.Root, 1);
        machine.Domain.Invalidate(TlbScope.All);
        var code = machine.Prot(AccessRights.All, AccessRights.None, largest: Page);
        Assert.That(machine.Map(16 * Page, 0, 4 * Page, code).IsOk);
        Assert.That(machine.FaultOf(() => machine.Port.Fetch<int>(new VirtAddr(16 * Page), Kernel)).Cause, Is.EqualTo(FaultCause.Permission));
        machine.Port.SetTables(machine.Format, machine.Tables.Root, 1);
        machine.Domain.Invalidate(TlbScope.All);
        machine.Port.Fetch<int>(new VirtAddr(16 * Page), Kernel);
        machine.Port.SetTables(new Vmsav8Format<Granule4K>(48, controls: TranslationControls.Wxn), machine.Tables.Root, 1);
        machine.Domain.Invalidate(TlbScope.All);
        Assert.That(machine.FaultOf(() => machine.Port.Fetch<int>(new VirtAddr(17 * Page), Kernel)).Cause, Is.EqualTo(FaultCause.Permission));
    }

    [Test]
    public void A_pointer_beyond_the_output_size_is_an_address_size_fault([Values(false, true)] bool isLeaf)
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>(new Vmsav8Format<Granule4K>(39, 36), watch: false);
        Assert.That(machine.Map(0, 0, Page, machine.Prot(AccessRights.ReadWrite, AccessRights.None, largest: Page)).IsOk);
        machine.Port.Load<int>(new VirtAddr(0), Kernel);
        var at = machine.Tables.Walk(VirtAddr.Zero);
        var above = machine.Tables.Root.Value;
        if (isLeaf)
            machine.Tables.SetDescriptor(VirtAddr.Zero, at.Descriptor | (1UL << 40));
        else
            *(ulong*)machine.Machine.Memory.PointerTo(new PhysAddr(above)) |= 1UL << 40;
        machine.Domain.Invalidate(TlbScope.All);
        Assert.That(machine.Tables.Walk(VirtAddr.Zero).Fault.Cause, Is.EqualTo(FaultCause.AddressSize));
        var fault = machine.FaultOf(() => machine.Port.Load<int>(new VirtAddr(0), Kernel));
        Assert.That((fault.Cause, fault.Level), Is.EqualTo((FaultCause.AddressSize, isLeaf ? 3 : 1)));
        Assert.That(machine.Tables.TryTranslate(VirtAddr.Zero, out _), Is.False);
        if (!isLeaf)
            *(ulong*)machine.Machine.Memory.PointerTo(new PhysAddr(above)) &= ~(1UL << 40);
    }

    [Test]
    public void Devices_answer_by_offset_and_size_and_take_aligned_accesses_where_the_architecture_says_so()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>(watch: false);
        var device = new Recorder();
        machine.Machine.Memory.RequestMemRegion(new PhysRange(new PhysAddr(0x9000_0000), 0x2000), "uart", device);
        Assert.That(machine.Map(0x10000, 0x9000_0000, 2 * Page, machine.Prot(AccessRights.ReadWrite, AccessRights.None, MemoryUse.Device)).IsOk);
        machine.Port.Store(new VirtAddr(0x10008), 4, 0xaabbccdd, Kernel);
        Assert.That(machine.Port.Load(new VirtAddr(0x11002), 2, Kernel), Is.EqualTo(0x1002));
        machine.Port.Load<UInt128>(new VirtAddr(0x10010), Kernel);
        Assert.That(device.Seen, Is.EqualTo(new[] { "write 8 4 aabbccdd", "read 1002 2", "read 10 8", "read 18 8" }));
        Check(machine.FaultOf(() => machine.Port.Load<uint>(new VirtAddr(0x10002), Kernel)), "data abort", "ESR_EL1", 0x9600_0021, "FAR_EL1", 0x10002);
        Assert.That(device.Seen, Has.Count.EqualTo(4), "the device heard nothing");
        // Behind the device nobody answers.
        Assert.That(machine.Map(0x20000, 0x9000_2000, Page, machine.Prot(AccessRights.ReadWrite, AccessRights.None, MemoryUse.Device)).IsOk);
        Check(machine.FaultOf(() => machine.Port.Load<uint>(new VirtAddr(0x20000), Kernel)), "data abort", "ESR_EL1", 0x9600_0010, "FAR_EL1", 0x20000);
    }

    [Test]
    public void Alignment_is_checked_where_the_CPU_is_told_to()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>(watch: false);
        Assert.That(machine.Map(0, 0, Page).IsOk);
        machine.Port.Load<uint>(new VirtAddr(1), Kernel);
        machine.Port.IsAlignmentChecked = true;
        Assert.That(machine.FaultOf(() => machine.Port.Load<uint>(new VirtAddr(1), Kernel)).Cause, Is.EqualTo(FaultCause.Alignment));
        machine.Port.Load<uint>(new VirtAddr(4), Kernel);
    }

    [Test]
    public void Hardware_marks_what_is_used_and_what_is_written()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>(watch: false);
        var prot = machine.Tables.Prot(machine.Attributes(AccessRights.ReadWrite, AccessRights.None) with { IsAccessed = false, IsDirty = false });
        Assert.That(machine.Map(0, 0, 2 * Page, prot).IsOk);
        machine.Port.Load<byte>(new VirtAddr(0), Kernel);
        Assert.That(Marks(0), Is.EqualTo((true, false)));
        Assert.That(Marks(Page), Is.EqualTo((false, false)));
        machine.Port.Store(new VirtAddr(8), 1, Kernel);
        Assert.That(Marks(0), Is.EqualTo((true, true)));
        // Marks survive other attributes and a join of their table.
        Assert.That(machine.Protect(0, Page, machine.Prot(AccessRights.Read, AccessRights.None)).IsOk);
        Assert.That(Marks(0), Is.EqualTo((true, true)));

        (bool IsAccessed, bool IsDirty) Marks(ulong virt)
        {
            var attributes = machine.Tables.AttributesAt(new VirtAddr(virt))!.Value;
            return (attributes.IsAccessed, attributes.IsDirty);
        }
    }

    [Test]
    public void A_clear_access_flag_faults_where_software_has_to_set_it()
    {
        using var machine = new MmuMachine<Vmsav8Format<Granule4K>>();
        var prot = machine.Tables.Prot(machine.Attributes(AccessRights.ReadWrite, AccessRights.None) with { IsAccessed = false });
        Assert.That(machine.Map(0, 0, Page, prot).IsOk);
        Check(machine.FaultOf(() => machine.Port.Load<byte>(new VirtAddr(4), Kernel)), "data abort", "ESR_EL1", 0x9600_000b, "FAR_EL1", 4);
        Assert.That(machine.Protect(0, Page, machine.Rw).IsOk);
        Assert.That(machine.Port.Tlb.Entries, Is.Empty, "what faults so is not kept");
    }

    [Test]
    public void A_handler_may_make_the_access_possible_and_one_that_lies_does_not_hang_it()
    {
        using var machine = new MmuMachine<X86Format<FourLevel>>();
        var handler = new Pager<X86Format<FourLevel>>(machine);
        machine.Port.FaultHandler = handler;
        machine.Port.Store(new VirtAddr(Page - 2), 0x11223344, Kernel);
        Assert.That(handler.Faults, Is.EqualTo(2));
        Assert.That(machine.Port.Load<int>(new VirtAddr(Page - 2), Kernel), Is.EqualTo(0x11223344));
        handler.IsLying = true;
        Assert.That(machine.FaultOf(() => machine.Port.Load<int>(new VirtAddr(0x123000), Kernel)).Cause, Is.EqualTo(FaultCause.Translation));
    }

    [Test]
    public void After_the_memory_is_gone_an_access_is_an_exception()
    {
        var machine = new MmuMachine<X86Format<FourLevel>>(watch: false);
        Assert.That(machine.Map(0, 0, Page).IsOk);
        machine.Port.Load<int>(new VirtAddr(0), Kernel);
        machine.Dispose();
        Assert.That(() => machine.Port.Load<int>(new VirtAddr(0), Kernel), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => machine.Tables.TryTranslate(new VirtAddr(0), out _), Throws.InstanceOf<ObjectDisposedException>());
    }

    private static void Check(in MemoryFault fault, string exception, string status, ulong value, string? address, ulong at)
    {
        Assert.That(fault.Report, Is.EqualTo(new FaultReport(exception, status, value, address, at)));
    }

    private sealed class Pager<TFormat>(MmuMachine<TFormat> machine) : IFaultHandler where TFormat : struct, ITranslationFormat
    {
        public int Faults { get; private set; }

        public bool IsLying { get; set; }

        public bool Handle(in MemoryFault fault)
        {
            Faults++;
            return IsLying || machine.Map(fault.Address.Value & ~(Page - 1), (ulong)(16 + Faults) * Page, Page).IsOk;
        }
    }

    private sealed class Recorder : IBusDevice
    {
        public List<string> Seen { get; } = [];

        public ulong Read(ulong offset, int size)
        {
            Seen.Add($"read {offset:x} {size}");
            return offset;
        }

        public void Write(ulong offset, int size, ulong value) => Seen.Add($"write {offset:x} {size} {value:x}");
    }
}
