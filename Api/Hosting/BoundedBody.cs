using System.Buffers;
using System.IO.Pipelines;
using FleetMdm.Api.Limits;

namespace FleetMdm.Api.Hosting;

/// <summary>Reads a request's body whole, within a bound.</summary>
public static class BoundedBody
{
    private static async ValueTask<ReadResult> Next(HttpRequest request)
    {
        try
        {
            return await request.BodyReader.ReadAsync(BodyDeadline.TokenOf(request.HttpContext));
        }
        catch (OperationCanceledException) when (BodyDeadline.HasPassedFor(request.HttpContext))
        {
            throw new BadHttpRequestException(BodyDeadline.Message, StatusCodes.Status408RequestTimeout);
        }
    }

    /// <summary>The body; null when it is longer than <paramref name="limit"/> bytes.</summary>
    public static async ValueTask<byte[]?> Read(HttpRequest request, long limit)
    {
        if (request.ContentLength > limit) return null;
        var body = new ArrayBufferWriter<byte>();
        while (true)
        {
            var read = await Next(request);
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
