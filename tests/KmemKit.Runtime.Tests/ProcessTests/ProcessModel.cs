using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Processes;

namespace KmemKit.Runtime.Tests.ProcessTests;

/// <summary>Random system calls and accesses of several processes against plain dictionaries of pages, on two CPUs with small TLBs whose stale entries are used.</summary>
internal sealed class ProcessModel
{
    private const int Pages = 48;
    private const int MostProcesses = 5;
    private const ulong Word = 16;

    private readonly ProcessMachine _machine;
    private readonly Random _random;
    private readonly ulong _base;
    private readonly ulong _page;
    private readonly bool _canWithholdExecution;
    private readonly List<Person> _people = [];
    private readonly List<(Inode Inode, Content Content)> _files = [];
    private ulong _next = 1;

    /// <summary>What a file, or shared memory, holds: a word a page.</summary>
    private sealed class Content
    {
        public Dictionary<ulong, ulong> Words { get; } = [];

        public ulong Length { get; set; }
    }

    private sealed record Cell(MemProt Prot, bool IsShared, bool MayWrite, bool IsCharged, Content? Content, ulong Index)
    {
        /// <summary>A private page's own word, once it was written.</summary>
        public ulong? Own { get; init; }
    }

    private sealed record Person(Process Process, Dictionary<ulong, Cell> Cells);

    public ProcessModel(ProcessMachine machine, int seed)
    {
        (_machine, _random, _page) = (machine, new Random(seed), machine.Page);
        _canWithholdExecution = machine.Table.Prots.HasExecuteNever;
        // Across the edge of a table of the last level.
        _base = 0x2000_0000 - (Pages / 2 * _page);
        for (var i = 0; i < 2; i++)
        {
            var words = new byte[(int)(9 * _page) + 100];
            var content = new Content { Length = (ulong)words.Length };
            for (var index = 0UL; index < 10; index++)
            {
                content.Words[index] = 0;
                if (index * _page + Word + 8 <= content.Length)
                    BitConverter.TryWriteBytes(words.AsSpan((int)(index * _page + Word)), content.Words[index] = _next++);
            }
            _files.Add((machine.Table.Cache.Create($"/data/{i}", words), content));
        }
        _people.Add(new Person(machine.Start(), []));
    }

    public Dictionary<string, int> Done { get; } = [];

    public void Step()
    {
        var who = _people[_random.Next(_people.Count)];
        switch (_random.Next(100))
        {
            case < 35: Load(who); break;
            case < 72: Store(who); break;
            case < 76: Fetch(who); break;
            case < 82: Map(who); break;
            case < 85: Unmap(who); break;
            case < 91: Protect(who); break;
            case < 93: Move(who); break;
            case < 94: Fork(who); break;
            case < 95: Exit(who); break;
            case < 96: WriteFile(); break;
            case < 97: Cut(); break;
            case < 98: Count("reclaim", () => _machine.Table.Cache.Reclaim(_machine.Cpu, _machine.Kernel.Allocator.Zones[0], 0, _random.Next(8))); break;
            case < 99: Count("write back", () => _machine.Table.Cache.WriteBack(_files[_random.Next(_files.Count)].Inode)); break;
            default: Copy(who); break;
        }
    }

    /// <summary>The areas are the longest rows of pages that say the same; nothing else is mapped.</summary>
    public void CheckAreas()
    {
        foreach (var (process, cells) in _people)
        {
            var expected = new List<(ulong Start, ulong End, MemProt Prot)>();
            foreach (var (number, cell) in cells.OrderBy(pair => pair.Key))
            {
                if (expected.Count != 0 && expected[^1].End == number && Continues(cells[number - 1], cell))
                    expected[^1] = expected[^1] with { End = number + 1 };
                else
                    expected.Add((number, number + 1, cell.Prot));
            }
            var areas = process.Space.Areas.Where(vma => vma.Name != "[stack]").Select(vma =>
                ((vma.Range.Start.Value - _base) / _page, (vma.Range.Start.Value - _base + vma.Range.Size.Value) / _page, (MemProt)(int)(vma.Flags & VmFlags.Access)));
            Expect(areas.SequenceEqual(expected), () => $"areas of {process.Pid}:\n{string.Join('\n', process.Space.Areas)}\nexpected {string.Join(' ', expected)}");
        }
    }

