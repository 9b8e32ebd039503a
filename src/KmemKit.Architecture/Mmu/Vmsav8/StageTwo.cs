namespace KmemKit.Architecture.Mmu.Vmsav8;

/// <summary>Attributes of stage 2 leaves, AArch64 and AArch32.</summary>
/// <remarks>
/// ARM DDI 0487 D8.3.2, D8.4.2; ARM DDI 0406C B3.6.2, B3.7.5: S2AP (HAP) gives both privileges the same loads and stores; XN in bit 54, with FEAT_XNX XN[1:0] in
/// 54:53: 00 both execute, 01 EL0 only, 10 none, 11 EL1 only. AArch32 fetches only what can be read. Tables carry no attributes.
/// </remarks>
internal static class StageTwo
{
    public const ulong LeafBits = LongDescriptor.MemAttrMask | LongDescriptor.S2Read | LongDescriptor.S2Write | LongDescriptor.ShareabilityMask
        | LongDescriptor.AccessFlag | LongDescriptor.Uxn | LongDescriptor.SoftwareMask;

    private static (AccessRights Privileged, AccessRights User) Rights(ulong descriptor, bool hasXnx, bool fetchesNeedRead)
    {
        var data = ((descriptor & LongDescriptor.S2Read) != 0 ? AccessRights.Read : 0) | ((descriptor & LongDescriptor.S2Write) != 0 ? AccessRights.Write : 0);
        if (fetchesNeedRead && (data & AccessRights.Read) == 0)
            return (data, data);
        var never = (descriptor & LongDescriptor.Uxn) != 0;
        var swapped = hasXnx && (descriptor & LongDescriptor.Pxn) != 0;
        // XN[0] turns the answer around for one of the two: 01 takes EL1's fetches, 11 gives them back.
        var privileged = never == swapped;
        return (data | (privileged ? AccessRights.Execute : 0), data | (never ? 0 : AccessRights.Execute));
    }

    public static PageAttributes Decode(ulong descriptor, bool hasXnx, bool fetchesNeedRead)
    {
        var (privileged, user) = Rights(descriptor, hasXnx, fetchesNeedRead);
        var type = LongDescriptor.MemAttrType(descriptor);
        return new PageAttributes(privileged, user, type, LongDescriptor.Effective(type, LongDescriptor.ShareabilityOf(descriptor)))
        {
            IsAccessed = (descriptor & LongDescriptor.AccessFlag) != 0,
            Software = (ushort)((descriptor & LongDescriptor.SoftwareMask) >> LongDescriptor.SoftwareShift),
        };
    }

    public static EncodingRefusal TryEncode(in PageAttributes attributes, bool hasXnx, bool fetchesNeedRead, out ulong bits)
    {
        bits = 0;
        if (attributes.Domain != 0)
            return EncodingRefusal.DomainNotAvailable;
        if (attributes.IsNonSecure)
            return EncodingRefusal.SecurityNotAvailable;
        if (attributes.Software >> 4 != 0)
            return EncodingRefusal.SoftwareBitsNotAvailable;
        var memory = LongDescriptor.MemAttrOf(attributes.Memory);
        if (memory == 0xff)
            return EncodingRefusal.MemoryTypeNotAvailable;
        if (attributes.Shareability is not (Shareability.None or Shareability.Outer or Shareability.Inner))
            return EncodingRefusal.ShareabilityNotAvailable;
        var data = attributes.User & AccessRights.ReadWrite;
        if ((attributes.Privileged & AccessRights.ReadWrite) != data || (attributes.Privileged | attributes.User) == 0)
            return EncodingRefusal.RightsNotAvailable;

        var permissions = ((data & AccessRights.Read) != 0 ? LongDescriptor.S2Read : 0) | ((data & AccessRights.Write) != 0 ? LongDescriptor.S2Write : 0);
        var user = (attributes.User & AccessRights.Execute) != 0;
        var privileged = (attributes.Privileged & AccessRights.Execute) != 0;
        permissions |= (user ? 0 : LongDescriptor.Uxn) | (user != privileged ? LongDescriptor.Pxn : 0);
        if (!hasXnx && user != privileged)
            return EncodingRefusal.ExecuteNotSeparate;
        if (Rights(permissions, hasXnx, fetchesNeedRead) != (attributes.Privileged, attributes.User))
            return EncodingRefusal.RightsNotAvailable;
        bits = permissions | (ulong)memory << LongDescriptor.MemAttrShift
            | (ulong)LongDescriptor.Effective(attributes.Memory, attributes.Shareability) << LongDescriptor.ShareabilityShift
            | (attributes.IsAccessed ? LongDescriptor.AccessFlag : 0)
            | (ulong)attributes.Software << LongDescriptor.SoftwareShift;
        return EncodingRefusal.None;
    }

    public static PageAttributes Canonical(in PageAttributes attributes) => attributes with
    {
        Shareability = LongDescriptor.Effective(attributes.Memory, attributes.Shareability),
        IsGlobal = true,
        IsDirty = false,
    };

    /// <summary>Whether a leaf's fields hold a reserved value.</summary>
    public static bool HasReservedField(ulong descriptor) =>
        (int)LongDescriptor.ShareabilityOf(descriptor) == 1 || LongDescriptor.MemAttrType(descriptor) == MemoryType.Unspecified;
}
