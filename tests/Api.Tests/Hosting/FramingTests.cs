using System.Net.Sockets;
using System.Text;
using FleetMdm.Api.Tests.Admin;

namespace FleetMdm.Api.Tests.Hosting;

/// <summary>Where a body ends is written in one way only: a proxy before the server must not read it otherwise.</summary>
public sealed class FramingTests(AdminServer server)
{
    private const string Chunks = "HEX\r\nBODY\r\n0\r\n\r\n";

    [Theory]
    [InlineData("Content-Length: +LEN", "BODY")]
    [InlineData("Content-Length: -LEN", "BODY")]
    [InlineData("Content-Length: 0xLEN", "BODY")]
    [InlineData("Content-Length: LEN,LEN", "BODY")]
    [InlineData("Content-Length: LEN LEN", "BODY")]
    [InlineData("Content-Length:", "BODY")]
    [InlineData("Content-Length: 99999999999999999999", "BODY")]
    [InlineData("Content-Length: 00000000000000000000000000LEN", "BODY")]
    [InlineData("Content-Length: LEN\r\nContent-Length: LEN", "BODY")]
    [InlineData("Content-Length: LEN\r\nTransfer-Encoding: chunked", Chunks)]
    [InlineData("Transfer-Encoding: chunked\r\nContent-Length: LEN", Chunks)]
    [InlineData("Transfer-Encoding: gzip, chunked", Chunks)]
    [InlineData("Transfer-Encoding: chunked, chunked", Chunks)]
    [InlineData("Transfer-Encoding: identity", Chunks)]
    [InlineData("Transfer-Encoding : chunked", Chunks)]
    [InlineData("Transfer-Encoding: chunked", "+HEX\r\nBODY\r\n0\r\n\r\n")]
    [InlineData("Transfer-Encoding: chunked", "HEX\nBODY\n0\n\n")]
    public async Task What_can_be_read_in_two_ways_is_refused(string header, string body) => Assert.Equal(400, await Ask(header, body));

    [Theory]
    [InlineData("Content-Length: LEN", "BODY")]
    [InlineData("Content-Length:  LEN ", "BODY")]
    [InlineData("content-length: 0LEN", "BODY")]
    [InlineData("Transfer-Encoding: chunked", Chunks)]
    [InlineData("Transfer-Encoding: Chunked", Chunks)]
    public async Task What_can_be_read_in_one_way_is_read(string header, string body) => Assert.Equal(302, await Ask(header, body));

    /// <summary>Signs in, if the body is read.</summary>
    private async Task<int> Ask(string header, string body)
    {
        var form = "token=" + Uri.EscapeDataString(server.Token);
        string Filled(string text) => text.Replace("LEN", $"{form.Length}", StringComparison.Ordinal).Replace("HEX", $"{form.Length:x}", StringComparison.Ordinal)
            .Replace("BODY", form, StringComparison.Ordinal);
        using var client = new TcpClient();
        await client.ConnectAsync(server.Address.Host, server.Address.Port);
        var stream = client.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /login HTTP/1.1\r\nHost: {server.Address.Authority}\r\nOrigin: {server.Address.GetLeftPart(UriPartial.Authority)}\r\n" +
            $"Content-Type: application/x-www-form-urlencoded\r\nConnection: close\r\n{Filled(header)}\r\n\r\n{Filled(body)}"));
        using var reader = new StreamReader(stream, Encoding.ASCII);
        var line = await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30));
        Assert.StartsWith("HTTP/1.1 ", line);
        return int.Parse(line!.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture);
    }
}
