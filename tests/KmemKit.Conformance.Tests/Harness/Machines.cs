using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Boards;
using KmemKit.Conformance.Harness;
using KmemKit.Conformance.Tests.Boards;
using KmemKit.Tests.Shared;

namespace KmemKit.Conformance.Tests.Harness;

/// <summary>Boards of the harness' own tests: one with MMU, one with an MPU alone.</summary>
internal static class Machines
{
    public static MachineImage Mmu { get; } = MachineImage.Of(BoardDefinitions.Compile(new BoardDefinition("gateway", """
        /dts-v1/;
        / {
            compatible = "test,gateway";
            #address-cells = <1>;
            #size-cells = <1>;
            cpus {
                #address-cells = <1>;
                #size-cells = <0>;
                cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a7"; reg = <0>; };
            };
            memory@80000000 { device_type = "memory"; reg = <0x80000000 0x4000000>; };
            uart0: serial@10000000 { compatible = "test,uart"; reg = <0x10000000 0x1000>; };
            uart1: serial@10001000 { compatible = "test,uart"; reg = <0x10001000 0x1000>; };
            dma0: dma@10002000 { compatible = "test,dma"; reg = <0x10002000 0x1000>; };
        };

        """, "CONFIG_ARM=y\nCONFIG_LINUX_VERSION=\"4.4\"\n", null)));

    public static MachineImage Mpu { get; } = MachineImage.Of(BoardDefinitions.Compile(new BoardDefinition("sensor", """
        /dts-v1/;
        / {
            compatible = "test,sensor";
            #address-cells = <1>;
            #size-cells = <1>;
            cpus {
                #address-cells = <1>;
                #size-cells = <0>;
                cpu@0 { device_type = "cpu"; compatible = "arm,cortex-m3"; reg = <0>; };
            };
            ram: memory@21000000 { device_type = "memory"; reg = <0x21000000 0x1000000>; };
            uart0: serial@40004000 { compatible = "test,uart"; reg = <0x40004000 0x1000>; };
            protection {
                compatible = "kmemkit,protection";
                #address-cells = <1>;
                #size-cells = <1>;
                ram { region = <&ram>; privileged = "rw"; memory-type = "normal-wb"; };
                peripherals@40000000 { reg = <0x40000000 0x40000>; privileged = "rw"; memory-type = "device"; shareable; };
                domain-task {
                    stack@21010000 { reg = <0x21010000 0x4000>; privileged = "rw"; user = "rw"; memory-type = "normal-wb"; };
                };
            };
        };

        """, "CONFIG_ARM=y\nCONFIG_MMU=n\nCONFIG_ARM_MPU=y\n", null)));

    /// <summary>Camera and display behind an SMMUv2.</summary>
    public static MachineImage Smmu { get; } = MachineImage.Of(BoardDefinitions.Compile(new BoardDefinition(SmmuMutations.SmmuV2, SmmuMutations.SmmuV2Source, "CONFIG_ARM64=y\n", null)));

    /// <summary>QEMU's machine with an SMMUv3 in front of the PCI host bridge.</summary>
    public static MachineImage SmmuV3 { get; } = MachineImage.Of(BoardPipeline.Compile(RepositoryBoards.Input("qemu/virt-smmuv3")));

    public static MachineImage Of(bool mmu) => mmu ? Mmu : Mpu;
}
