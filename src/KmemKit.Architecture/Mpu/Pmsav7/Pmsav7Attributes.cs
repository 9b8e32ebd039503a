namespace KmemKit.Architecture.Mpu.Pmsav7;

/// <summary>
/// The access control fields that PMSAv6 and PMSAv7 share: AP[2:0], XN, TEX[2:0], S, C, B.
/// </summary>
/// <remarks>
/// AP and XN: ARM DDI 0363G (Cortex-R4) tables 4-33 and 4-34; ARM DDI 0403E (Armv7-M) B3.5.9, tables B3-14 and B3-15: a fetch needs XN clear and the
/// right to read. TEX, C, B: ARM DDI 0363G table 7-3; ARM DDI 0403E table B3-13. Strongly-ordered memory is shareable whatever S says, and Device has
/// two encodings, one of them not shareable.
/// </remarks>
internal static class Pmsav7Attributes
{
    private const AccessRights R = AccessRights.Read;
    private const AccessRights RW = AccessRights.ReadWrite;
    private const AccessRights X = AccessRights.Execute;

    public static MpuFault Check(MpuAttributes attributes)
    {
        if (AccessPermission(attributes) is null)
            return MpuFault.RightsNotAvailable;
        return CheckExecute(attributes);
    }

    /// <summary>Whether one execute-never bit, and the right to read, can say who executes.</summary>
    public static MpuFault CheckExecute(MpuAttributes attributes)
    {
        var (privileged, user) = (attributes.Privileged, attributes.User);
        if (Has(privileged, X) && !Has(privileged, R) || Has(user, X) && !Has(user, R))
            return MpuFault.RightsNotAvailable;
        if (!Has(privileged, X) && !Has(user, X))
            return MpuFault.None;
        return Has(privileged, R) == Has(privileged, X) && Has(user, R) == Has(user, X) ? MpuFault.None : MpuFault.ExecuteNotSeparate;
    }

    public static MpuAttributes Canonical(MpuAttributes attributes)
    {
        if ((attributes.Privileged | attributes.User) == 0)
            return MpuAttributes.Deny;
        return attributes.Memory switch
        {
            MpuMemoryType.Unspecified or MpuMemoryType.StronglyOrdered =>
                attributes with { Memory = MpuMemoryType.StronglyOrdered, Shareable = true },
            _ => attributes,
        };
    }

    /// <summary>AP[2:0]; null where none says it.</summary>
    public static uint? AccessPermission(MpuAttributes attributes) => (attributes.Privileged & RW, attributes.User & RW) switch
    {
        (0, 0) => 0,
        (RW, 0) => 1,
        (RW, R) => 2,
        (RW, RW) => 3,
        (R, 0) => 5,
        (R, R) => 6,
        _ => null,
    };

    public static bool IsExecuteNever(MpuAttributes attributes) => ((attributes.Privileged | attributes.User) & X) == 0;

    /// <summary>TEX[2:0] in bits [5:3], S in [2], C in [1], B in [0]: the layout of DRACR.</summary>
    public static uint Type(MpuAttributes attributes)
    {
        var share = attributes.Shareable ? 1u << 2 : 0;
        return attributes.Memory switch
        {
            MpuMemoryType.Device => attributes.Shareable ? share | 0b01u : 0b010u << 3,
            MpuMemoryType.NormalNonCacheable => 0b001u << 3 | share,
            MpuMemoryType.NormalWriteThrough => share | 0b10,
            MpuMemoryType.NormalWriteBack => share | 0b11,
            MpuMemoryType.NormalWriteBackWriteAllocate => 0b001u << 3 | share | 0b11,
            _ => 0,
        };
    }

    /// <summary>Attributes of the fields; null where one is reserved.</summary>
    /// <param name="permission">AP[2:0].</param>
    /// <param name="never">XN.</param>
    /// <param name="type">As <see cref="Type"/> gives it.</param>
    /// <param name="isMicrocontroller">Armv7-M, where AP 7 is a second form of read-only.</param>
    public static MpuAttributes? Decode(uint permission, bool never, uint type, bool isMicrocontroller)
    {
        (AccessRights Privileged, AccessRights User)? rights = permission switch
        {
            0 => (0, 0),
            1 => (RW, 0),
            2 => (RW, R),
            3 => (RW, RW),
            5 => (R, 0),
            6 => (R, R),
            7 when isMicrocontroller => (R, R),
            _ => null,
        };
        if (rights is not { } data || MemoryOf(type) is not { } memory)
            return null;
        return Canonical(new MpuAttributes(Fetch(data.Privileged), Fetch(data.User), memory.Type, memory.Shareable));

        AccessRights Fetch(AccessRights given) => !never && Has(given, R) ? given | X : given;
    }

    private static (MpuMemoryType Type, bool Shareable)? MemoryOf(uint type)
    {
        var share = (type >> 2 & 1) != 0;
        var cb = type & 3;
        return (type >> 3) switch
        {
            0 => cb switch
            {
                0 => (MpuMemoryType.StronglyOrdered, true),
                1 => (MpuMemoryType.Device, true),
                2 => (MpuMemoryType.NormalWriteThrough, share),
                _ => (MpuMemoryType.NormalWriteBack, share),
            },
            1 => cb switch
            {
                0 => (MpuMemoryType.NormalNonCacheable, share),
                3 => (MpuMemoryType.NormalWriteBackWriteAllocate, share),
                _ => null,
            },
            2 => cb == 0 ? (MpuMemoryType.Device, false) : null,
            3 => null,
            // 0b1BB: outer policy BB, inner policy CB. Only the inner one reaches the caches these attributes are about.
            _ => cb switch
            {
                0 => (MpuMemoryType.NormalNonCacheable, share),
                1 => (MpuMemoryType.NormalWriteBackWriteAllocate, share),
                2 => (MpuMemoryType.NormalWriteThrough, share),
                _ => (MpuMemoryType.NormalWriteBack, share),
            },
        };
    }

    public static bool Has(AccessRights rights, AccessRights right) => (rights & right) != 0;
}
