using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("KmemKit.BoardCompiler")]
[assembly: InternalsVisibleTo("KmemKit.Architecture.Tests")]
