using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Processor;

/// <summary>The usual miss: an access to RAM by a page whose like was met before, all tables in the largest piece of RAM.</summary>
/// <remarks>
/// Nothing is decoded: pages that differ in their address alone are of one kind, and what a kind allows was worked out when the general walk
/// (<see cref="Resolve"/>) met the first one. Whatever is unusual - a fault, a mark to set, a block, a device, a kind not met before - is left to it, before
/// anything has changed.
/// </remarks>
public sealed unsafe partial class MmuCpu<TFormat>
{
    // A tree's kinds of page that are kept: log2. Two trees have a table each, in one array.
    private const int KindBits = 4;

    private readonly PageKind[] _kinds = new PageKind[2 << KindBits];
    private TableWindow _window;
    private uint _lastSerial;

    /// <summary>What all pages have in common whose descriptors differ in the address alone, below tables that take the same away.</summary>
    private struct PageKind
    {
        /// <summary>The descriptor without its address.</summary>
        public ulong Bits;

        /// <summary>What the tables above take away.</summary>
        public ulong Limits;

        /// <summary>What translations of the kind are known by in the TLB: its place here in the low bits; 0 for none.</summary>
        public uint Serial;

        /// <summary>What is done without any mark, by privilege.</summary>
        public AccessRights User;

        /// <inheritdoc cref="User"/>
        public AccessRights Privileged;

        /// <summary>What the TLB keeps beside the context of a translation of the kind.</summary>
        public ulong Context;

        /// <summary>A translation of the kind; addresses and address space are other ones.</summary>
        public TlbEntry Like;

        public readonly AccessRights Allowed(Privilege privilege) => privilege == Privilege.Privileged ? Privileged : User;
    }

    /// <summary>A tree, and what its walks need.</summary>
    private struct Tree
    {
        public TFormat Format;

        public ulong Root;

        public WalkStart Start;

        /// <summary>Where its tables may be.</summary>
        public TableWindow Tables;

        /// <summary>The bits of a page's descriptor that are not its address.</summary>
        public ulong PageBits;

        /// <summary>The bits of an address that select a page.</summary>
        public ulong PageMask;

        private WalkStart _start;
        private bool _isSet;

        /// <summary>Sets format and root.</summary>
        /// <returns>Whether the format is another one; a switch between trees of one format, as nearly all are, works nothing out anew.</returns>
        public bool Set(in TFormat format, ulong root, in TableWindow window)
        {
            var isOther = !_isSet || !IsSame(format, Format);
            if (isOther)
            {
                _isSet = true;
                Format = format;
                Tables = window.Within(format.OutputBits);
                _start = WalkStart.Of(format);
                PageMask = ulong.MaxValue << format.PageShift;
                var outputs = (ulong.MaxValue >> (64 - format.OutputBits)) & PageMask;
                PageBits = ~format.OutputField(outputs, new LeafShape(format.LastLevel, 1, 1UL << format.PageShift, 0));
            }
            Root = root;
            Start = _start.At(Format, root, Tables);
            return isOther;
        }

        /// <summary>The memory is gone.</summary>
        public void Close()
        {
            Tables.Close();
            Start.Close();
        }
    }

    // Puts the page of an access into the front; the host address of the access, null where this is not the usual miss.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* TryFillFront(ulong virt, int size, AccessRights access, Privilege privilege)
    {
        if ((virt & (SmallestPage - 1)) > SmallestPage - (uint)size || _isAlignmentChecked || _tlb.Domain.IsWatching)
            return null;
        ref readonly var tree = ref _tree;
        if (_hasKernelTables)
            tree = ref TreeOf(virt);
        var tlb = _tlb;
        tlb.Enter();
        var context = TlbModel.ContextOf(_asid, _vmid);
        var place = tlb.Find(virt, context);
        var host = place < 0 ? TryWalk(tlb, virt, access, privilege, context, tree) : TryFind(tlb, virt, access, privilege, place);
        tlb.Leave();
        return host;
    }

