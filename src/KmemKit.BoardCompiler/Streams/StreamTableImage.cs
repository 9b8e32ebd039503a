using System;
using System.Linq;
using KmemKit.BoardCompiler.Tables;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>The bytes of a plan: a pure function of it, little-endian, to be loaded at <see cref="StreamTablePlan.Base"/>.</summary>
public static class StreamTableImage
{
    /// <summary>Writes the image.</summary>
    public static byte[] Write(StreamTablePlan plan)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        var image = new byte[checked((int)plan.Bytes)];
        foreach (var part in plan.Parts)
        {
            var smmu = plan.Smmus[part.Smmu];
            if (part.Kind == StreamImagePart.PageTables)
                TableImage.Write(smmu.Contexts[part.Index].Tables).CopyTo(image, checked((int)part.Offset));
            else
                SmmuV3Image.Write(image, smmu, part);
        }
        return image;
    }
}
