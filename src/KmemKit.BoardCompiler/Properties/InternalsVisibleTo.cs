using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("KmemKit.BoardCompiler.Tests")]
// The one JSON writer, for what a booted board prints.
[assembly: InternalsVisibleTo("KmemKit.Runtime")]
