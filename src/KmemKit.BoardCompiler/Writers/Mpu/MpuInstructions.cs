using System;
using System.Collections.Generic;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>How an architecture whose protection registers are no memory reaches them: assembly lines over named operands.</summary>
/// <remarks>
/// <c>{v}</c> stands for a scratch register, <c>{s}</c> for the control register's value, <c>{t}</c> for a pointer to the next table word.
/// Encodings: ARM DDI 0406C B5.8 and appendix H (PMSAv5), ARM DDI 0338G 3.2 (PMSAv6), ARM DDI 0568A E1 (Armv8-R AArch32), ARM DDI 0600B (Armv8-R
/// AArch64), RISC-V Privileged Architecture 3.7 and table 2.5 (CSR numbers).
/// </remarks>
internal abstract class MpuInstructions
{
    /// <summary>The instructions of a unit; null for Arm M-profile, whose registers are memory.</summary>
    public static MpuInstructions? Of(MpuFormat format) => format.Name switch
    {
        "arm740t" or "arm940t" or "arm946e-s" or "arm1026ej-s" => new Pmsav5(isExtended: format.Name is "arm946e-s" or "arm1026ej-s"),
        "pmsav6" => new Pmsav7(isV6: true),
        "pmsav7-r" => new Pmsav7(isV6: false),
        "pmsav8-r" or "pmsav8-r-el2" => new Pmsav8(format.Name == "pmsav8-r-el2" ? 2 : 1),
        "pmsav8-r64" or "pmsav8-r64-el2" => new Pmsav8R64(format.Name == "pmsav8-r64-el2" ? 2 : 1),
        _ => format is PmpFormat pmp ? new Pmp(pmp) : null,
    };

    /// <summary>C type of a table word.</summary>
    public virtual string Word => "uint32_t";

    /// <summary>What a caller has to know.</summary>
    public abstract string Remarks { get; }

    /// <summary>Whether shared registers are written behind those of the regions: they turn them on.</summary>
    public virtual bool SharedLast => false;

    /// <summary>Turns the unit off; nothing for one that needs not be off while it is changed.</summary>
    public abstract IEnumerable<string> Off { get; }

    /// <summary>Turns the unit on, with or without the default map for privileged code.</summary>
    public abstract IEnumerable<string> On(bool background);

    /// <summary>Loads <c>{v}</c> from the table, and steps on.</summary>
    public virtual string Load(int word) => "ldr {v}, [{t}], #4";

    /// <summary>Makes a region the one whose registers the next instructions reach; nothing where each has its own.</summary>
    public virtual IEnumerable<string> Select(MpuSpace space, int number) => [];

    public abstract string Write(string register, MpuSpace space, int number);

    /// <summary>Into <c>{v}</c>.</summary>
    public virtual string Read(string register, MpuSpace space, int number) => Write(register, space, number).Replace("mcr ", "mrc ");

    private const string CacheRemark =
        "The unit is off in between, and nothing but the tables is read or written: with a data cache on, clean the tables and this code out of it before.";

    /// <summary>CP15 registers 2, 3, 5 and 6, one encoding a region. The two older parts have no operation in register 7 that every one of their revisions drains the write buffer by.</summary>
    private sealed class Pmsav5(bool isExtended) : MpuInstructions
    {
        public override string Remarks => "Arm state (-marm), a privileged mode. " + CacheRemark;

        public override IEnumerable<string> Off => ["mrc p15, 0, {s}, c1, c0, 0", "bic {s}, {s}, #1", .. Drain, "mcr p15, 0, {s}, c1, c0, 0", "nop", "nop"];

        public override IEnumerable<string> On(bool background) => ["orr {s}, {s}, #1", .. Drain, "mcr p15, 0, {s}, c1, c0, 0", "nop", "nop"];

        private IEnumerable<string> Drain => isExtended ? ["mov {v}, #0", "mcr p15, 0, {v}, c7, c10, 4"] : [];

