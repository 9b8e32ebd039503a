using System.Runtime.Intrinsics;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Mmu;

/// <summary>Runs of leaves: the loops in which a range operation spends its time.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    // Leaves in a row, whose output addresses are in a row. Descriptor i is the template with the address of its own leaf, plus its place in that.
    private void FillRun(byte* table, int index, int count, ulong phys, ulong template, int shape)
    {
        ref readonly var leaf = ref _shapes[shape];
        if (leaf.Count == 1)
        {
            FillSingles(table, index, count, phys, template, leaf);
            return;
        }
        for (var i = 0; i < count; i++)
        {
            var place = i & (leaf.Count - 1);
            if (i != 0 && place == 0)
                phys = unchecked(phys + leaf.Bytes);
            Write(table, index + i, unchecked((template | _format.OutputField(phys, leaf)) + ((ulong)place * leaf.Step)));
        }
    }

    private void FillSingles(byte* table, int index, int count, ulong phys, ulong template, in LeafShape leaf)
    {
        var first = _format.OutputField(phys, leaf);
        // Addresses of a row are a row of numbers in most formats; where a run crosses to where they are not, each is encoded for itself.
        var step = count == 1 ? 0 : unchecked(_format.OutputField(unchecked(phys + leaf.Bytes), leaf) - first);
        var last = (ulong)(count - 1);
        if (_format.OutputField(unchecked(phys + (last * leaf.Bytes)), leaf) != unchecked(first + (last * step)))
        {
            for (var i = 0; i < count; i++)
                Write(table, index + i, template | _format.OutputField(unchecked(phys + ((ulong)i * leaf.Bytes)), leaf));
            return;
        }
        if (_format.DescriptorSize == 8)
            Ramp((ulong*)table + index, count, template | first, step);
        else
            Ramp((uint*)table + index, count, unchecked((uint)(template | first)), unchecked((uint)step));
    }

    private static void Ramp(ulong* to, int count, ulong value, ulong step)
    {
        unchecked
        {
            var i = 0;
            if (Vector256.IsHardwareAccelerated && count >= 8)
            {
                var low = Vector256.Create(value) + (Vector256.Create(0UL, 1, 2, 3) * step);
                var high = low + Vector256.Create(4 * step);
                var add = Vector256.Create(8 * step);
                for (; i <= count - 8; i += 8)
                {
                    low.Store(to + i);
                    high.Store(to + i + 4);
                    low += add;
                    high += add;
                }
            }
            for (; i < count; i++)
                to[i] = value + ((ulong)i * step);
        }
    }

    private static void Ramp(uint* to, int count, uint value, uint step)
    {
        unchecked
        {
            var i = 0;
            if (Vector256.IsHardwareAccelerated && count >= 8)
            {
                var values = Vector256.Create(value) + (Vector256.Create(0u, 1, 2, 3, 4, 5, 6, 7) * step);
                var add = Vector256.Create(8 * step);
                for (; i <= count - 8; i += 8)
                {
                    values.Store(to + i);
                    values += add;
                }
            }
            for (; i < count; i++)
                to[i] = value + ((uint)i * step);
        }
    }

    // Whether a descriptor of the run differs from another one in a bit outside the mask.
    private bool DifferBeyond(byte* table, int index, int count, ulong other, ulong mask) => _format.DescriptorSize == 8
        ? DifferBeyond((ulong*)table + index, count, other, ~mask)
        : DifferBeyond((uint*)table + index, count, unchecked((uint)other), unchecked((uint)~mask));

    private static bool DifferBeyond(ulong* run, int count, ulong other, ulong bits)
    {
        var i = 0;
        var differ = 0UL;
        if (Vector256.IsHardwareAccelerated && count >= 8)
        {
            var same = Vector256.Create(other);
            var (one, two) = (Vector256<ulong>.Zero, Vector256<ulong>.Zero);
            for (; i <= count - 8; i += 8)
            {
                one |= Vector256.Load(run + i) ^ same;
                two |= Vector256.Load(run + i + 4) ^ same;
            }
            one |= two;
            differ = one[0] | one[1] | one[2] | one[3];
        }
        for (; i < count; i++)
            differ |= run[i] ^ other;
        return (differ & bits) != 0;
    }

    private static bool DifferBeyond(uint* run, int count, uint other, uint bits)
    {
        var i = 0;
        var differ = 0u;
        if (Vector256.IsHardwareAccelerated && count >= 8)
        {
            var same = Vector256.Create(other);
            var all = Vector256<uint>.Zero;
            for (; i <= count - 8; i += 8)
                all |= Vector256.Load(run + i) ^ same;
            for (var lane = 0; lane < 8; lane++)
                differ |= all[lane];
        }
        for (; i < count; i++)
            differ |= run[i] ^ other;
        return (differ & bits) != 0;
    }
}
