using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Net.Http.Headers;

namespace FleetMdm.Api.Hosting;

/// <summary>
/// What Kestrel lets through of RFC 9112, 6, and a proxy before it may read otherwise: where two disagree on the end of a body, the rest of it becomes a
/// request that nobody has looked at. All of it is 400 here.
/// </summary>
/// <remarks>Kestrel itself refuses lines without CR (<see cref="WebHosting"/>), two lengths, and codings that are not <c>chunked</c>.</remarks>
internal static class StrictFraming
{
    /// <summary>Under which Kestrel keeps the length of a request that is chunked too.</summary>
    private const string LengthBesideChunks = "X-Content-Length";

    private static readonly Encoding Digits = new DigitsOnly();

    /// <summary><c>Content-Length: +3</c> is parsed before any middleware sees it: its bytes go by an encoding that knows digits only.</summary>
    public static void Configure(KestrelServerOptions kestrel) =>
        kestrel.RequestHeaderEncodingSelector = static name => name == HeaderNames.ContentLength ? Digits : null;

    /// <summary>A body with two ends.</summary>
    public static void UseStrictFraming(this IApplicationBuilder app) => app.Use((context, next) =>
    {
        var headers = context.Request.Headers;
        if (headers.TransferEncoding.Count == 0 || !headers.ContainsKey(LengthBesideChunks)) return next(context);
        context.Response.StatusCode = StatusCodes.Status400BadRequest;
        context.Response.Headers.Connection = "close";
        return context.Response.WriteAsync("A request has either Content-Length or Transfer-Encoding.");
    });

    /// <summary>Whatever is no digit becomes a character that is in no number.</summary>
    private sealed class DigitsOnly : Encoding
    {
        private const char NoDigit = '?';

        public override int GetByteCount(char[] chars, int index, int count) => count;

        public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
            ASCII.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

        public override int GetCharCount(byte[] bytes, int index, int count) => count;

        public override int GetMaxByteCount(int charCount) => charCount;

        public override int GetMaxCharCount(int byteCount) => byteCount;

        public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex) =>
            GetChars(bytes.AsSpan(byteIndex, byteCount), chars.AsSpan(charIndex));

        /// <summary>What is too long for the reader is too long for a number as well: it is cut, and refused for its length.</summary>
        public override int GetChars(ReadOnlySpan<byte> bytes, Span<char> chars)
        {
            var count = Math.Min(bytes.Length, chars.Length);
            for (var i = 0; i < count; i++) chars[i] = char.IsAsciiDigit((char)bytes[i]) ? (char)bytes[i] : NoDigit;
            return count;
        }
    }
}