    private static bool Continues(Cell one, Cell next) => one.Prot == next.Prot && one.IsShared == next.IsShared && one.MayWrite == next.MayWrite && one.IsCharged == next.IsCharged
        && ReferenceEquals(one.Content, next.Content) && one.Index + 1 == next.Index;

    private VirtAddr At(ulong number) => new(_base + (number * _page));

    private (ulong First, ulong Count) SomeRange()
    {
        var first = (ulong)_random.Next(Pages);
        return (first, Math.Min((ulong)_random.Next(1, 12), Pages - first));
    }

    private MemProt SomeProt() => (MemProt)_random.Next(8);

    private bool Grants(Cell cell, MemProt right) => right switch
    {
        MemProt.Write => (cell.Prot & MemProt.Write) != 0,
        MemProt.Exec when _canWithholdExecution => (cell.Prot & MemProt.Exec) != 0,
        _ => cell.Prot != MemProt.None,
    };

    // The signal that an access has to raise; null for none.
    private (Signal, SignalCode)? Meant(Person who, ulong number, MemProt right)
    {
        if (!who.Cells.TryGetValue(number, out var cell))
            return (Signal.SegmentationFault, SignalCode.MapError);
        if (!Grants(cell, right))
            return (Signal.SegmentationFault, SignalCode.AccessError);
        if (cell is { Content: { } content, Own: null } && cell.Index >= (content.Length + _page - 1) / _page)
            return (Signal.Bus, SignalCode.BusAddressError);
        return null;
    }

    private static ulong WordOf(Cell cell) => cell.Own ?? (cell.Content is { } content ? content.Words.GetValueOrDefault(cell.Index) : 0);

    private void Load(Person who)
    {
        var number = (ulong)_random.Next(Pages);
        var signal = who.Process.TryLoad(At(number) + Word, 8, out var value, _random.Next(2));
        Compare("load", who, number, signal, Meant(who, number, MemProt.Read));
        if (signal is null)
            Expect(value == WordOf(who.Cells[number]), () => $"{who.Process.Pid} reads {value} at page {number}, not {WordOf(who.Cells[number])}: {who.Cells[number]}");
    }

    private void Fetch(Person who)
    {
        var number = (ulong)_random.Next(Pages);
        var signal = who.Process.TryFetch(At(number) + Word, 8, out var value, _random.Next(2));
        Compare("fetch", who, number, signal, Meant(who, number, MemProt.Exec));
        if (signal is null)
            Expect(value == WordOf(who.Cells[number]), () => $"{who.Process.Pid} fetches {value} at page {number}, not {WordOf(who.Cells[number])}");
    }

    private void Store(Person who)
    {
        var number = (ulong)_random.Next(Pages);
        var value = _next++;
        var signal = who.Process.TryStore(At(number) + Word, 8, value, _random.Next(2));
        Compare("store", who, number, signal, Meant(who, number, MemProt.Write));
        if (signal is null)
            Written(who, number, value);
    }

    private static void Written(Person who, ulong number, ulong value)
    {
        var cell = who.Cells[number];
        if (cell is { IsShared: true, Content: { } content })
            content.Words[cell.Index] = value;
        else
            who.Cells[number] = cell with { Own = value };
    }

    // The kernel's own accesses, over pages that may be partly there.
    private void Copy(Person who)
    {
        var (first, count) = SomeRange();
        var bytes = new byte[(int)(count * _page)];
        var left = who.Process.User.CopyFrom(At(first), bytes, _random.Next(2));
        var good = 0UL;
        while (good < count && Meant(who, first + good, MemProt.Read) is null)
            good++;
        Expect((ulong)left == (count - good) * _page, () => $"copy_from_user of {count} pages at {first} leaves {left} bytes, {good} pages are good");
        for (var i = 0UL; i < good; i++)
            Expect(BitConverter.ToUInt64(bytes, (int)(i * _page + Word)) == WordOf(who.Cells[first + i]), () => $"copied page {first + i}");
        var number = first;
        var value = _next++;
        left = who.Process.User.CopyTo(At(number) + Word, BitConverter.GetBytes(value), _random.Next(2));
        Expect(left == (Meant(who, number, MemProt.Write) is null ? 0 : 8), () => $"copy_to_user at page {number} leaves {left}");
        if (left == 0)
            Written(who, number, value);
        Count("copy");
    }

