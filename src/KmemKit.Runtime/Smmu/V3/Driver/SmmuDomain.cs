using System;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Iova;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;

namespace KmemKit.Runtime.Smmu.V3.Driver;

/// <summary>Makes address spaces of devices.</summary>
public static class SmmuDomain
{
    /// <summary>An empty address space.</summary>
    /// <typeparam name="TGranule">Translation granule.</typeparam>
    /// <param name="driver">The SMMU's driver.</param>
    /// <param name="cpu">Whose pages the tables are made of.</param>
    /// <param name="memory">RAM.</param>
    /// <param name="aperture">Device addresses; null for all of the input size.</param>
    /// <param name="inputBits">Bits of a device address, 25 to 48.</param>
    /// <returns>Null where there is no page for the root table or the context descriptor.</returns>
    /// <exception cref="InvalidOperationException">All ASIDs are in use; nothing stays taken.</exception>
    public static SmmuDomain<TGranule>? TryCreate<TGranule>(SmmuV3Driver driver, Cpu cpu, PhysicalMemory memory, PhysRange? aperture = null, int inputBits = 39)
        where TGranule : struct, IGranule
    {
        ArgumentNullException.ThrowIfNull(driver);
        return DomainParts.TryMake<TGranule, SmmuDomain<TGranule>>(cpu, memory, Math.Min(48, driver.Smmu.Features.OutputAddressBits), aperture, inputBits, (tables, iova) =>
        {
            var context = driver.Take(StructureWords.Bytes);
            try
            {
                return new SmmuDomain<TGranule>(driver, cpu, tables, iova, context, driver.TakeAsid());
            }
            catch (InvalidOperationException)
            {
                driver.Give(context);
                throw;
            }
        });
    }
}

/// <summary>An address space of devices behind an SMMUv3: stage 1 tables and a context descriptor.</summary>
/// <typeparam name="TGranule">Translation granule.</typeparam>
public sealed class SmmuDomain<TGranule> : TranslatedDomain<TGranule>
    where TGranule : struct, IGranule
{
    private static readonly StructureWords s_allBits = new([~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL, ~0UL]);

    private readonly SmmuV3Driver _driver;
    private readonly PhysAddr _context;
    private readonly Command _page;

    internal SmmuDomain(SmmuV3Driver driver, Cpu cpu, PageTables<Vmsav8Format<TGranule>> tables, IovaDomain iova, PhysAddr context, ushort asid)
        : base(cpu, tables, iova)
    {
        _driver = driver;
        Asid = asid;
        _context = context;
        _page = Command.TlbiNhVa(0, asid, 0, leaf: false);
        var cd = ContextDescriptor.Lower(
            tables.Root, tables.Format.InputBits, default(TGranule).PageShift, Math.Min(tables.Format.OutputBits, driver.Smmu.Features.OutputAddressBits), tables.Format.Mair, asid);
        driver.Install(_context, cd.Words, static words => words[ContextDescriptorFields.V] != 0 ? s_allBits : new StructureWords().With(ContextDescriptorFields.V, 1), Command.CfgiAll);
    }

    /// <summary>Its address space identifier.</summary>
    public ushort Asid { get; }

    /// <inheritdoc/>
    private protected override int Connect(uint stream) => _driver.InstallEntry(stream, StreamTableEntry.Stage1(_context));

    /// <inheritdoc/>
    private protected override int Disconnect(uint stream)
    {
        // A stream that has another domain by now stays with it.
        var entry = _driver.ReadEntry(stream);
        return entry.Config == SteConfig.Stage1 && entry.ContextTable == _context ? _driver.InstallEntry(stream, StreamTableEntry.Abort) : 0;
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public override void Unmap(Cpu cpu, BusAddr address, ulong size) => UnmapWith(cpu, address, size, new PageCommand(_driver, _page.Word0));

    private readonly struct PageCommand(SmmuV3Driver driver, ulong word0) : IGranuleInvalidation
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Invalidate(ulong address) => driver.InvalidatePage(word0, address & ~0xFFFUL);
    }

    /// <inheritdoc/>
    private protected override void InvalidateGranule(ulong address) => _driver.InvalidatePage(_page.Word0, address & ~0xFFFUL);

    // One command for any range: (NUM+1) * 2^SCALE granules, as few too many as 32 steps allow (4.4.1.1).
    private protected override void InvalidateRange(ulong first, ulong granules)
    {
        var command = Command.TlbiNhVa(0, Asid, first, leaf: false);
        var scale = 0;
        while (((granules - 1) >> scale) + 1 > 32)
            scale++;
        _driver.Invalidate(command.WithRange((int)((granules - 1) >> scale), scale, default(TGranule).PageShift));
    }

    /// <inheritdoc/>
    private protected override void InvalidateAll() => _driver.Invalidate(Command.TlbiNhAsid(0, Asid));

    /// <inheritdoc/>
    private protected override void GiveContext()
    {
        _driver.GiveAsid(Asid);
        _driver.Give(_context);
    }
}
