using System.Runtime.CompilerServices;

[assembly: InternalsVisibleTo("KmemKit.BoardCompiler.Tests")]