    private void Map(Person who)
    {
        var (first, count) = SomeRange();
        var (prot, kind) = (SomeProt(), _random.Next(6));
        var isShared = kind is 1 or 3 or 4;
        var (inode, content) = _files[_random.Next(_files.Count)];
        var file = kind < 2 ? null : RegularFile.Open(inode, kind == 4 ? MemProt.Read : MemProt.Read | MemProt.Write);
        var index = (ulong)_random.Next(4);
        var isPopulated = _random.Next(8) == 0;
        var flags = (isShared ? MapFlags.Shared : MapFlags.Private) | MapFlags.Fixed | (file is null ? MapFlags.Anonymous : 0) | (isPopulated ? MapFlags.Populate : 0);
        var result = who.Process.Mmap(At(first), count * _page, prot, flags, file, index * _page);
        var isRefused = kind == 4 && (prot & MemProt.Write) != 0;
        Expect(result == (isRefused ? MapResult.Failed(Errno.AccessDenied) : new MapResult(At(first), Errno.None)), () => $"mmap: {result}");
        Count("mmap");
        if (isRefused)
            return;
        var shared = file is null && isShared ? new Content { Length = count * _page } : file is null ? null : content;
        for (var i = 0UL; i < count; i++)
        {
            who.Cells[first + i] = new Cell(
                prot, isShared && kind != 4, kind != 4, (prot & MemProt.Write) != 0 && (!isShared || file is null), shared,
                file is not null ? index + i : isShared ? i : ((_base / _page) + first + i));
        }
        // What is private and may be written is brought in as written, up to the first page that is not there.
        for (var i = 0UL; isPopulated && !isShared && (prot & MemProt.Write) != 0 && i < count && Meant(who, first + i, MemProt.Write) is null; i++)
            Written(who, first + i, WordOf(who.Cells[first + i]));
    }

    private void Unmap(Person who)
    {
        var (first, count) = SomeRange();
        Expect(who.Process.Munmap(At(first), count * _page) == Errno.None, () => "munmap");
        for (var i = 0UL; i < count; i++)
            who.Cells.Remove(first + i);
        Count("munmap");
    }

    private void Protect(Person who)
    {
        var (first, count) = SomeRange();
        var prot = SomeProt();
        var meant = Errno.None;
        for (var i = 0UL; i < count && meant == Errno.None; i++)
        {
            if (!who.Cells.TryGetValue(first + i, out var cell))
                meant = Errno.NoMemory;
            else if ((prot & MemProt.Write) != 0 && !cell.MayWrite)
                meant = Errno.AccessDenied;
            else if (cell.Prot != prot)
                who.Cells[first + i] = cell with { Prot = prot, IsCharged = cell.IsCharged || ((prot & MemProt.Write) != 0 && !cell.IsShared) };
        }
        var error = who.Process.Mprotect(At(first), count * _page, prot);
        Expect(error == meant, () => $"mprotect: {error}, not {meant}");
        Count("mprotect");
    }

