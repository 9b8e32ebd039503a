using System;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Buddy;

/// <summary>What is wrong with a page that cannot be freed, found out only then.</summary>
public sealed unsafe partial class PageAllocator
{
    internal PageErrorException ErrorOf(Page page, int order)
    {
        var index = Map.Check(page);
        var frame = Map.FrameAt(index);
        var state = Map.States[index];
        if (state != 0)
        {
            return new PageErrorException(
                PageErrorKind.WrongOrder, frame, $"{frame} was allocated with order {state & PageState.OrderMask}, not {order}.");
        }
        if (!Map.IsRam(index))
            return new PageErrorException(PageErrorKind.Hole, frame, $"{frame} is not RAM.");
        if (Map.IsReserved(index))
            return new PageErrorException(PageErrorKind.Reserved, frame, $"{frame} is reserved: it was never given to the page allocator.");
        var head = Map.HeadOf(index);
        return head != uint.MaxValue
            ? new PageErrorException(PageErrorKind.NotFirstPage, frame, $"{frame} lies in the block of {Map.FrameAt(head)}, order {Map.States[head] & PageState.OrderMask}.")
            : new PageErrorException(PageErrorKind.DoubleFree, frame, $"{frame} is free already.");
    }
}