        public override string Write(string register, MpuSpace space, int number) => register switch
        {
            "C2" or "C2_DATA" => "mcr p15, 0, {v}, c2, c0, 0",
            "C2_INSTRUCTION" => "mcr p15, 0, {v}, c2, c0, 1",
            "C3" => "mcr p15, 0, {v}, c3, c0, 0",
            "C5" or "C5_DATA" => isExtended ? "mcr p15, 0, {v}, c5, c0, 2" : "mcr p15, 0, {v}, c5, c0, 0",
            "C5_INSTRUCTION" => isExtended ? "mcr p15, 0, {v}, c5, c0, 3" : "mcr p15, 0, {v}, c5, c0, 1",
            "C6" => $"mcr p15, 0, {{v}}, c6, c{MpuText.Number(number)}, {(space == MpuSpace.Instruction ? "1" : "0")}",
            _ => throw new ArgumentOutOfRangeException(nameof(register), register, null),
        };
    }

    private sealed class Pmsav7(bool isV6) : MpuInstructions
    {
        private const string BackgroundBit = "#0x20000";

        public override string Remarks => "A privileged mode, interrupts masked. " + CacheRemark;

        public override IEnumerable<string> Off =>
            [.. isV6 ? ["mov {v}, #0", "mcr p15, 0, {v}, c7, c10, 5"] : new[] { "dmb" }, "mrc p15, 0, {s}, c1, c0, 0", "bic {s}, {s}, #1", .. Dsb, "mcr p15, 0, {s}, c1, c0, 0", .. Isb];

        public override IEnumerable<string> On(bool background) =>
        [
            // The default map behind the regions is SCTLR.BR, which PMSAv6 does not have.
            .. isV6 ? [] : new[] { (background ? "orr" : "bic") + " {s}, {s}, " + BackgroundBit },
            "orr {s}, {s}, #1", .. Dsb, "mcr p15, 0, {s}, c1, c0, 0", .. Isb,
        ];

        public override IEnumerable<string> Select(MpuSpace space, int number) => [$"mov {{v}}, #{MpuText.Number(number)}", "mcr p15, 0, {v}, c6, c2, 0", .. Isb];

        public override string Write(string register, MpuSpace space, int number) => register switch
        {
            "DRBAR" => "mcr p15, 0, {v}, c6, c1, 0",
            "DRSR" => "mcr p15, 0, {v}, c6, c1, 2",
            "DRACR" => "mcr p15, 0, {v}, c6, c1, 4",
            _ => throw new ArgumentOutOfRangeException(nameof(register), register, null),
        };

        private IEnumerable<string> Dsb => isV6 ? ["mov {v}, #0", "mcr p15, 0, {v}, c7, c10, 4"] : ["dsb"];

        private IEnumerable<string> Isb => isV6 ? ["mov {v}, #0", "mcr p15, 0, {v}, c7, c5, 4"] : ["isb"];
    }

    private sealed class Pmsav8(int level) : MpuInstructions
    {
        // The registers of EL2 are those of EL1 with another first opcode (ARM DDI 0568A E1.3: HSCTLR, HPRSELR, HPRBAR, HPRLAR, HMAIR0, HMAIR1).
        private string Opcode => level == 2 ? "p15, 4" : "p15, 0";

        public override string Remarks => $"EL{MpuText.Number(level)}, interrupts masked. " + CacheRemark;

        public override IEnumerable<string> Off => ["dmb", $"mrc {Opcode}, {{s}}, c1, c0, 0", "bic {s}, {s}, #1", "dsb", $"mcr {Opcode}, {{s}}, c1, c0, 0", "isb"];

        public override IEnumerable<string> On(bool background) =>
            [(background ? "orr" : "bic") + " {s}, {s}, #0x20000", "orr {s}, {s}, #1", "dsb", $"mcr {Opcode}, {{s}}, c1, c0, 0", "isb"];

        public override IEnumerable<string> Select(MpuSpace space, int number) => [$"mov {{v}}, #{MpuText.Number(number)}", $"mcr {Opcode}, {{v}}, c6, c2, 1", "isb"];

