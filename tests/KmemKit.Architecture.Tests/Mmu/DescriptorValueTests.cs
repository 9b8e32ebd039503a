using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using NUnit.Framework;
using static KmemKit.Architecture.AccessRights;
using static KmemKit.Architecture.Mmu.MemoryType;

namespace KmemKit.Architecture.Tests.Mmu;

/// <summary>Descriptors and registers put together by hand from the bit tables of the manuals.</summary>
public class DescriptorValueTests
{
    private const AccessRights RX = Read | Execute;

    private static IEnumerable<TestCaseData> Leaves =>
    [
        // ARM DDI 0487 D8.3: valid, page; AttrIndx 0; SH 11; AF; PXN, UXN.
        Leaf("64-page", default(Vmsav8Format<Granule4K>), 0, 0x4020_0000, new(ReadWrite, None, NormalWriteBackWriteAllocate, Shareability.Inner), 0x0060_0000_4020_0703),
        // Block; AP 11; nG; PXN.
        Leaf("64-block", default(Vmsav8Format<Granule4K>), 2, 0x4020_0000,
            new(Read, RX, NormalWriteBackWriteAllocate, Shareability.Inner) { IsGlobal = false }, 0x0020_0000_4020_0fc1),
        // Contiguous hint in bit 52; AttrIndx 4 is Device-nGnRE, which is outer shareable.
        Leaf("64-contiguous", default(Vmsav8Format<Granule4K>), 1, 0x0900_0000, new(ReadWrite, None, DeviceNGnRE), 0x0070_0000_0900_0613),
        // FEAT_LPA: bits 51:48 of the address in 15:12.
        Leaf("64-lpa", new Vmsav8Format<Granule64K>(48, 52), 0, 0xa_0000_4001_0000, new(All, None, NormalWriteBackWriteAllocate, Shareability.Inner), 0x0040_0000_4001_a703),
        // D8.3.2, stage 2: MemAttr 1111, S2AP 11, SH 11, AF.
        Leaf("64-stage2", default(Vmsav8Stage2Format<Granule4K>), 0, 0x4020_0000, new(All, All, NormalWriteBackWriteAllocate, Shareability.Inner), 0x4020_07ff),
        Leaf("64-stage2-xnx", new Vmsav8Stage2Format<Granule4K>(40, 40, TranslationControls.Xnx), 0, 0x4020_0000,
            new(Read, RX, DeviceNGnRnE), 0x0020_0000_4020_0643),
        // ARM DDI 0406C B3.6.2: XN is bit 54 and one for both.
        Leaf("lpae-page", default(ArmLpaeFormat), 0, 0x12_3456_7000, new(Read, Read, NormalNonCacheable), 0x0060_0012_3456_76cb),
        Leaf("lpae-block", default(ArmLpaeFormat), 2, 0x4020_0000, new(All, All, NormalWriteBackWriteAllocate, Shareability.Inner), 0x4020_0741),
        // ARM DDI 0406C B3.5.1: section, AP 001, TEX 001 C B, S: what Linux maps lowmem with.
        Leaf("short-section", default(ArmShortFormat), 2, 0x6000_0000, new(All, None, NormalWriteBackWriteAllocate, Shareability.Outer), 0x6001_140e),
        // Small page: XN 0, C B, AP 011.
        Leaf("short-small", default(ArmShortFormat), 0, 0x8000_0000, new(ReadWrite, ReadWrite, NormalWriteBack), 0x8000_003f),
        // Large page: XN 15, TEX 14:12, AP 5:4.
        Leaf("short-large", default(ArmShortFormat), 1, 0x8001_0000, new(ReadWrite, Read, NormalNonCacheable), 0x8001_9021),
        // Supersection: bit 18, PA[35:32] in 23:20, PA[39:36] in 8:5; Strongly-ordered; XN.
        Leaf("short-supersection", default(ArmShortFormat), 3, 0x75_0100_0000, new(ReadWrite, None, DeviceNGnRnE), 0x0154_04f2),
        // AFE: AP[0] is the access flag, AP[2:1] 11 read-only for both.
        Leaf("short-afe", new ArmShortFormat(0, controls: TranslationControls.AccessFlag), 0, 0x8000_0000, new(RX, RX, NormalWriteBack), 0x8000_023e),
        // Intel SDM volume 3, tables 5-6, 5-4: P, R/W, U/S, A, D.
        Leaf("x86-user", default(X86Format<TwoLevel>), 0, 0x1234_5000, new(All, All, WriteBack) { IsGlobal = false, IsDirty = true }, 0x1234_5067),
        // PSE-36: PA[39:32] in 20:13.
        Leaf("x86-pse36", default(X86Format<TwoLevel>), 1, 0x3_0040_0000, new(All, None, WriteBack) { IsDirty = true }, 0x0040_61e3),
        // Linux's __PAGE_KERNEL and __PAGE_KERNEL_LARGE_EXEC.
        Leaf("x64-page", default(X86Format<FourLevel>), 0, 0x1000, new(ReadWrite, None, WriteBack) { IsDirty = true }, 0x8000_0000_0000_1163),
        Leaf("x64-large", default(X86Format<FourLevel>), 1, 0x20_0000, new(All, None, WriteBack) { IsDirty = true }, 0x20_01e3),
        // PAT entry 7 is write-through: PAT, PCD, PWT; PAT is bit 7 of a page and bit 12 of a larger one.
        Leaf("x64-pat", default(X86Format<FourLevel>), 0, 0x1000, new(All, None, WriteThrough) { IsGlobal = false }, 0x10bb),
        Leaf("x64-large-pat", default(X86Format<FourLevel>), 1, 0x20_0000, new(All, None, WriteThrough) { IsGlobal = false }, 0x20_10bb),
        Leaf("pae-page", default(X86Format<Pae>), 0, 0xf_1234_5000, new(Read, Read, Uncacheable) { IsGlobal = false, IsAccessed = false }, 0x8000_000f_1234_501d),
        // RISC-V privileged 4.3.1, figure 4.18: PPN << 10, D A G - - W R V.
        Leaf("sv39-page", default(SvFormat<Sv39>), 0, 0x8020_0000, new(ReadWrite, None, Pma) { IsDirty = true }, 0x2008_00e7),
        Leaf("sv32-user", default(SvFormat<Sv32>), 0, 0x3_ffff_f000, new(Read, RX, Pma) { IsGlobal = false }, 0xffff_fc5b),
        // Chapter 5: N, and 1000 in the low bits of PPN.
        Leaf("sv39-napot", new SvFormat<Sv39>(TranslationControls.Svnapot), 1, 0x8021_0000, new(Read, None, Pma), 0x8000_0000_2008_6063),
        // Chapter 6: PBMT 10 is IO.
        Leaf("sv48-pbmt", new SvFormat<Sv48>(TranslationControls.Svpbmt), 1, 0x4000_0000, new(ReadWrite, None, Io) { IsDirty = true }, 0x4000_0000_1000_00e7),
    ];

