using System;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Processor;

/// <summary>A CPU with an MMU, as far as memory goes: loads, stores and fetches at virtual addresses through its TLB, its table walker, rights, and the bus.</summary>
/// <remarks>
/// <para>It has one or two trees: <see cref="SetTables(TFormat, PhysAddr, ushort)"/> names the one of the process (TTBR0, CR3, satp), <see cref="SetKernelTables"/> the second one of Arm (TTBR1).
/// An access that the TLB's front knows is a comparison and an addition (<see cref="FrontEntry"/>); everything else goes through <c>Resolve</c>.</para>
/// <para>One thread at a time uses it.</para>
/// </remarks>
/// <typeparam name="TFormat">The format of its tables.</typeparam>
public sealed unsafe partial class MmuCpu<TFormat> : IMmuCpu
    where TFormat : struct, ITranslationFormat
{
    // How often a handler may say that the access is possible now.
    private const int MostRetries = 16;

    // 1 to 16 bytes, the highest address last.
    private const int MostBytes = 16;

    private readonly FrontEntry* _front;
    private readonly TlbModel _tlb;
    private readonly PhysicalMemory _memory;
    private Tree _tree;
    private Tree _kernelTree;
    private bool _hasKernelTables;
    private ushort _asid;
    private ushort _vmid;
    // The two as the TLB compares them.
    private ulong _context;
    private TranslationControls _controls;
    private bool _isAlignmentChecked;

    /// <summary>A CPU whose tables are yet to be set.</summary>
    /// <param name="memory">The bus.</param>
    /// <param name="tlb">Its TLB, which no other CPU has.</param>
    public MmuCpu(PhysicalMemory memory, TlbModel tlb)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(tlb);
        _memory = memory;
        _tlb = tlb;
        _front = tlb.Front;
        _window = new TableWindow(memory);
        _pinnedKinds = GC.AllocateArray<PageKind>(TlbModel.Likes, pinned: true);
        _kinds = (PageKind*)Unsafe.AsPointer(ref _pinnedKinds[0]);
        ForgetKinds();
        _tree.Kind = _kinds;
        _kernelTree.Kind = _kinds;
        memory.Disposing += () =>
        {
            _window.Close();
            _tree.Close();
            _kernelTree.Close();
            tlb.DropFrontFromOutside();
        };
    }

    /// <summary>Its TLB.</summary>
    public TlbModel Tlb => _tlb;

    /// <summary>Asked before a fault becomes an exception; null for nobody.</summary>
    public IFaultHandler? FaultHandler { get; set; }

    /// <summary>The current address space (ASID, PCID).</summary>
    public ushort Asid => _asid;

    /// <summary>Controls that are read at each access (SMAP, PAN, SUM, MXR).</summary>
    public TranslationControls Controls
    {
        get => _controls;
        set
        {
            _controls = value;
            ForgetKinds();
            _tlb.DropFront();
        }
    }

    /// <summary>Whether every access has to be aligned (Arm SCTLR.A, x86 CR0.AM with EFLAGS.AC).</summary>
    public bool IsAlignmentChecked
    {
        get => _isAlignmentChecked;
        set
        {
            _isAlignmentChecked = value;
            _tlb.DropFront();
        }
    }

    /// <summary>The current guest (VMID).</summary>
    public ushort Vmid
    {
        get => _vmid;
        set
        {
            _vmid = value;
            _context = TlbModel.ContextOf(_asid, _vmid);
            _tlb.DropFront();
        }
    }

    /// <summary>Switches to a tree: TTBR0 with its ASID, CR3 with its PCID, satp. Nothing is invalidated: translations of other ASIDs stay, and of the same one too.</summary>
    /// <param name="format">Its format and parameters.</param>
    /// <param name="root">Physical address of its root.</param>
    /// <param name="asid">Its address space.</param>
    public void SetTables(TFormat format, PhysAddr root, ushort asid)
    {
        Set(ref _tree, format, root);
        _asid = asid;
        _context = TlbModel.ContextOf(_asid, _vmid);
        _tlb.DropFront();
    }

    /// <inheritdoc/>
    public void SetTables(IPageTables tables, ushort asid)
    {
        if (tables is not PageTables<TFormat> own)
            throw new ArgumentException("The tables are of another format than this CPU's.", nameof(tables));
        SetTables(own.Format, own.Root, asid);
    }

    /// <summary>Sets the second tree (TTBR1), for the addresses that the first one does not have.</summary>
    public void SetKernelTables(TFormat format, PhysAddr root)
    {
        Set(ref _kernelTree, format, root);
        _hasKernelTables = true;
        _tlb.DropFront();
    }

    /// <summary>Reads a value.</summary>
    /// <typeparam name="T">1 to 16 bytes.</typeparam>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Load<T>(VirtAddr address, Privilege privilege) where T : unmanaged
    {
        var virt = address.Value;
        var front = FrontOf(virt, privilege);
        if (front->Read != PageOf<T>(virt))
            return LoadSlowly<T>(virt, privilege, front);
        front->Hits++;
        return Unsafe.ReadUnaligned<T>((void*)unchecked((nuint)virt + front->Host));
    }

    /// <summary>Writes a value.</summary>
    /// <typeparam name="T">1 to 16 bytes.</typeparam>
    /// <exception cref="MemoryFaultException">The access faults; nothing is written.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Store<T>(VirtAddr address, T value, Privilege privilege) where T : unmanaged
    {
        var virt = address.Value;
        var front = FrontOf(virt, privilege);
        if (front->Write != PageOf<T>(virt))
        {
            StoreSlowly(virt, value, privilege, front);
            return;
        }
        front->Hits++;
        Unsafe.WriteUnaligned((void*)unchecked((nuint)virt + front->Host), value);
    }

    /// <summary>Reads instructions.</summary>
    /// <typeparam name="T">1 to 16 bytes.</typeparam>
    /// <exception cref="MemoryFaultException">The access faults.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Fetch<T>(VirtAddr address, Privilege privilege) where T : unmanaged
    {
        var virt = address.Value;
        var front = FrontOf(virt, privilege);
        if (front->Fetch != PageOf<T>(virt))
            return FetchSlowly<T>(virt, privilege, front);
        front->Hits++;
        return Unsafe.ReadUnaligned<T>((void*)unchecked((nuint)virt + front->Host));
    }

    /// <summary>Where an address is for an access, as the access itself would find it: the TLB, the walk and its marks, the rights.</summary>
    /// <exception cref="MemoryFaultException">The access would fault.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PhysAddr Translate(VirtAddr address, AccessRights access, Privilege privilege)
    {
        var virt = address.Value;
        var front = FrontOf(virt, privilege);
        var tag = access == AccessRights.Read ? front->Read : access == AccessRights.Write ? front->Write : front->Fetch;
        if (tag != PageOf<byte>(virt))
            return TranslateSlowly(virt, access, privilege, front);
        front->Hits++;
        return new PhysAddr(unchecked(virt + front->Output));
    }

    /// <inheritdoc/>
    public ulong Load(VirtAddr address, int size, Privilege privilege)
    {
        switch (size)
        {
            case 1: return Load<byte>(address, privilege);
            case 2: return Load<ushort>(address, privilege);
            case 4: return Load<uint>(address, privilege);
            case 8: return Load<ulong>(address, privilege);
        }
        CheckSize(size, sizeof(ulong));
        var value = 0UL;
        Load(address, new Span<byte>(&value, size), privilege);
        return value;
    }

    /// <inheritdoc/>
    public void Store(VirtAddr address, int size, ulong value, Privilege privilege)
    {
        switch (size)
        {
            case 1: Store(address, unchecked((byte)value), privilege); break;
            case 2: Store(address, unchecked((ushort)value), privilege); break;
            case 4: Store(address, unchecked((uint)value), privilege); break;
            case 8: Store(address, value, privilege); break;
            default:
                CheckSize(size, sizeof(ulong));
                Store(address, new ReadOnlySpan<byte>(&value, size), privilege);
                break;
        }
    }

    /// <inheritdoc/>
    public void Load(VirtAddr address, Span<byte> destination, Privilege privilege)
    {
        CheckSize(destination.Length, MostBytes);
        fixed (byte* bytes = destination)
            Transfer(address.Value, bytes, destination.Length, AccessRights.Read, privilege);
    }

    /// <inheritdoc/>
    public void Store(VirtAddr address, ReadOnlySpan<byte> source, Privilege privilege)
    {
        CheckSize(source.Length, MostBytes);
        fixed (byte* bytes = source)
            Transfer(address.Value, bytes, source.Length, AccessRights.Write, privilege);
    }

    /// <inheritdoc/>
    public void Fetch(VirtAddr address, Span<byte> destination, Privilege privilege)
    {
        CheckSize(destination.Length, MostBytes);
        fixed (byte* bytes = destination)
            Transfer(address.Value, bytes, destination.Length, AccessRights.Execute, privilege);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CheckSize(int size, int most)
    {
        if (size < 1 || size > most)
            throw new ArgumentOutOfRangeException(nameof(size), size, $"An access has 1 to {most} bytes.");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private FrontEntry* FrontOf(ulong virt, Privilege privilege)
    {
        // In bytes: the page's number times an entry's size is a shift less.
        const ulong Mask = (FrontEntry.Count - 1) * FrontEntry.Bytes;
        return (FrontEntry*)((byte*)_front + ((virt >> (FrontEntry.PageShift - FrontEntry.BytesShift)) & Mask) + ((nuint)privilege * (FrontEntry.Count * FrontEntry.Bytes)));
    }

    // The page of the last byte: an access that crosses into the next page does not find its first one's entry.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong PageOf<T>(ulong virt) where T : unmanaged =>
        unchecked(virt + (uint)(sizeof(T) - 1)) & ~((1UL << FrontEntry.PageShift) - 1);

    // The usual miss needs no memory of this method's own: what is not usual is another method's.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private T LoadSlowly<T>(ulong virt, Privilege privilege, FrontEntry* front) where T : unmanaged
    {
        CheckSize(sizeof(T), MostBytes);
        var host = TryFillFront(virt, sizeof(T), AccessRights.Read, privilege, front);
        return host is not null ? Unsafe.ReadUnaligned<T>(host) : TransferOut<T>(virt, AccessRights.Read, privilege);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void StoreSlowly<T>(ulong virt, T value, Privilege privilege, FrontEntry* front) where T : unmanaged
    {
        CheckSize(sizeof(T), MostBytes);
        var host = TryFillFront(virt, sizeof(T), AccessRights.Write, privilege, front);
        if (host is not null)
            Unsafe.WriteUnaligned(host, value);
        else
            Transfer(virt, (byte*)&value, sizeof(T), AccessRights.Write, privilege);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T FetchSlowly<T>(ulong virt, Privilege privilege, FrontEntry* front) where T : unmanaged
    {
        CheckSize(sizeof(T), MostBytes);
        var host = TryFillFront(virt, sizeof(T), AccessRights.Execute, privilege, front);
        return host is not null ? Unsafe.ReadUnaligned<T>(host) : TransferOut<T>(virt, AccessRights.Execute, privilege);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private T TransferOut<T>(ulong virt, AccessRights access, Privilege privilege) where T : unmanaged
    {
        T value = default;
        Transfer(virt, (byte*)&value, sizeof(T), access, privilege);
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PhysAddr TranslateSlowly(ulong virt, AccessRights access, Privilege privilege, FrontEntry* front)
    {
        if (access is not (AccessRights.Read or AccessRights.Write or AccessRights.Execute))
            throw new ArgumentOutOfRangeException(nameof(access), access, "One of Read, Write, Execute.");
        if (TryFillFront(virt, 1, access, privilege, front) is not null)
            return new PhysAddr(unchecked(virt + front->Output));
        return new PhysAddr(ResolveOrThrow(virt, 1, access, privilege));
    }
}