        public override string Write(string register, MpuSpace space, int number) => $"mcr {Opcode}, {{v}}, " + register switch
        {
            "MAIR0" or "HMAIR0" => "c10, c2, 0",
            "MAIR1" or "HMAIR1" => "c10, c2, 1",
            "PRBAR" or "HPRBAR" => "c6, c3, 0",
            "PRLAR" or "HPRLAR" => "c6, c3, 1",
            _ => throw new ArgumentOutOfRangeException(nameof(register), register, null),
        };
    }

    private sealed class Pmsav8R64(int level) : MpuInstructions
    {
        private string Control => $"SCTLR_EL{MpuText.Number(level)}";

        // Named by their encodings: an assembler for Armv8-A does not know the others. Those of EL2 have another first opcode.
        private string Encoded => level == 2 ? "S3_4" : "S3_0";

        public override string Word => "uint64_t";

        public override string Remarks => $"EL{MpuText.Number(level)}, interrupts masked. " + CacheRemark;

        public override IEnumerable<string> Off => ["dmb sy", $"mrs {{s}}, {Control}", "bic {s}, {s}, #1", "dsb sy", $"msr {Control}, {{s}}", "isb"];

        public override IEnumerable<string> On(bool background) =>
            [(background ? "orr" : "bic") + " {s}, {s}, #0x20000", "orr {s}, {s}, #1", "dsb sy", $"msr {Control}, {{s}}", "isb"];

        public override string Load(int word) => "ldr {v}, [{t}], #8";

        public override IEnumerable<string> Select(MpuSpace space, int number) => [$"mov {{v}}, #{MpuText.Number(number)}", $"msr {Encoded}_C6_C2_1, {{v}}", "isb"];

        public override string Write(string register, MpuSpace space, int number) => $"msr {Name(register)}, {{v}}";

        public override string Read(string register, MpuSpace space, int number) => $"mrs {{v}}, {Name(register)}";

        private string Name(string register) => register switch
        {
            "MAIR_EL1" or "MAIR_EL2" => register,
            "PRBAR_EL1" or "PRBAR_EL2" => Encoded + "_C6_C8_0",
            "PRLAR_EL1" or "PRLAR_EL2" => Encoded + "_C6_C8_1",
            _ => throw new ArgumentOutOfRangeException(nameof(register), register, null),
        };
    }

    /// <summary>
    /// M-mode is the only mode that changes entries, and no unlocked one binds it: nothing is turned off. Addresses go before the configuration that counts
    /// on them, low entries, which win, before high ones. No SFENCE.VMA is needed where paging is off (section 3.7.2), as it is on a board without MMU.
    /// </summary>
    private sealed class Pmp(PmpFormat format) : MpuInstructions
    {
        private const int FirstConfiguration = 0x3a0, FirstAddress = 0x3b0;

        public override string Word => format.RegisterBits == 64 ? "uint64_t" : "uint32_t";

        public override string Remarks => "M-mode, MPRV clear; the assembler has to know Zicsr (-march=rv..._zicsr). An entry that was locked keeps its value until reset.";

        public override bool SharedLast => true;

        public override IEnumerable<string> Off => [];

        public override IEnumerable<string> On(bool background) => [];

        public override string Load(int word) => $"{(format.RegisterBits == 64 ? "ld" : "lw")} {{v}}, {MpuText.Number(word * format.RegisterBits / 8)}({{t}})";

        public override string Write(string register, MpuSpace space, int number) => $"csrw {Number(register)}, {{v}}";

        public override string Read(string register, MpuSpace space, int number) => $"csrr {{v}}, {Number(register)}";

        private static string Number(string register)
        {
            var isAddress = register.StartsWith("pmpaddr", StringComparison.Ordinal);
            var number = isAddress ? FirstAddress : FirstConfiguration;
            var digits = 0;
            for (var i = isAddress ? "pmpaddr".Length : "pmpcfg".Length; i < register.Length; i++)
                digits = 10 * digits + (register[i] - '0');
            return MpuText.Hex((ulong)(number + digits));
        }
    }
}
