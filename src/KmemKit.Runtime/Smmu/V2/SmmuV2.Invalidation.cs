using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Runtime.Tlb;
using R = KmemKit.Architecture.Smmu.V2.SmmuV2Register;

namespace KmemKit.Runtime.Smmu.V2;

/// <summary>TLB maintenance (Arm IHI 0062, 5.4): posted by a register, done by a synchronisation.</summary>
public sealed partial class SmmuV2
{
    private readonly Queue<PostedInvalidation> _posted = [];

    private ushort VmidOf(ContextBank bank) => (_cr0 & SmmuV2Control.Vmid16Enable) != 0 ? bank.Attribute2.Vmid16 : bank.Attribute.Vmid;

    // Whether the register is one of maintenance; of a bank whose format has no such register the write is nothing.
    private bool TryPost(ContextBank bank, int at, int size, ulong value)
    {
        if (at is < R.BankTlbiVa or > R.BankTlbiIpaS2L + 4)
            return false;
        if (ScopeOf(bank, at, size, value) is { } scope)
            Post(bank.Posted, new PostedInvalidation(scope with { Vmid = VmidOf(bank) }, !bank.IsStage2, bank.IsStage2));
        return true;
    }

    private static TlbScope? ScopeOf(ContextBank bank, int at, int size, ulong value)
    {
        if (bank.IsStage2)
        {
            // IPA[47:12] from bit 0 (17.3.4).
            return at is R.BankTlbiIpaS2 or R.BankTlbiIpaS2L ? TlbScope.Address(new VirtAddr((value & 0xF_FFFF_FFFF) << 12), null, globals: true) : null;
        }
        var isAArch64 = bank.Attribute2.IsAArch64;
        switch (at)
        {
            case R.BankTlbiAll when size == 4:
                return TlbScope.All;
            case R.BankTlbiAsid when size == 4:
                return TlbScope.AddressSpace((ushort)(value & AsidMask(bank)), globals: false);
            case R.BankTlbiVa or R.BankTlbiVal:
                var asid = (ushort)((isAArch64 ? value >> 48 : value) & AsidMask(bank));
                return TlbScope.Address(AddressOf(isAArch64, value), asid, globals: true);
            case R.BankTlbiVaa or R.BankTlbiVaal:
                return TlbScope.Address(AddressOf(isAArch64, value), null, globals: true);
            default:
                return null;
        }
    }

    private static uint AsidMask(ContextBank bank) => bank.Attribute2.IsAArch64 && bank.Tcr2.HasWideAsid ? 0xFFFFu : 0xFF;

    // VMSAv8-64: Address[55:12] from bit 0, its bit 55 copied upwards. AArch32: VA[31:12] at its own place (16.5.32).
    private static VirtAddr AddressOf(bool isAArch64, ulong value) => new(isAArch64
        ? unchecked((ulong)((long)(value << 20) >> 8)) & ~0xFFFUL
        : value & 0xFFFF_F000);

    private void PostGlobal(int at, uint value)
    {
        var vmid = (ushort)(value & ((_cr0 & SmmuV2Control.Vmid16Enable) != 0 ? 0xFFFF : 0xFF));
        switch (at)
        {
            case R.TlbiVmid:
                Post(_posted, new PostedInvalidation(TlbScope.All with { Vmid = vmid }, Stage1: true, Stage2: true));
                break;
            case R.TlbiVmidS1:
                Post(_posted, new PostedInvalidation(TlbScope.All with { Vmid = vmid }, Stage1: true, Stage2: false));
                break;
            case R.TlbiAllNsnh:
                Post(_posted, new PostedInvalidation(TlbScope.All, Stage1: true, Stage2: true));
                break;
            // TLBIALLH means hypervisor contexts, which are not there.
        }
    }

    private void Post(Queue<PostedInvalidation> posted, in PostedInvalidation invalidation)
    {
        _statistics.TlbInvalidations++;
        posted.Enqueue(invalidation);
        if (posted.Count > MostPosted)
            Do(posted.Dequeue());
    }

    // What a bank posted.
    private void Sync(ContextBank bank)
    {
        _statistics.Syncs++;
        DoAll(bank.Posted);
    }

    // What anybody posted (5.4.2).
    private void SyncAll()
    {
        _statistics.Syncs++;
        foreach (var bank in _banks)
            DoAll(bank.Posted);
        DoAll(_posted);
    }

    private void DoAll(Queue<PostedInvalidation> posted)
    {
        while (posted.TryDequeue(out var invalidation))
            Do(invalidation);
    }

    private void Do(in PostedInvalidation invalidation)
    {
        if (LosesInvalidation())
            return;
        if (invalidation.Stage1)
            _stage1.Invalidate(invalidation.Scope);
        if (invalidation.Stage2)
            _stage2.Invalidate(invalidation.Scope);
        ForgetAnswers();
    }
}
