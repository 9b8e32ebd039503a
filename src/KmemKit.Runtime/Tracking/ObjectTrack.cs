using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace KmemKit.Runtime.Tracking;

/// <summary>Who did something to an object, and when (<c>struct track</c>, mm/slub.c): 16 bytes behind the object.</summary>
/// <remarks>All zeroes is: nobody yet. The CPU is kept plus one, so that a track of an unknown site at time 0 is not all zeroes.</remarks>
[StructLayout(LayoutKind.Sequential)]
internal readonly struct ObjectTrack(uint site, int cpu, int pid, long jiffies)
{
    private const int JiffyBits = 48;

    // Two words, each made in a register: narrower fields would be stored one by one and copied as one, which waits for the stores.
    private readonly ulong _siteAndPid = site | ((ulong)(uint)pid << 32);

    // CPU + 1 above, the low 48 bits of the time below: 8900 years at 1000 Hz.
    private readonly ulong _cpuAndWhen = ((ulong)(uint)(cpu + 1) << JiffyBits) | ((ulong)jiffies & ((1UL << JiffyBits) - 1));

    /// <summary>Stores a track, by its two words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe void Write(byte* at, uint site, int cpu, int pid, long jiffies)
    {
        var words = (ulong*)at;
        words[0] = site | ((ulong)(uint)pid << 32);
        words[1] = ((ulong)(uint)(cpu + 1) << JiffyBits) | ((ulong)jiffies & ((1UL << JiffyBits) - 1));
    }

    public bool IsSet => _cpuAndWhen != 0;

    public uint Site => unchecked((uint)_siteAndPid);

    public int Cpu => (int)(_cpuAndWhen >> JiffyBits) - 1;

    public int Pid => (int)(_siteAndPid >> 32);

    public long When => (long)(_cpuAndWhen & ((1UL << JiffyBits) - 1));
}
