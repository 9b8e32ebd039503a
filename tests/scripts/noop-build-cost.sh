#!/usr/bin/env bash
# What a build without work costs more with 20 boards than without KmemKit: the packages of this checkout, two projects that are equal but for the boards, built in turns.
# Prints the medians and the best in milliseconds; alone on the machine, please.
#
#   tests/scripts/noop-build-cost.sh [PAIRS]
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
pairs=${1:-30}
work=$(mktemp -d "${TMPDIR:-/tmp}/noop-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
export DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1
version=0.0.1-noop.$$

for package in KmemKit.Runtime KmemKit.Build KmemKit; do
    dotnet pack "$root/src/$package" -c Release -p:Version="$version" -o "$work/feed" -v q -nologo > "$work/log" || { cat "$work/log" >&2; exit 1; }
done
machine=${NUGET_PACKAGES:-$HOME/.nuget/packages}
cat > "$work/nuget.config" << CONFIG
<configuration><packageSources><clear /><add key="own" value="$work/feed" /><add key="machine" value="$machine" /></packageSources></configuration>
CONFIG
export NUGET_PACKAGES=$work/packages

for project in plain boards; do
    mkdir "$work/$project"
    for i in {1..20}; do
        echo "namespace N$i; public static class C { public static int F(int x) => x + $i; }" > "$work/$project/F$i.cs"
    done
done
sdk='<Project Sdk="Microsoft.NET.Sdk"><PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>'
echo "$sdk</Project>" > "$work/plain/plain.csproj"
echo "$sdk<ItemGroup><PackageReference Include=\"KmemKit\" Version=\"$version\" /><KmemBoard Include=\"b/*/*.dts\" /></ItemGroup></Project>" > "$work/boards/boards.csproj"
for i in {1..20}; do
    mkdir -p "$work/boards/b/x$i"
    cp "$root"/boards/qcom/msm8974/msm8974.{dtsi,h} "$work/boards/b/x$i/"
    cp "$root/boards/qcom/msm8974/msm8974.dts" "$work/boards/b/x$i/x$i.dts"
    cp "$root/boards/qcom/msm8974/msm8974_defconfig" "$work/boards/b/x$i/x${i}_defconfig"
done

build() {
    (cd "$work/$1" && dotnet build -nologo -v:q -m:1 "${@:2}" > "$work/log") || { cat "$work/log" >&2; exit 1; }
}
for project in plain boards; do
    build $project
    build $project --no-restore
done
for ((i = 0; i < pairs; i++)); do
    order=(plain boards)
    ((i % 2)) && order=(boards plain)
    for project in "${order[@]}"; do
        start=$(date +%s%N)
        build "$project" --no-restore
        echo $((($(date +%s%N) - start) / 1000000)) >> "$work/$project.ms"
    done
done
for project in plain boards; do sort -n "$work/$project.ms" -o "$work/$project.ms"; done
paste "$work/plain.ms" "$work/boards.ms" | awk -v pairs="$pairs" '
    NR == 1 { best = $1; bestWith = $2 }
    NR == int((pairs + 1) / 2) { printf "%d pairs, ms without and with 20 boards: median %d %d (%+.1f %%), best %d %d (%+.1f %%)\n", pairs, $1, $2, ($2 / $1 - 1) * 100, best, bestWith, (bestWith / best - 1) * 100 }'
