using System.Buffers.Text;

namespace FleetMdm.LoadTests.Driver;

/// <summary>What the driver needs of an answer's status line and headers.</summary>
/// <param name="Length">Of the body, unless it is chunked.</param>
/// <param name="Close">The server closes the connection after it.</param>
internal readonly record struct HttpHead(int Status, int Length, bool Chunked, bool Close)
{
    /// <summary>Where the headers end, behind their empty line; -1: not yet.</summary>
    public static int End(ReadOnlySpan<byte> answer)
    {
        var end = answer.IndexOf("\r\n\r\n"u8);
        return end < 0 ? -1 : end + 4;
    }

    /// <exception cref="IOException">It is not what a server should say.</exception>
    public static HttpHead Read(ReadOnlySpan<byte> head)
    {
        if (head.Length < 12 || !Utf8Parser.TryParse(head[9..], out int status, out _)) throw new IOException("The answer has no status.");
        if (status == 503 && Header(head, "retry-after:"u8).IsEmpty) throw new IOException("A refusal does not say when to come again.");
        var sized = Utf8Parser.TryParse(Header(head, "content-length:"u8), out int length, out _);
        return new HttpHead(
            status,
            length,
            !sized && Header(head, "transfer-encoding:"u8).IndexOf("chunked"u8) >= 0,
            Header(head, "connection:"u8).IndexOf("close"u8) >= 0);
    }

    private static ReadOnlySpan<byte> Header(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        while (true)
        {
            var line = head.IndexOf("\r\n"u8);
            if (line < 0) return default;
            head = head[(line + 2)..];
            if (head.Length < name.Length || !System.Text.Ascii.EqualsIgnoreCase(head[..name.Length], name)) continue;
            var value = head[name.Length..];
            return value[..value.IndexOf("\r\n"u8)].Trim((byte)' ');
        }
    }
}
