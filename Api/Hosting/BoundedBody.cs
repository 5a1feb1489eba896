using System.Buffers;

namespace FleetMdm.Api.Hosting;

/// <summary>Reads a request's body whole, within a bound.</summary>
public static class BoundedBody
{
    /// <summary>The body; null when it is longer than <paramref name="limit"/> bytes.</summary>
    public static async ValueTask<byte[]?> Read(HttpRequest request, long limit)
    {
        if (request.ContentLength > limit) return null;
        var body = new ArrayBufferWriter<byte>((int)(request.ContentLength ?? 0) + 1);
        while (true)
        {
            var read = await request.BodyReader.ReadAsync(request.HttpContext.RequestAborted);
            var fits = body.WrittenCount + read.Buffer.Length <= limit;
            if (fits)
            {
                foreach (var segment in read.Buffer) body.Write(segment.Span);
            }

            // Always given back: a reader that is left in the middle costs the connection its next request.
            request.BodyReader.AdvanceTo(read.Buffer.End);
            if (!fits) return null;
            if (read.IsCompleted) return body.WrittenSpan.ToArray();
        }
    }
}
