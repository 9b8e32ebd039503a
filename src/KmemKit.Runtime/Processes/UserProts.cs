using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Mmu;

namespace KmemKit.Runtime.Processes;

/// <summary>Leaves of user pages by rights and memory type, encoded once (<c>protection_map</c>).</summary>
internal sealed class UserProts
{
    private readonly Dictionary<(MemProt, MemoryUse), PageProt> _made = [];
    private readonly IPageTables _tables;
    private readonly ulong _page;

    public UserProts(IPageTables tables, ulong page)
    {
        (_tables, _page) = (tables, page);
        HasExecuteNever = (Of(MemProt.Read, MemoryUse.Cached).Attributes.User & AccessRights.Execute) == 0;
    }

    /// <summary>Whether the format can withhold execution from what is read (not two-level x86).</summary>
    public bool HasExecuteNever { get; }

    public PageProt Of(MemProt prot, MemoryUse use)
    {
        if (!_made.TryGetValue((prot, use), out var made))
            _made.Add((prot, use), made = Make(prot, use));
        return made;
    }

    // The kernel may what the process may, so that copy_to_user breaks copies as a store of the process does; it fetches nothing there where the format can say so
    // page by page. What can be written or executed can be read.
    private PageProt Make(MemProt prot, MemoryUse use)
    {
        var rights = AccessRights.Read | ((prot & MemProt.Write) != 0 ? AccessRights.Write : 0);
        var user = rights | ((prot & MemProt.Exec) != 0 ? AccessRights.Execute : 0);
        foreach (var (privileged, unprivileged) in new[] { (rights, user), (user, user), (rights | AccessRights.Execute, rights | AccessRights.Execute) })
        {
            var type = _tables.TypeFor(use);
            var attributes = _tables.Canonical(new PageAttributes(privileged, unprivileged, type, type.IsNormal() ? Shareability.Inner : Shareability.None)
            {
                IsGlobal = false,
                IsDirty = (prot & MemProt.Write) != 0,
            });
            if (_tables.TryProt(attributes, out var made, _page) == EncodingRefusal.None && made!.Table == default)
                return made;
        }
        throw new NotSupportedException($"The tables cannot say {prot} of user memory.");
    }
}
