namespace KmemKit.Architecture.Mpu.Pmsav5;

/// <summary>The permission fields of CP15 register 5.</summary>
/// <remarks>
/// Two bits: ARM DDI 0092B table 2-8. Four bits: ARM DDI 0201D 2.3.8, "Access permission encoding" (extended): 0 to 3 as the two bits, 5 and 6
/// read-only; the others are reserved. A fetch needs what a load would need.
/// </remarks>
internal static class Pmsav5Permissions
{
    private const AccessRights R = AccessRights.Read;
    private const AccessRights RW = AccessRights.ReadWrite;

    /// <summary>The field for loads and stores; null where none says it.</summary>
    public static uint? OfData(MpuAttributes attributes, bool extended) =>
        (attributes.Privileged & RW, attributes.User & RW) switch
        {
            (0, 0) => 0,
            (RW, 0) => 1,
            (RW, R) => 2,
            (RW, RW) => 3,
            (R, 0) when extended => 5,
            (R, R) when extended => 6,
            _ => null,
        };

    /// <summary>The field for fetches, the one that grants least beside; null where none says it.</summary>
    public static uint? OfInstructions(MpuAttributes attributes, bool extended) =>
        ((attributes.Privileged & AccessRights.Execute) != 0, (attributes.User & AccessRights.Execute) != 0) switch
        {
            (false, false) => 0,
            (true, false) => extended ? 5u : 1u,
            (true, true) => extended ? 6u : 2u,
            _ => null,
        };

    /// <summary>Rights of loads and stores; null for a reserved field.</summary>
    public static MpuAttributes? DataOf(uint field, bool extended) => field switch
    {
        0 => MpuAttributes.Deny,
        1 => new MpuAttributes(RW, 0, 0, false),
        2 => new MpuAttributes(RW, R, 0, false),
        3 => new MpuAttributes(RW, RW, 0, false),
        5 when extended => new MpuAttributes(R, 0, 0, false),
        6 when extended => new MpuAttributes(R, R, 0, false),
        _ => null,
    };

    /// <summary>Rights of fetches; null for a reserved field.</summary>
    public static MpuAttributes? InstructionsOf(uint field, bool extended) => DataOf(field, extended) is { } data
        ? new MpuAttributes(Fetch(data.Privileged), Fetch(data.User), 0, false)
        : null;

    private static AccessRights Fetch(AccessRights rights) => (rights & R) != 0 ? AccessRights.Execute : 0;
}
