using System;

namespace KmemKit.Runtime.Highmem;

/// <summary>A temporary or fixed mapping was used in a way that would have damaged it (the kernel's BUG_ON). Nothing was changed.</summary>
public sealed class KmapException(string message) : InvalidOperationException(message);
