#!/bin/sh
# The board's kernel memory as a library, the driver in C with its tests on it, then the same driver in C#.
set -e
cd "$(dirname "$0")"
out=$PWD/board/bin/native
dotnet publish board -c Release -o "$out"
gcc -std=gnu99 -Wall -Wextra -g -I"$out" driver/*.c -L"$out" -lvirt-cortex-a15 -Wl,-rpath,"$out" -o "$out/pl011_test"
"$out/pl011_test"
dotnet run --project csharp