    private void Move(Person who)
    {
        var (first, count) = SomeRange();
        var (target, newCount) = SomeRange();
        var result = who.Process.Mremap(At(first), count * _page, newCount * _page, RemapFlags.MayMove | RemapFlags.Fixed, At(target));
        Count("mremap");
        if (!who.Cells.TryGetValue(first, out var head))
        {
            Expect(result.Error == Errno.BadAddress, () => $"mremap of nothing: {result}");
            return;
        }
        if (target < first + count && first < target + newCount)
        {
            Expect(result.Error == Errno.InvalidArgument, () => $"mremap over itself: {result}");
            return;
        }
        // The target goes first, then what is cut off: that much has happened whatever comes of the rest.
        for (var i = 0UL; i < newCount; i++)
            who.Cells.Remove(target + i);
        for (var i = newCount; i < count; i++)
            who.Cells.Remove(first + i);
        var kept = Math.Min(count, newCount);
        var isOne = Enumerable.Range(0, (int)kept).All(i => who.Cells.TryGetValue(first + (ulong)i, out var cell) && (i == 0 || Continues(who.Cells[first + (ulong)i - 1], cell)));
        if (!isOne)
        {
            Expect(result.Error == Errno.BadAddress, () => $"mremap across areas: {result}");
            return;
        }
        Expect(result == new MapResult(At(target), Errno.None), () => $"mremap: {result}");
        for (var i = 0UL; i < newCount; i++)
        {
            who.Cells[target + i] = i < kept ? who.Cells[first + i] : head with { Index = head.Index + i, Own = null };
            if (i < kept)
                who.Cells.Remove(first + i);
        }
    }

    private void Fork(Person who)
    {
        if (_people.Count == MostProcesses)
            return;
        var child = who.Process.Fork()!;
        _people.Add(new Person(child, new Dictionary<ulong, Cell>(who.Cells)));
        Count("fork");
    }

    private void Exit(Person who)
    {
        if (_people.Count == 1)
            return;
        who.Process.Exit(0);
        who.Process.Reap();
        _people.Remove(who);
        Count("exit");
    }

    private void WriteFile()
    {
        var (inode, content) = _files[_random.Next(_files.Count)];
        var index = (ulong)_random.Next(10);
        var value = _next++;
        Expect(_machine.Table.Cache.Write(_machine.Cpu, inode, index * _page + Word, BitConverter.GetBytes(value)) == 8, () => "pwrite");
        content.Words[index] = value;
        content.Length = Math.Max(content.Length, index * _page + Word + 8);
        Count("pwrite");
    }

    // Private copies behind the end go as well.
    private void Cut()
    {
        var (inode, content) = _files[_random.Next(_files.Count)];
        var length = (ulong)_random.Next((int)(12 * _page));
        _machine.Table.Cache.Truncate(inode, length);
        var end = (length + _page - 1) / _page;
        if (length < content.Length)
        {
            foreach (var index in content.Words.Keys.Where(index => index * _page + Word >= length).ToList())
                content.Words.Remove(index);
            // Cut within the word: the rest of it is zero.
            var tail = length % _page;
            if (tail is > Word and < Word + 8 && content.Words.TryGetValue(length / _page, out var word))
                content.Words[length / _page] = word & ((1UL << (int)(8 * (tail - Word))) - 1);
            foreach (var (_, cells) in _people)
            {
                foreach (var number in cells.Where(pair => ReferenceEquals(pair.Value.Content, content) && pair.Value.Index >= end).Select(pair => pair.Key).ToList())
                    cells[number] = cells[number] with { Own = null };
            }
        }
        content.Length = length;
        Count("truncate");
    }

    private void Compare(string what, Person who, ulong number, SignalInfo? signal, (Signal, SignalCode)? meant)
    {
        Expect(signal is { } raised ? (raised.Signal, raised.Code) == meant : meant is null,
            () => $"{what} of page {number} by {who.Process.Pid}: {signal?.ToString() ?? "fine"}, meant {meant?.ToString() ?? "fine"}: {who.Cells.GetValueOrDefault(number)}");
        Count(meant is null ? what : $"{what} {meant.Value.Item2}");
    }

    private void Count(string what, Func<long>? act = null)
    {
        act?.Invoke();
        Done[what] = Done.GetValueOrDefault(what) + 1;
    }

    private void Count(string what, Func<int> act) => Count(what, () => (long)act());

    private static void Expect(bool holds, Func<string> text)
    {
        if (!holds)
            throw new ModelException(text());
    }
}

internal sealed class ModelException(string message) : Exception(message);
