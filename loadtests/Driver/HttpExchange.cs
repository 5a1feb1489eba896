namespace FleetMdm.LoadTests.Driver;

/// <summary>A request and its answer, for those who are too many for threads.</summary>
internal static class HttpExchange
{
    /// <summary>Answers to polls and refusals are short, and there are many buffers.</summary>
    public const int LongestAnswer = 2048;

    /// <param name="stream">Of the connection; nobody else uses it meanwhile.</param>
    /// <param name="request">A whole one.</param>
    /// <param name="buffer">For the answer, <see cref="LongestAnswer"/>.</param>
    /// <exception cref="IOException">No whole answer came.</exception>
    public static async ValueTask<(int Status, bool Close)> Send(Stream stream, ReadOnlyMemory<byte> request, byte[] buffer)
    {
        await stream.WriteAsync(request);
        var length = 0;
        while (true)
        {
            if (length == buffer.Length) throw new IOException("The answer is too long.");
            var read = await stream.ReadAsync(buffer.AsMemory(length));
            if (read == 0) throw new IOException("The server closed the connection before its answer was complete.");
            length += read;
            if (HttpHead.End(buffer.AsSpan(0, length)) is > 0 and var end && HttpHead.Read(buffer.AsSpan(0, end)) is var head && length >= end + head.Length)
                return (head.Status, head.Close);
        }
    }
}
