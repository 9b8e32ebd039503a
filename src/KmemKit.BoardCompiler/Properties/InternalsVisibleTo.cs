using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("KmemKit.BoardCompiler.Tests")]
// The one JSON writer, for what a booted board prints.
[assembly: InternalsVisibleTo("KmemKit.Runtime")]
// The reader of stream tables, and what each master is to be given, as the tree says it.
[assembly: InternalsVisibleTo("KmemKit.Conformance")]
