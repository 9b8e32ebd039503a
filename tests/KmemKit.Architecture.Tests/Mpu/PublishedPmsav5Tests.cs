using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmsav5;
using NUnit.Framework;
using static KmemKit.Architecture.AccessRights;

namespace KmemKit.Architecture.Tests.Mpu;

/// <summary>The PMSAv5 parts, which no emulator has, against values that others published: the manuals' tables, and register values that firmware of an ARM946E-S boots with.</summary>
public class PublishedPmsav5Tests
{
    // Region size encoding: ARM DDI 0092B 2.2.7 (ARM940T); ARM DDI 0155A and 0201D 2.3.9, table 2.18 (ARM946E-S). What is below 4 KB is reserved.
    private static readonly (string Field, string Size)[] s_sizes =
    [
        ("01011", "4KB"), ("01100", "8KB"), ("01101", "16KB"), ("01110", "32KB"), ("01111", "64KB"), ("10000", "128KB"), ("10001", "256KB"), ("10010", "512KB"),
        ("10011", "1MB"), ("10100", "2MB"), ("10101", "4MB"), ("10110", "8MB"), ("10111", "16MB"), ("11000", "32MB"), ("11001", "64MB"), ("11010", "128MB"),
        ("11011", "256MB"), ("11100", "512MB"), ("11101", "1GB"), ("11110", "2GB"), ("11111", "4GB"),
    ];

    private static IEnumerable<Pmsav5Format> Parts => [Pmsav5Format.Arm740T, Pmsav5Format.Arm940T, Pmsav5Format.Arm946ES, Pmsav5Format.Arm1026EJS];

    [TestCaseSource(nameof(Parts))]
    public void Sizes_are_encoded_as_in_the_manuals_table(Pmsav5Format format) => Assert.Multiple(() =>
    {
        foreach (var space in format.Spaces)
        {
            foreach (var (field, size) in s_sizes)
            {
                var bytes = ulong.Parse(size[..^2], CultureInfo.InvariantCulture) << (size[^2..] switch { "KB" => 10, "MB" => 20, _ => 30 });
                var region = new MpuRegion(5, RandomRegions.Range(0, bytes), Everything(space)) { Space = space };
                var file = format.Encode([region], false);
                Assert.That(file.Regions.Single()["C6"], Is.EqualTo(Convert.ToUInt32(field, 2) << 1 | 1), size);
                Assert.That(format.Decode(file).Regions.Single().Range, Is.EqualTo(region.Range), size);
            }
            for (var field = 0u; field < 0b01011; field++)
                Assert.That(() => format.Decode(With(format, space, field << 1 | 1)), Throws.TypeOf<MpuEncodingException>(), $"size {field} is reserved");
        }
    });

    // The example of ARM DDI 0201D 2.3.9: 8 KB at 0x2000, which are 0x2000 to 0x3fff.
    [TestCaseSource(nameof(Parts))]
    public void Eight_kilobytes_at_0x2000(Pmsav5Format format)
    {
        foreach (var space in format.Spaces)
        {
            var file = format.Encode([new MpuRegion(0, RandomRegions.Range(0x2000, 0x2000), Everything(space)) { Space = space }], false);
            Assert.That(file.Regions.Single()["C6"], Is.EqualTo(0x2019));
            var table = format.Decode(file);
            Assert.That(new ulong[] { 0x1fff, 0x2000, 0x3fff, 0x4000 }.Select(a => table.Decide(a, Privilege.User).Rights != None), Is.EqualTo(new[] { false, true, true, false }));
        }
    }

    // The start-up code of an ARM946E-S with all eight regions (github.com/LumaTeam/Luma3DS, mset/source/payload/start.s), what its comments say each value is: a ROM, TCM,
    // work RAM, I/O, I/O, main memory, a window that is only data, video RAM; data written everywhere but in the ROM, fetches from 0, 1, 2, 5 and 7, caches and
    // write buffer for 0, 2 and 5.
    [Test]
    public void Firmware_with_eight_regions_has_these_register_values()
    {
        (ulong Start, ulong Size, bool Writes, bool Fetches, bool Caches, uint Register)[] published =
        [
            (0xffff_0000, 32 << 10, false, true, true, 0xffff_001d), (0x01ff_8000, 32 << 10, true, true, false, 0x01ff_801d), (0x0800_0000, 1 << 20, true, true, true, 0x0800_0027),
            (0x1000_0000, 128 << 10, true, false, false, 0x1000_0021), (0x1010_0000, 512 << 10, true, false, false, 0x1010_0025),
            (0x2000_0000, 128 << 20, true, true, true, 0x2000_0035), (0x2800_8000, 16 << 10, true, false, false, 0x2800_801b),
            (0x1800_0000, 8 << 20, true, true, false, 0x1800_002d),
        ];
        var regions = published.Select((p, i) =>
        {
            var rights = (p.Writes ? ReadWrite : Read) | (p.Fetches ? Execute : None);
            return new MpuRegion(i, RandomRegions.Range(p.Start, p.Size), new MpuAttributes(rights, rights, p.Caches ? MpuMemoryType.NormalWriteBack : MpuMemoryType.StronglyOrdered, false));
        }).ToList();
        var file = Pmsav5Format.Arm946ES.Encode(regions, false);
        Assert.Multiple(() =>
        {
            Assert.That(file.Regions.Select(r => r["C6"]), Is.EqualTo(published.Select(p => (ulong)p.Register)));
            Assert.That(file["C5_DATA"], Is.EqualTo(0x3333_3336));
            Assert.That(file["C5_INSTRUCTION"], Is.EqualTo(0x6060_0666));
            Assert.That((file["C3"], file["C2_DATA"], file["C2_INSTRUCTION"]), Is.EqualTo((0x25UL, 0x25UL, 0x25UL)));
            Assert.That(Pmsav5Format.Arm946ES.Decode(file).Regions.Select(r => (r.Range, r.Attributes)), Is.EqualTo(regions.Select(r => (r.Range, r.Attributes))));
        });
    }

    private static MpuAttributes Everything(MpuSpace space) => space switch
    {
        MpuSpace.Data => new(ReadWrite, ReadWrite, MpuMemoryType.StronglyOrdered, false),
        MpuSpace.Instruction => new(Execute, Execute, MpuMemoryType.StronglyOrdered, false),
        _ => new(All, All, MpuMemoryType.StronglyOrdered, false),
    };

    private static MpuRegisterFile With(Pmsav5Format format, MpuSpace space, uint register)
    {
        var file = format.Encode([new MpuRegion(0, RandomRegions.Range(0, 0x1000), Everything(space)) { Space = space }], false);
        return file with { Regions = [file.Regions.Single() with { Values = [new MpuRegister("C6", register)] }] };
    }
}
