using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Smmu;
using KmemKit.Runtime.Smmu.V2;
using KmemKit.Runtime.Tests.PageTests;
using KmemKit.Runtime.Tlb;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Tests.SmmuTests;

/// <summary>An SMMUv2 without a driver: the test writes its registers, and sees each interrupt.</summary>
internal sealed class SmmuV2Rig : IDisposable
{
    public const ulong Page = 4096;

    /// <summary>The stage 1 format of its banks.</summary>
    public static readonly Vmsav8Format<Granule4K> Format = new(39);

    public SmmuV2Rig(SmmuV2Features? features = null)
    {
        Machine = Machine.Arm(64 * Machine.MiB, new PageAllocatorOptions { Cpus = 2 });
        Smmu = new SmmuV2(Machine.Memory, features ?? Small);
        Smmu.ContextInterrupt += ContextInterrupts.Add;
        Smmu.GlobalInterrupt += () => GlobalInterrupts++;
    }

    /// <summary>Few of everything: what is beyond is near.</summary>
    public static SmmuV2Features Small => new() { StreamMappingGroups = 8, ContextBanks = 6, Stage2Banks = 1, StreamIdBits = 10, RegisterPageIndexBits = 2 };

    /// <summary>Memory that no table lies in.</summary>
    public static PhysAddr Ram => new(32UL << 20);

    public Machine Machine { get; }

    public SmmuV2 Smmu { get; }

    public List<int> ContextInterrupts { get; } = [];

    public int GlobalInterrupts { get; private set; }

    public GlobalFaultStatus GlobalStatus => (GlobalFaultStatus)Read(R.FaultStatus);

    public GlobalFaultSyndrome GlobalSyndrome => new(Read(R.FaultSyndrome0));

    public uint Read(int offset) => (uint)Smmu.Read((ulong)offset, 4);

    public void Write(int offset, uint value) => Smmu.Write((ulong)offset, 4, value);

    public uint ReadBank(int bank, int offset) => (uint)Smmu.Read(Smmu.Features.BankOffset(bank) + (ulong)offset, 4);

    public ulong ReadBankWide(int bank, int offset) => Smmu.Read(Smmu.Features.BankOffset(bank) + (ulong)offset, 8);

    public void WriteBank(int bank, int offset, uint value) => Smmu.Write(Smmu.Features.BankOffset(bank) + (ulong)offset, 4, value);

    public void WriteBankWide(int bank, int offset, ulong value) => Smmu.Write(Smmu.Features.BankOffset(bank) + (ulong)offset, 8, value);

    /// <summary>CLIENTPD off, with these bits beside.</summary>
    public void TurnOn(SmmuV2Control control = SmmuV2Control.GlobalFaultReport | SmmuV2Control.UnidentifiedStreamFault | SmmuV2Control.StreamMatchConflictFault) =>
        Write(R.Cr0, (uint)control);

    /// <summary>A stream mapping group.</summary>
    public void Group(int group, uint id, StreamToContextRegister target, uint mask = 0)
    {
        Write(R.StreamToContext(group), target.Value);
        Write(R.StreamMatch(group), StreamMatchRegister.Matching(id, mask).Value);
    }

    public void Attribute(int bank, ContextBankAttribute attribute, bool isAArch64 = true)
    {
        var shift = Smmu.Features.RegisterPageShift;
        Write(R.BankAttribute2(bank, shift), (isAArch64 ? ContextBankAttribute2.AArch64() : default).Value);
        Write(R.BankAttribute(bank, shift), attribute.Value);
    }

    /// <summary>A bank of stage 1 with an empty tree, which stream = bank has in group = bank.</summary>
    public PageTables<Vmsav8Format<Granule4K>> Stage1(int bank, ContextBankControl more = ContextBankControl.None, byte vmid = 0, ushort? asid = null, ContextBankAttribute? attribute = null)
    {
        var tables = PageTables.Create(Machine.Cpu, Machine.Memory, Format, new TlbDomain())!;
        Attribute(bank, attribute ?? ContextBankAttribute.Stage1(vmid));
        WriteBank(bank, R.BankTcr, ContextBankRegisters.Stage1Tcr(Format.InputBits, 0, coherent: true));
        WriteBank(bank, R.BankTcr2, ContextBankRegisters.Tcr2(5));
        WriteBankWide(bank, R.BankTtbr0, tables.Root.Value | ((ulong)(asid ?? (ushort)(bank + 1)) << 48));
        WriteBank(bank, R.BankMair0, (uint)(Format.Mair & uint.MaxValue));
        WriteBank(bank, R.BankMair1, (uint)(Format.Mair >> 32));
        WriteBank(bank, R.BankControl, ContextBankRegisters.Control(isStage1: true) | (uint)more);
        Group(bank, (uint)bank, StreamToContextRegister.Translate(bank));
        return tables;
    }

    /// <summary>A bank of stage 2 with an empty tree of 39 bits from level 1 on.</summary>
    public PageTables<Vmsav8Stage2Format<Granule4K>> Stage2(int bank, byte vmid = 0, ContextBankControl more = ContextBankControl.None)
    {
        var format = new Vmsav8Stage2Format<Granule4K>(39, 48, rootLevel: 1);
        var tables = PageTables.Create(Machine.Cpu, Machine.Memory, format, new TlbDomain())!;
        Attribute(bank, ContextBankAttribute.Stage2(vmid));
        WriteBank(bank, R.BankTcr, ContextBankRegisters.Stage2Tcr(39, 0, 1, 5, coherent: true));
        WriteBankWide(bank, R.BankTtbr0, tables.Root.Value);
        WriteBank(bank, R.BankControl, ContextBankRegisters.Control(isStage1: false) | (uint)more);
        return tables;
    }

    /// <summary>Maps memory as one device has it.</summary>
    public void Map<TFormat>(PageTables<TFormat> tables, ulong virt, PhysAddr phys, ulong size = Page, AccessRights rights = AccessRights.ReadWrite)
        where TFormat : struct, ITranslationFormat
    {
        var attributes = new PageAttributes(rights, rights, tables.Format.TypeFor(MemoryUse.Cached), Shareability.Inner) { IsGlobal = false, IsDirty = (rights & AccessRights.Write) != 0 };
        if (!tables.Map(Machine.Cpu, new VirtAddr(virt), phys, size, tables.Prot(tables.Format.Canonical(attributes))).IsOk)
            throw new InvalidOperationException($"{virt:x} is not mapped.");
    }

    /// <summary>Takes memory out of the tables, and invalidates nothing.</summary>
    public void Unmap<TFormat>(PageTables<TFormat> tables, ulong virt, ulong size = Page) where TFormat : struct, ITranslationFormat
    {
        if (!tables.Unmap(Machine.Cpu, new VirtAddr(virt), size).IsOk)
            throw new InvalidOperationException($"{virt:x} is not unmapped.");
    }

    public SmmuResult Ask(uint stream, ulong address, AccessRights access = AccessRights.Read, Privilege privilege = Privilege.User) =>
        Smmu.Translate(new SmmuTransaction(stream, null, address, access, privilege));

    public SmmuOutcome OutcomeOf(uint stream, ulong address, AccessRights access = AccessRights.Read) => Ask(stream, address, access).Outcome;

    public void Dispose() => Machine.Dispose();
}
