using System;

namespace KmemKit.Runtime.Pages;

/// <summary>A page descriptor's handle (<c>struct page *</c>): it names a frame of one <see cref="PageMap"/>, or none.</summary>
/// <remarks>The default value is the null page. What it stands for is asked of the map: <see cref="PageMap.PageToPfn"/>.</remarks>
public readonly struct Page : IEquatable<Page>
{
    // Index + 1, so that default is null: index 0 is a frame like any other.
    private readonly uint _handle;

    internal Page(uint index) => _handle = index + 1;

    /// <summary>No page: what a failed allocation gives.</summary>
    public static Page Null => default;

    /// <summary>Whether it is the null page.</summary>
    public bool IsNull => _handle == 0;

    /// <summary>The descriptor's number in its map; uint.MaxValue for the null page, which no map has.</summary>
    internal uint Index => unchecked(_handle - 1);

    /// <inheritdoc/>
    public bool Equals(Page other) => _handle == other._handle;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Page other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => (int)_handle;

    /// <summary>Equality.</summary>
    public static bool operator ==(Page left, Page right) => left._handle == right._handle;

    /// <summary>Inequality.</summary>
    public static bool operator !=(Page left, Page right) => left._handle != right._handle;

    /// <summary><c>page 5</c> or <c>page (null)</c>.</summary>
    public override string ToString() => IsNull ? "page (null)" : $"page {Index}";
}
