using System.Buffers;
using Microsoft.AspNetCore.Http.Features;

namespace FleetMdm.Api.CheckIn;

/// <summary>Reads over a body that is larger than any message may be, and keeps its ends: in them stand who sent it and on which command.</summary>
/// <remarks>Only for senders whose certificate is good, and bounded in bytes, memory and time.</remarks>
internal static class OversizedBody
{
    /// <summary>Largest body that is read over. Whoever sends more is told 413.</summary>
    private const long Largest = 64L * 1024 * 1024;

    private const int EndBytes = 32 * 1024;

    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2);

    /// <summary>Whether it can be read: its length is told, and nothing of it was read yet.</summary>
    public static bool CanRead(HttpContext context) =>
        context.Request.ContentLength is > 2 * EndBytes and <= Largest && context.Features.Get<IHttpMaxRequestBodySizeFeature>() is null or { IsReadOnly: false };

    /// <returns>The first and the last bytes; null when the sender went away or took too long.</returns>
    public static async Task<(byte[] Head, byte[] Tail)?> Read(HttpContext context, TimeProvider time)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { } size) size.MaxRequestBodySize = Largest;
        using var deadline = new CancellationTokenSource(LongestWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, context.RequestAborted);
        var head = new ArrayBufferWriter<byte>(EndBytes);
        // A ring: the last bytes that came.
        var tail = new byte[EndBytes];
        var came = 0L;
        var buffer = ArrayPool<byte>.Shared.Rent(EndBytes);
        try
        {
            while (await context.Request.Body.ReadAsync(buffer, either.Token) is > 0 and var read)
            {
                var fresh = buffer.AsSpan(0, read);
                var first = Math.Min(read, EndBytes - head.WrittenCount);
                head.Write(fresh[..first]);
                foreach (var one in fresh[first..]) tail[came++ % EndBytes] = one;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or BadHttpRequestException)
        {
            return null;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        var begin = (int)(came % EndBytes);
        return (head.WrittenSpan.ToArray(), came < EndBytes ? tail[..begin] : [.. tail[begin..], .. tail[..begin]]);
    }
}
