namespace KmemKit.BoardCompiler.Writers.CSharp.Translation;

/// <summary>By what code an address finds its segment's offset.</summary>
internal enum TranslationForm
{
    /// <summary>One segment: an add.</summary>
    Offset,

    /// <summary>Each boundary makes a mask of all ones or none, which lets the step between two offsets through; the sum is the offset.</summary>
    Masks,

    /// <summary>The top bits of the address index a table of offsets.</summary>
    Sections,

    /// <summary>A branch-free binary search over the boundaries.</summary>
    Search,
}
