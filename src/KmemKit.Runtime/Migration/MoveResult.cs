namespace KmemKit.Runtime.Migration;

/// <summary>What an owner says to a move.</summary>
public enum MoveResult
{
    /// <summary>MIGRATEPAGE_SUCCESS: the owner uses the new page from now on.</summary>
    Moved = 0,

    /// <summary>-EAGAIN: not now; it is asked again.</summary>
    Busy,

    /// <summary>Any other error: this page stays.</summary>
    Refused,
}