    private byte* TryFind(TlbModel tlb, ulong virt, AccessRights access, Privilege privilege, int place)
    {
        var serial = tlb.SerialOf(place);
        ref readonly var kind = ref _kinds[serial & ((2u << KindBits) - 1)];
        var allowed = kind.Allowed(privilege);
        if (kind.Serial != serial || serial == 0 || (allowed & access) == 0)
            return null;
        ref readonly var translation = ref tlb.At(place);
        var output = translation.Output.Value + (virt - translation.First.Value);
        if (!_window.TryReach(output & ~(SmallestPage - 1), out var host))
            return null;
        tlb.CountHit();
        tlb.FillFront(place, (int)privilege, virt & ~(SmallestPage - 1), allowed, (nuint)host, output & ~(SmallestPage - 1));
        return host + (virt & (SmallestPage - 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* TryWalk(TlbModel tlb, ulong virt, AccessRights access, Privilege privilege, ulong context, in Tree tree)
    {
        var slot = TryReachPage(tree, virt, out var limits);
        if (slot is null)
            return null;
        var descriptor = StraightWalk.Read(tree.Format, slot);
        var bits = descriptor & tree.PageBits;
        ref readonly var kind = ref _kinds[KindOf(bits, tree)];
        var allowed = kind.Allowed(privilege);
        if (kind.Bits != bits || kind.Limits != limits || kind.Serial == 0 || (allowed & access) == 0)
            return null;
        var first = virt & tree.PageMask;
        var page = tree.Format.LeafAddress(descriptor, tree.Format.LastLevel);
        var output = page + ((virt - first) & ~(SmallestPage - 1));
        if (!_window.TryReach(output, out var host))
            return null;
        tlb.CountMiss();
        var place = tlb.FillLike(kind.Like, kind.Context | context, first, page, _asid, _vmid);
        tlb.FillFront(place, (int)privilege, virt & ~(SmallestPage - 1), allowed, (nuint)host, output);
        return host + (virt & (SmallestPage - 1));
    }

    // The parts are methods of their own: what the JIT inlines into one has a limit.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* TryReachPage(in Tree tree, ulong virt, out ulong limits)
    {
        var descent = default(UsedTables);
        var isReached = StraightWalk.TryReach(tree.Format, tree.Tables, tree.Start, virt, ref descent, out var slot);
        limits = descent.Limits;
        return isReached ? slot : null;
    }

    // Remembers what a page that was just walked to is like; the serial of its kind, 0 where it is not one of those that the usual miss takes.
    private uint Learn(ulong descriptor, ulong limits, in TlbEntry entry, in Tree tree)
    {
        ref readonly var format = ref tree.Format;
        var memory = entry.Attributes.Memory;
        if (entry.Level != format.LastLevel || entry.Shift != format.PageShift || format.MarkUsed(descriptor, entry.Level, write: false) != descriptor
            || (memory.IsDevice() && !memory.IsX86()))
        {
            return 0;
        }
        var bits = descriptor & tree.PageBits;
        var at = KindOf(bits, tree);
        ref var kind = ref _kinds[at];
        if (kind.Serial != 0 && kind.Bits == bits && kind.Limits == limits)
            return kind.Serial;
        // A number is used once, so that a translation of a kind that is no longer known is not taken for one of another.
        if (_lastSerial >= TlbModel.LastSerial >> (KindBits + 1))
            return 0;
        var serial = (++_lastSerial << (KindBits + 1)) | (uint)at;
        kind = new PageKind
        {
            Bits = bits,
            Limits = limits,
            Serial = serial,
            User = Allowed(entry.Attributes, Privilege.User, entry.IsWritten, format),
            Privileged = Allowed(entry.Attributes, Privilege.Privileged, entry.IsWritten, format),
            Context = TlbModel.ContextBeside(entry.Attributes.IsGlobal, serial),
            Like = entry with { Filled = 0 },
        };
        return serial;
    }

    private AccessRights Allowed(in PageAttributes attributes, Privilege privilege, bool isWritten, in TFormat format)
    {
        var allowed = AccessRights.None;
        if (format.Check(attributes, AccessRights.Read, privilege, _controls) == FaultCause.None)
            allowed |= AccessRights.Read;
        if (isWritten && format.Check(attributes, AccessRights.Write, privilege, _controls) == FaultCause.None)
            allowed |= AccessRights.Write;
        if (format.Check(attributes, AccessRights.Execute, privilege, _controls) == FaultCause.None)
            allowed |= AccessRights.Execute;
        return allowed;
    }

    // What the kinds allow was worked out for a format and for controls.
    private void ForgetKinds() => Array.Clear(_kinds);

    private void Set(ref Tree tree, in TFormat format, PhysAddr root)
    {
        if (tree.Set(format, root.Value, _window))
            ForgetKinds();
    }

    private static bool IsSame(in TFormat one, in TFormat other) =>
        !RuntimeHelpers.IsReferenceOrContainsReferences<TFormat>() && BytesOf(one).SequenceEqual(BytesOf(other));

    private static ReadOnlySpan<byte> BytesOf(in TFormat format) =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<TFormat, byte>(ref Unsafe.AsRef(in format)), Unsafe.SizeOf<TFormat>());

    // The attribute bits are a descriptor's lowest and highest.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int KindOf(ulong bits, in Tree tree)
    {
        var hash = (uint)(unchecked(bits * 0x9e37_79b9_7f4a_7c15) >> (64 - KindBits));
        return (int)(Unsafe.AreSame(in tree, in _kernelTree) ? hash | (1u << KindBits) : hash);
    }
}
