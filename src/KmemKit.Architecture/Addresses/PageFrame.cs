using System;
using System.Globalization;

namespace KmemKit.Architecture;

/// <summary>A page frame number (pfn): a physical address divided by the page size.</summary>
/// <remarks>Which address it stands for depends on the page size: see <see cref="PageGeometry.ToAddress"/>.</remarks>
public readonly struct PageFrame(ulong number) : IEquatable<PageFrame>, IComparable<PageFrame>
{
    /// <summary>The pfn, counted from physical address 0.</summary>
    public ulong Number { get; } = number;

    /// <summary>The frame <paramref name="frames"/> further up.</summary>
    /// <exception cref="OverflowException">It is beyond 2^64-1.</exception>
    public static PageFrame operator +(PageFrame frame, ulong frames) => new(checked(frame.Number + frames));

    /// <summary>The frame <paramref name="frames"/> further down.</summary>
    /// <exception cref="OverflowException">It is below 0.</exception>
    public static PageFrame operator -(PageFrame frame, ulong frames) => new(checked(frame.Number - frames));

    /// <summary>Frames from <paramref name="right"/> up to <paramref name="left"/>.</summary>
    public static ulong operator -(PageFrame left, PageFrame right) => checked(left.Number - right.Number);

    /// <summary>The same as <c>frame + frames</c>.</summary>
    public PageFrame Add(ulong frames) => this + frames;

    /// <summary>The same as <c>frame - frames</c>.</summary>
    public PageFrame Subtract(ulong frames) => this - frames;

    /// <inheritdoc/>
    public bool Equals(PageFrame other) => Number == other.Number;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is PageFrame other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Number.GetHashCode();

    /// <inheritdoc/>
    public int CompareTo(PageFrame other) => Number.CompareTo(other.Number);

    /// <summary>Equality.</summary>
    public static bool operator ==(PageFrame left, PageFrame right) => left.Number == right.Number;

    /// <summary>Inequality.</summary>
    public static bool operator !=(PageFrame left, PageFrame right) => left.Number != right.Number;

    /// <summary>Order.</summary>
    public static bool operator <(PageFrame left, PageFrame right) => left.Number < right.Number;

    /// <summary>Order.</summary>
    public static bool operator <=(PageFrame left, PageFrame right) => left.Number <= right.Number;

    /// <summary>Order.</summary>
    public static bool operator >(PageFrame left, PageFrame right) => left.Number > right.Number;

    /// <summary>Order.</summary>
    public static bool operator >=(PageFrame left, PageFrame right) => left.Number >= right.Number;

    /// <summary><c>pfn 0x…</c>.</summary>
    public override string ToString() => "pfn 0x" + Number.ToString("x", CultureInfo.InvariantCulture);
}
