using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Mmu;

/// <summary>Tables that an operation took before it changed anything, so that it cannot fail half-way.</summary>
/// <remarks>They are chained through their own first words: host address of the next one, and the physical address of this one.</remarks>
internal unsafe struct TableReserve
{
    private ulong* _first;

    /// <summary>Whether there is none.</summary>
    public readonly bool IsEmpty => _first is null;

    /// <summary>Takes tables.</summary>
    /// <returns>False where there is no memory; then none is kept.</returns>
    public bool TryFill(TableAllocator tables, Cpu cpu, long count)
    {
        for (; count > 0; count--)
        {
            var host = tables.TryTake(cpu, out var table);
            if (host is null)
            {
                GiveAll(tables, cpu);
                return false;
            }
            Push(host, table);
        }
        return true;
    }

    /// <summary>Adds a table.</summary>
    public void Push(byte* host, ulong table)
    {
        ((ulong*)host)[0] = (ulong)_first;
        ((ulong*)host)[1] = table;
        _first = (ulong*)host;
    }

    /// <summary>Takes a table out, whose contents are then not defined.</summary>
    public byte* Pop(out ulong table)
    {
        var host = _first;
        _first = (ulong*)host[0];
        table = host[1];
        return (byte*)host;
    }

    /// <summary>Gives all back to the allocator.</summary>
    public void GiveAll(TableAllocator tables, Cpu cpu)
    {
        while (!IsEmpty)
        {
            Pop(out var table);
            tables.Give(cpu, table);
        }
    }
}
