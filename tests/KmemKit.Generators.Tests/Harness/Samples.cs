namespace KmemKit.Generators.Tests.Harness;

/// <summary>Boards for tests, small.</summary>
internal static class Samples
{
    public const string Head = "/dts-v1/;\n";

    public const string Cpu = """
        	cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a9"; reg = <0>; }; };

        """;

    public const string Soc = """
        	soc { #address-cells = <1>; #size-cells = <1>; ranges; compatible = "simple-bus";
        		uart0: serial@f991e000 { compatible = "ns16550"; reg = <0xf991e000 0x1000>; };
        	};

        """;

    /// <summary>A 32-bit Arm board with these banks, each <c>0xstart 0xsize</c>.</summary>
    public static string Arm(string banks, string extra = "") => Head + "/ {\n\t#address-cells = <1>; #size-cells = <1>;\n\tmodel = \"A board\"; compatible = \"test,board\";\n"
        + Cpu + "\tmemory@0 { device_type = \"memory\"; reg = " + banks + "; };\n" + Soc + extra + "};\n";

    /// <summary>The msm8974 map: RAM on both sides of the modem's hole.</summary>
    public const string Msm8974Banks = "<0x0 0x5b00000>, <0x5d00000 0x1800000>, <0x12000000 0x6d200000>";

    public const string Defconfig = """
        CONFIG_ARM=y
        CONFIG_MMU=y
        CONFIG_LINUX_VERSION="3.4"
        CONFIG_PAGE_OFFSET=0xc0000000
        CONFIG_HIGHMEM=y
        CONFIG_VMALLOC_END=0xff000000

        """;
}
