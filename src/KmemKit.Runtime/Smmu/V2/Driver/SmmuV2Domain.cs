using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Iova;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Smmu.V2.Driver;

/// <summary>Makes address spaces of devices.</summary>
public static class SmmuV2Domain
{
    /// <summary>An empty address space.</summary>
    /// <typeparam name="TGranule">Translation granule.</typeparam>
    /// <param name="driver">The SMMU's driver.</param>
    /// <param name="cpu">Whose pages the tables are made of.</param>
    /// <param name="memory">RAM.</param>
    /// <param name="aperture">Device addresses; null for all of the input size.</param>
    /// <param name="inputBits">Bits of a device address, 25 to 48.</param>
    /// <returns>Null where there is no page for the root table.</returns>
    /// <exception cref="InvalidOperationException">No context bank of stage 1 is left, or the SMMU does not have the granule; nothing stays taken.</exception>
    public static SmmuV2Domain<TGranule>? TryCreate<TGranule>(SmmuV2Driver driver, Cpu cpu, PhysicalMemory memory, PhysRange? aperture = null, int inputBits = 39)
        where TGranule : struct, IGranule
    {
        ArgumentNullException.ThrowIfNull(driver);
        if (!driver.Features.HasGranule(default(TGranule).PageShift))
            throw new InvalidOperationException($"The SMMU has no granule of {1 << default(TGranule).PageShift} bytes.");
        return DomainParts.TryMake<TGranule, SmmuV2Domain<TGranule>>(
            cpu, memory, driver.Features.OutputAddressBits, aperture, inputBits, (tables, iova) => new SmmuV2Domain<TGranule>(driver, cpu, tables, iova, driver.TakeBank()));
    }
}

/// <summary>An address space of devices behind an SMMUv2: stage 1 tables in a context bank of its own.</summary>
/// <typeparam name="TGranule">Translation granule.</typeparam>
public sealed class SmmuV2Domain<TGranule> : TranslatedDomain<TGranule>
    where TGranule : struct, IGranule
{
    // There is no invalidation of a range: so many by address cost less than an address space that has to be filled anew.
    private const ulong MostByAddress = 16;

    private readonly SmmuV2Driver _driver;
    private readonly HashSet<(uint Id, uint Mask)> _groups = [];
    private OwnedGate _maintenance;
    private bool _stalls;

    internal SmmuV2Domain(SmmuV2Driver driver, Cpu cpu, PageTables<Vmsav8Format<TGranule>> tables, IovaDomain iova, int bank)
        : base(cpu, tables, iova)
    {
        _driver = driver;
        Bank = bank;
        // Banks are never more than ASIDs, so each has its own.
        Asid = (ushort)(bank + 1);
        Program(tables);
    }

    /// <summary>Its context bank.</summary>
    public int Bank { get; }

    /// <summary>Its address space identifier.</summary>
    public ushort Asid { get; }

    /// <summary>Whether an access that faults waits for <see cref="SmmuV2Driver.Resume"/>; else it is aborted.</summary>
    public bool StallsFaults
    {
        get => _stalls;
        set
        {
            _stalls = value;
            _driver.WriteBank(Bank, R.BankControl, Control);
        }
    }

    private uint Control => ContextBankRegisters.Control(isStage1: true) | (_stalls ? (uint)ContextBankControl.Stall : 0);

    /// <summary>Lets all streams of an id and a mask use the address space, by one stream mapping group (<c>iommus</c> with two cells).</summary>
    /// <param name="id">StreamID.</param>
    /// <param name="mask">Bits of it that do not count.</param>
    /// <exception cref="ArgumentOutOfRangeException">The SMMU has no such StreamID.</exception>
    /// <exception cref="InvalidOperationException">Some of the streams are in another group already, or no group is left.</exception>
    public void AttachGroup(uint id, uint mask)
    {
        _driver.Connect(id, mask, Bank);
        lock (_groups)
            _groups.Add((id, mask));
    }

    /// <summary>Closes what <see cref="AttachGroup"/> opened.</summary>
    public void DetachGroup(uint id, uint mask)
    {
        lock (_groups)
            _groups.Remove((id, mask));
        _driver.Disconnect(id, mask, Bank);
    }

    /// <inheritdoc/>
    private protected override int Connect(uint stream)
    {
        _driver.Connect(stream, 0, Bank);
        return 0;
    }

    /// <inheritdoc/>
    private protected override int Disconnect(uint stream)
    {
        _driver.Disconnect(stream, 0, Bank);
        return 0;
    }

    /// <inheritdoc/>
    private protected override void InvalidateGranule(ulong address)
    {
        using (_maintenance.Hold())
        {
            Post(address);
            _driver.SyncBank(Bank);
        }
    }

    /// <inheritdoc/>
    private protected override void InvalidateRange(ulong first, ulong granules)
    {
        if (granules > MostByAddress)
        {
            InvalidateAll();
            return;
        }
        using (_maintenance.Hold())
        {
            for (var i = 0UL; i < granules; i++)
                Post(first + (i << default(TGranule).PageShift));
            _driver.SyncBank(Bank);
        }
    }

    /// <inheritdoc/>
    private protected override void InvalidateAll()
    {
        using (_maintenance.Hold())
        {
            _driver.WriteBank(Bank, R.BankTlbiAsid, Asid);
            _driver.SyncBank(Bank);
        }
    }

    /// <inheritdoc/>
    private protected override void GiveContext()
    {
        foreach (var (id, mask) in _groups)
            _driver.Disconnect(id, mask, Bank);
        _groups.Clear();
        InvalidateAll();
        _driver.GiveBank(Bank);
    }

    private void Post(ulong address) => _driver.WriteBankWide(Bank, R.BankTlbiVa, ((address >> 12) & 0xFFF_FFFF_FFFF) | ((ulong)Asid << 48));

    // What the bank is comes first, that it translates last (16.5).
    private void Program(PageTables<Vmsav8Format<TGranule>> tables)
    {
        var (features, smmu, format) = (_driver.Features, _driver.Smmu, tables.Format);
        smmu.Write((ulong)R.BankAttribute2(Bank, features.RegisterPageShift), 4, ContextBankAttribute2.AArch64().Value);
        smmu.Write((ulong)R.BankAttribute(Bank, features.RegisterPageShift), 4, ContextBankAttribute.Stage1(0).Value);
        _driver.WriteBank(Bank, R.BankTcr, ContextBankRegisters.Stage1Tcr(format.InputBits, (uint)Stage2Geometry.GranuleCode(default(TGranule).PageShift), features.CoherentWalks));
        _driver.WriteBank(Bank, R.BankTcr2, ContextBankRegisters.Tcr2((uint)SmmuV3Features.AddressSizeCode(format.OutputBits)));
        _driver.WriteBankWide(Bank, R.BankTtbr0, tables.Root.Value | ((ulong)Asid << 48));
        _driver.WriteBankWide(Bank, R.BankTtbr1, (ulong)Asid << 48);
        _driver.WriteBank(Bank, R.BankMair0, (uint)(format.Mair & uint.MaxValue));
        _driver.WriteBank(Bank, R.BankMair1, (uint)(format.Mair >> 32));
        _driver.WriteBank(Bank, R.BankControl, Control);
    }
}