    private static TestCaseData Leaf(string name, ITranslationFormat format, int shape, ulong output, PageAttributes attributes, ulong descriptor) =>
        new TestCaseData(format, shape, output, attributes, descriptor).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Leaves))]
    public void A_leaf_has_the_manual_s_bits(ITranslationFormat format, int shape, ulong output, PageAttributes attributes, ulong descriptor)
    {
        Assert.That(format.TryEncodeLeaf(output, attributes, format.Shapes[shape], out var encoded), Is.EqualTo(EncodingRefusal.None));
        Assert.That(encoded.ToString("x"), Is.EqualTo(descriptor.ToString("x")));
    }

    private static IEnumerable<TestCaseData> Tables =>
    [
        Table("64", default(Vmsav8Format<Granule4K>), 0x4020_1000, new(Write, ReadWrite), 0x6000_0000_4020_1003),
        Table("64-execute", default(Vmsav8Format<Granule4K>), 0x4020_1000, new(Execute, Execute), 0x1800_0000_4020_1003),
        Table("lpae-xn", default(ArmLpaeFormat), 0x4020_1000, new(Execute, Execute), 0x1000_0000_4020_1003),
        Table("short-domain", default(ArmShortFormat), 0x4000_0400, new(None, None, 3), 0x4000_0461),
        Table("short-pxn", default(ArmShortFormat), 0x4000_0400, new(Execute), 0x4000_0405),
        Table("x86", default(X86Format<TwoLevel>), 0x1000, default, 0x1007),
        Table("x64-read-only-supervisor", default(X86Format<FourLevel>), 0x1000, new(Write, All), 0x1001),
        Table("pae-pdpt", default(X86Format<Pae>), 0x1000, default, 0x1001),
        Table("sv39", default(SvFormat<Sv39>), 0x8020_1000, default, 0x2008_0401),
    ];

    private static TestCaseData Table(string name, ITranslationFormat format, ulong table, TableAttributes attributes, ulong descriptor) =>
        new TestCaseData(format, table, attributes, descriptor).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Tables))]
    public void A_table_descriptor_has_the_manual_s_bits(ITranslationFormat format, ulong table, TableAttributes attributes, ulong descriptor)
    {
        Assert.That(format.TryEncodeTable(table, format.RootLevel, attributes, out var encoded), Is.EqualTo(EncodingRefusal.None));
        Assert.That(encoded.ToString("x"), Is.EqualTo(descriptor.ToString("x")));
    }

    private static IEnumerable<TestCaseData> ReservedOnes =>
    [
        // Intel SDM volume 3, 5.3 to 5.5 and 5.7: a reserved bit is a fault of its own.
        Reserved("x64-pml4-ps", default(X86Format<FourLevel>), 4, 0x81), Reserved("x64-2m-bit13", default(X86Format<FourLevel>), 2, 0x2083),
        Reserved("x64-1g-absent", new X86Format<FourLevel>(48, X86Format<FourLevel>.DefaultControls & ~TranslationControls.GigabytePages), 3, 0x83),
        Reserved("x64-nx-absent", new X86Format<FourLevel>(48, X86Format<FourLevel>.DefaultControls & ~TranslationControls.NoExecute), 1, 0x8000_0000_0000_0003),
        Reserved("x64-maxphyaddr", new X86Format<FourLevel>(40), 1, 1UL << 45 | 3), Reserved("x64-maxphyaddr-table", new X86Format<FourLevel>(40), 3, 1UL << 40 | 3),
        Reserved("pae-pdpt-rw", default(X86Format<Pae>), 3, 3), Reserved("pae-bit52", default(X86Format<Pae>), 1, 1UL << 52 | 3),
        Reserved("x86-4m-bit21", default(X86Format<TwoLevel>), 2, 0x20_0083), Reserved("x86-pse36-absent", new X86Format<TwoLevel>(32), 2, 0x2083),
        // ARM DDI 0487 D8.3.1.
        Reserved("64-level3", default(Vmsav8Format<Granule4K>), 3, 0x401), Reserved("64-level0-block", default(Vmsav8Format<Granule4K>), 0, 0x401),
        Reserved("64-16k-level1", default(Vmsav8Format<Granule16K>), 1, 0x401), Reserved("64-64k-level1", default(Vmsav8Format<Granule64K>), 1, 0x401),
        Reserved("64-output", new Vmsav8Format<Granule4K>(48, 40), 3, 1UL << 40 | 0x403), Reserved("64-output-table", new Vmsav8Format<Granule4K>(48, 40), 2, 1UL << 40 | 3),
        Reserved("lpae-level3", default(ArmLpaeFormat), 3, 0x401),
        // ARM DDI 0406C B3.5.1: 11 at the first level, without PXN.
        Reserved("short-no-pxn", new ArmShortFormat(0, controls: TranslationControls.None), 1, 0x403),
        // RISC-V privileged 4.3.1, 4.3.2, 4.4.1.
        Reserved("sv-write-only", default(SvFormat<Sv39>), 0, 0x5), Reserved("sv-write-execute", default(SvFormat<Sv32>), 0, 0xd),
        Reserved("sv-pointer-last", default(SvFormat<Sv39>), 0, 0x1), Reserved("sv-pointer-accessed", default(SvFormat<Sv39>), 1, 0x41),
        Reserved("sv-misaligned", default(SvFormat<Sv39>), 1, 0x40f), Reserved("sv-bit54", default(SvFormat<Sv39>), 0, 1UL << 54 | 0xf),
        Reserved("sv-pbmt-absent", default(SvFormat<Sv39>), 0, 1UL << 61 | 0xf), Reserved("sv-napot-absent", default(SvFormat<Sv39>), 0, 1UL << 63 | 0x200f),
        Reserved("sv-napot-size", new SvFormat<Sv39>(TranslationControls.Svnapot), 0, 1UL << 63 | 0x100f),
        Reserved("sv-napot-superpage", new SvFormat<Sv39>(TranslationControls.Svnapot), 1, 1UL << 63 | 0xf),
        Reserved("sv-pbmt-3", new SvFormat<Sv39>(TranslationControls.Svpbmt), 0, 3UL << 61 | 0xf),
    ];

    private static TestCaseData Reserved(string name, ITranslationFormat format, int level, ulong descriptor) =>
        new TestCaseData(format, level, descriptor).SetArgDisplayNames(name);

    [TestCaseSource(nameof(ReservedOnes))]
    public void A_reserved_encoding_is_refused_and_faults(ITranslationFormat format, int level, ulong descriptor) => Assert.Multiple(() =>
    {
        Assert.That(format.KindOf(descriptor, level), Is.EqualTo(DescriptorKind.Reserved));
        Assert.That(format.IsTable(descriptor, level) && format.CauseOf(descriptor, level) != FaultCause.AddressSize, Is.False);
        Assert.That(format.Validate(descriptor, level), Is.EqualTo(EncodingRefusal.ReservedEncoding));
        var isTooHigh = format is Vmsav8Format<Granule4K> && descriptor >> 40 != 0;
        Assert.That(format.CauseOf(descriptor, level), Is.EqualTo(format.Name[0] == 'x' ? FaultCause.ReservedBit : isTooHigh ? FaultCause.AddressSize : FaultCause.Translation));
    });

    // What the walk takes, and no encoder may write: UNPREDICTABLE fields and bits that should be zero.
    [Test]
    public void Fields_that_software_must_not_set_are_refused() => Assert.Multiple(() =>
    {
        Refused(default(ArmShortFormat), 1, 0x8002);                // AP 100
        Refused(default(ArmShortFormat), 1, 0x1406);                // TEX 001, C 0, B 1
        Refused(default(ArmShortFormat), 2, 0x80b1);                // large page with bit 7
        Refused(default(ArmShortFormat), 1, 0x0211);                // table with bits 9 and 4
        Refused(default(Vmsav8Format<Granule4K>), 3, 0x503);        // SH 01
        Refused(default(Vmsav8Format<Granule4K>), 2, 0x1_0701);     // nT without FEAT_BBM
        Refused(default(Vmsav8Format<Granule4K>), 3, 1UL << 51 | 0x703);
        Refused(default(Vmsav8Format<Granule16K>), 1, 1UL << 50 | 3);
        Refused(default(Vmsav8Stage2Format<Granule4K>), 3, 0x753);  // MemAttr 0100
        Refused(default(ArmLpaeFormat), 3, 1UL << 44 | 0x703);

        static void Refused(ITranslationFormat format, int level, ulong descriptor)
        {
            Assert.That(format.Validate(descriptor, level), Is.EqualTo(EncodingRefusal.ReservedEncoding), $"{format.Name} {descriptor:x}");
        }
    });

    private static IEnumerable<TestCaseData> Registers =>
    [
        Register("64-lower", default(Vmsav8Format<Granule4K>), "TCR_EL1", 0x5_8090_3510), Register("64-sctlr", default(Vmsav8Format<Granule4K>), "SCTLR_EL1", 0x30d0_1805),
        // T1SZ 25, TG1 11, EPD0, T0SZ 25 and TG0 01 of the walks that are off.
        Register("64-upper", new Vmsav8Format<Granule64K>(39, 40, isUpper: true), "TCR_EL1", 0x2_f519_4099),
        Register("64-stage2", new Vmsav8Stage2Format<Granule4K>(40), "VTCR_EL2", 0x8005_3558), Register("short-ttbr", default(ArmShortFormat), "TTBR0", 0x4000_406a),
        Register("short-ttbcr", new ArmShortFormat(3), "TTBCR", 0x23), Register("short-sctlr", default(ArmShortFormat), "SCTLR", 0xc5_107d),
        Register("lpae", default(ArmLpaeFormat), "TTBCR", 0x8080_3500), Register("lpae-upper", new ArmLpaeFormat(30, isUpper: true), "TTBCR", 0xb502_0080),
        Register("lpae-stage2", default(ArmLpaeStage2Format), "VTCR", 0x8000_3558), Register("x64-cr0", default(X86Format<FourLevel>), "CR0", 0x8001_0011),
        Register("x64-cr4", default(X86Format<FourLevel>), "CR4", 0xb0), Register("x64-efer", default(X86Format<FourLevel>), "IA32_EFER", 0x900),
        Register("la57", default(X86Format<FiveLevel>), "CR4", 0x10b0), Register("x86-cr4", default(X86Format<TwoLevel>), "CR4", 0x90),
        Register("sv39", default(SvFormat<Sv39>), "satp", 0x8000_0000_0004_0004), Register("sv32", default(SvFormat<Sv32>), "satp", 0x8004_0004),
    ];

    private static TestCaseData Register(string name, ITranslationFormat format, string register, ulong value) =>
        new TestCaseData(format, register, value).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Registers))]
    public void Registers_have_the_manual_s_fields(ITranslationFormat format, string register, ulong value) =>
        Assert.That(format.Registers(0x4000_4000).Single(r => r.Name == register).Value.ToString("x"), Is.EqualTo(value.ToString("x")));

    private static IEnumerable<TestCaseData> Faults =>
    [
        // ARM DDI 0487 D19.2.37: EC, IL, WnR, DFSC.
        Fault("64-translation", default(Vmsav8Format<Granule4K>), FaultCause.Translation, 0, Read, Privilege.User, 0x9200_0004),
        Fault("64-permission", default(Vmsav8Format<Granule4K>), FaultCause.Permission, 3, Write, Privilege.Privileged, 0x9600_004f),
        Fault("64-flag", default(Vmsav8Format<Granule4K>), FaultCause.AccessFlag, 2, Execute, Privilege.Privileged, 0x8600_000a),
        Fault("64-size", default(Vmsav8Format<Granule4K>), FaultCause.AddressSize, 1, Execute, Privilege.User, 0x8200_0001),
        Fault("64-walk", default(Vmsav8Format<Granule4K>), FaultCause.ExternalAbortOnWalk, 2, Read, Privilege.User, 0x9200_0016),
        // Intel SDM volume 3, figure 5-12: P, W/R, U/S, RSVD, I/D.
        Fault("x64-absent", default(X86Format<FourLevel>), FaultCause.Translation, 1, Write, Privilege.User, 6),
        Fault("x64-protection", default(X86Format<FourLevel>), FaultCause.Permission, 1, Read, Privilege.User, 5),
        Fault("x64-reserved", default(X86Format<FourLevel>), FaultCause.ReservedBit, 2, Read, Privilege.Privileged, 9),
        Fault("x64-fetch", default(X86Format<FourLevel>), FaultCause.Permission, 1, Execute, Privilege.Privileged, 0x11),
        Fault("x86-fetch", default(X86Format<TwoLevel>), FaultCause.Permission, 1, Execute, Privilege.User, 5),
        Fault("x64-canonical", default(X86Format<FourLevel>), FaultCause.NonCanonical, 4, Read, Privilege.User, 0),
        // ARM DDI 0406C table B3-23 and B3-24.
        Fault("short-section", default(ArmShortFormat), FaultCause.Translation, 1, Read, Privilege.User, 0x5),
        Fault("short-page", default(ArmShortFormat), FaultCause.Translation, 2, Write, Privilege.User, 0x807),
        Fault("short-domain", default(ArmShortFormat), FaultCause.Domain, 2, Write, Privilege.User, 0x85b, 5),
        Fault("short-permission", default(ArmShortFormat), FaultCause.Permission, 1, Execute, Privilege.User, 0xd, 5),
        Fault("short-flag", default(ArmShortFormat), FaultCause.AccessFlag, 2, Read, Privilege.User, 0x6),
        Fault("lpae-permission", default(ArmLpaeFormat), FaultCause.Permission, 3, Write, Privilege.User, 0xa0f),
        Fault("lpae-fetch", default(ArmLpaeFormat), FaultCause.AccessFlag, 2, Execute, Privilege.User, 0x20a),
        // RISC-V privileged table 4.2.
        Fault("sv-load", default(SvFormat<Sv39>), FaultCause.Translation, 1, Read, Privilege.User, 13),
        Fault("sv-store", default(SvFormat<Sv39>), FaultCause.Permission, 0, Write, Privilege.User, 15),
        Fault("sv-fetch", default(SvFormat<Sv39>), FaultCause.AccessFlag, 0, Execute, Privilege.User, 12),
        Fault("sv-amo", default(SvFormat<Sv39>), FaultCause.Permission, 0, ReadWrite, Privilege.User, 15),
        Fault("sv-access", default(SvFormat<Sv39>), FaultCause.ExternalAbortOnWalk, 0, Read, Privilege.User, 5),
    ];

    private static TestCaseData Fault(
        string name, ITranslationFormat format, FaultCause cause, int level, AccessRights access, Privilege privilege, ulong status, byte domain = 0) =>
        new TestCaseData(format, new TranslationFault(cause, level, domain), access, privilege, status).SetArgDisplayNames(name);

    [TestCaseSource(nameof(Faults))]
    public void A_fault_has_the_manual_s_code(ITranslationFormat format, TranslationFault fault, AccessRights access, Privilege privilege, ulong status)
    {
        var report = format.Report(fault, 0x1234_5678, access, privilege);
        Assert.That(report.Status.ToString("x"), Is.EqualTo(status.ToString("x")));
        Assert.That(report.Address, Is.EqualTo(0x1234_5678));
    }
}
