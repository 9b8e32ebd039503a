using System;
using System.Numerics;
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
    // A tree's kinds of page that are kept. Two trees have a table each, in one array.
    private const int KindsOfTree = TlbModel.Likes / 2;

    private readonly PageKind* _kinds;
    private readonly PageKind[] _pinnedKinds;
    private TableWindow _window;
    private uint _lastSerial;

    /// <summary>What all pages have in common whose descriptors differ in the address alone, below tables that take the same away.</summary>
    private struct PageKind
    {
        /// <summary>No descriptor without its address is this.</summary>
        public const ulong None = ulong.MaxValue;

        /// <summary>The descriptor without its address; <see cref="None"/> for none.</summary>
        public ulong Bits;

        /// <summary>What the tables above take away.</summary>
        public ulong Limits;

        /// <summary>What translations of the kind are known by in the TLB, which knows what they are like: its place here in the low bits.</summary>
        public uint Serial;

        /// <summary>What the TLB keeps beside the context of a translation of the kind.</summary>
        public ulong Context;

        /// <summary>What is done without any mark, by privilege.</summary>
        public FrontRights User;

        /// <inheritdoc cref="User"/>
        public FrontRights Privileged;
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

        /// <summary>What nearly all of its tables are like, as far as is known.</summary>
        public UsualTable Usual;

        /// <summary>The kind of the page that was walked to last.</summary>
        public PageKind* Kind;

        private ulong _tableBits;
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
                Usual = UsualTable.None;
                _tableBits = UsualTable.BitsOf(format);
                PageBits = ~format.OutputField(outputs, new LeafShape(format.LastLevel, 1, 1UL << format.PageShift, 0));
            }
            Root = root;
            Start = _start.At(Format, root, Tables);
            return isOther;
        }

        /// <summary>A table above a page that was walked to.</summary>
        public void Learn(ulong descriptor)
        {
            if (!Usual.Descent.Enter(Format, descriptor, Format.RootLevel))
                Usual = UsualTable.Of(Format, _tableBits, descriptor);
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
    private byte* TryFillFront(ulong virt, int size, AccessRights access, Privilege privilege, FrontEntry* front)
    {
        var tlb = _tlb;
        if ((virt & (SmallestPage - 1)) > SmallestPage - (uint)size || _isAlignmentChecked || tlb.Domain.IsWatching)
            return null;
        ref var tree = ref _tree;
        if (_hasKernelTables)
            tree = ref TreeOf(virt);
        tlb.Enter();
        var place = tlb.FindUnwatched(virt, _context);
        var host = place < 0 ? TryWalk(tlb, virt, access, privilege, front, ref tree) : TryFind(tlb, virt, access, privilege, front, place);
        tlb.Leave();
        return host;
    }

    private byte* TryFind(TlbModel tlb, ulong virt, AccessRights access, Privilege privilege, FrontEntry* front, int place)
    {
        var serial = tlb.SerialOf(place);
        ref readonly var kind = ref _kinds[serial % TlbModel.Likes];
        if (kind.Serial != serial || serial == 0)
            return null;
        ref readonly var rights = ref privilege == Privilege.Privileged ? ref kind.Privileged : ref kind.User;
        var page = virt & ~(SmallestPage - 1);
        var output = unchecked(page + tlb.OffsetOf(place));
        if (!rights.Allow(access) || !_window.TryReach(output, out var host))
            return null;
        tlb.CountHit();
        tlb.FillFront(front, place, (int)privilege, page, rights, (nuint)host, output);
        return host + (virt & (SmallestPage - 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* TryWalk(TlbModel tlb, ulong virt, AccessRights access, Privilege privilege, FrontEntry* front, ref Tree tree)
    {
        var slot = TryReachPage(tree, virt);
        return slot is null
            ? TryWalkBelowOthers(tlb, virt, access, privilege, front, ref tree)
            : TryFill(tlb, virt, access, privilege, front, StraightWalk.Read(tree.Format, slot), tree.Usual.Limits, ref tree);
    }

    // Tables on the way differ from what nearly all are like.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* TryWalkBelowOthers(TlbModel tlb, ulong virt, AccessRights access, Privilege privilege, FrontEntry* front, ref Tree tree)
    {
        var descent = default(UsedTables);
        return StraightWalk.TryReach(tree.Format, tree.Tables, tree.Start, virt, ref descent, out var slot)
            ? TryFill(tlb, virt, access, privilege, front, StraightWalk.Read(tree.Format, slot), descent.Limits, ref tree)
            : null;
    }

    // A page's descriptor below tables that take the limits away.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* TryFill(
        TlbModel tlb, ulong virt, AccessRights access, Privilege privilege, FrontEntry* front, ulong descriptor, ulong limits, ref Tree tree)
    {
        var bits = descriptor & tree.PageBits;
        var kind = tree.Kind;
        if (kind->Bits != bits)
            tree.Kind = kind = KindOf(bits, tree);
        if (kind->Bits != bits || kind->Limits != limits)
            return null;
        ref readonly var rights = ref privilege == Privilege.Privileged ? ref kind->Privileged : ref kind->User;
        var first = virt & tree.PageMask;
        var page = tree.Format.LeafAddress(descriptor, tree.Format.LastLevel);
        var output = page + ((virt - first) & ~(SmallestPage - 1));
        if (!rights.Allow(access) || !_window.TryReach(output, out var host))
            return null;
        tlb.CountMiss();
        var place = tlb.FillLike(first, tree.Format.PageShift, kind->Context | _context, page);
        tlb.FillFront(front, place, (int)privilege, virt & ~(SmallestPage - 1), rights, (nuint)host, output);
        return host + (virt & (SmallestPage - 1));
    }

    // The parts are methods of their own: what the JIT inlines into one has a limit. Null where a table on the way is none of the usual ones.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static byte* TryReachPage(in Tree tree, ulong virt)
    {
        var descent = tree.Usual.Descent;
        return StraightWalk.TryReach(tree.Format, tree.Tables, tree.Start, virt, ref descent, out var slot) ? slot : null;
    }

    // Remembers what a page that was just walked to is like; the serial of its kind, 0 where it is not one of those that the usual miss takes.
    private uint Learn(ulong descriptor, ulong limits, ulong table, in TlbEntry entry, ref Tree tree)
    {
        ref readonly var format = ref tree.Format;
        var memory = entry.Attributes.Memory;
        if (entry.Level != format.LastLevel || entry.Shift != format.PageShift || format.MarkUsed(descriptor, entry.Level, write: false) != descriptor
            || (memory.IsDevice() && !memory.IsX86()))
        {
            return 0;
        }
        tree.Learn(table);
        var bits = descriptor & tree.PageBits;
        var kind = KindOf(bits, tree);
        if (kind->Bits == bits && kind->Limits == limits)
            return kind->Serial;
        // A number is used once, so that a translation of a kind that is no longer known is not taken for one of another.
        if (_lastSerial >= TlbModel.LastSerial / TlbModel.Likes)
            return 0;
        var serial = (++_lastSerial * TlbModel.Likes) + (uint)(kind - _kinds);
        *kind = new PageKind
        {
            Bits = bits,
            Limits = limits,
            Serial = serial,
            User = new FrontRights(Allowed(entry.Attributes, Privilege.User, entry.IsWritten, format)),
            Privileged = new FrontRights(Allowed(entry.Attributes, Privilege.Privileged, entry.IsWritten, format)),
            Context = TlbModel.ContextOfLike(entry.Attributes.IsGlobal, serial),
        };
        _tlb.Learn(serial, entry with { Filled = 0 });
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
    private void ForgetKinds()
    {
        for (var i = 0; i < TlbModel.Likes; i++)
            _kinds[i] = new PageKind { Bits = PageKind.None };
    }

    private void Set(ref Tree tree, in TFormat format, PhysAddr root)
    {
        if (tree.Set(format, root.Value, _window))
            ForgetKinds();
        tree.Kind = KindOf(0, tree);
    }

    private static bool IsSame(in TFormat one, in TFormat other) =>
        !RuntimeHelpers.IsReferenceOrContainsReferences<TFormat>() && BytesOf(one).SequenceEqual(BytesOf(other));

    private static ReadOnlySpan<byte> BytesOf(in TFormat format) =>
        MemoryMarshal.CreateReadOnlySpan(ref Unsafe.As<TFormat, byte>(ref Unsafe.AsRef(in format)), Unsafe.SizeOf<TFormat>());

    // The attribute bits are a descriptor's lowest and highest.
    private PageKind* KindOf(ulong bits, in Tree tree)
    {
        var hash = (uint)(unchecked(bits * 0x9e37_79b9_7f4a_7c15) >> (64 - BitOperations.Log2(KindsOfTree)));
        return _kinds + (Unsafe.AreSame(in tree, in _kernelTree) ? hash + KindsOfTree : hash);
    }
}
