using System.Text;
using CsCheck;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Whatever is sent, the answer is one of the documented ones, and never the server's failure.</summary>
public sealed class HostileInputTests(AdminServer server)
{
    private const int Rounds = 150;

    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.String[Gen.Char, 0, 40],
        Gen.String[Gen.OneOf('\0', '\n', '"', '\\', '\ud800', '\udc00', '<', '%', '\u202e', 'a'), 0, 20],
        Gen.OneOf("", " ", "true", "NaN", "-0", "1e999", "../..", "%00", "DeviceLock", "Enrolled"));

    private static readonly Gen<string> Field = Gen.OneOf(
        Gen.OneOf("requestType", "name", "school", "maxUses", "expiresInDays", "expiresAt", "target", "command", "all", "ids", "filter",
            "push", "role", "message", "queries", "payload", "q", "status", "__proto__", "$type", ""),
        Text);

    private static readonly Gen<string> Scalar = Gen.OneOf(
        Text.Select(Quote),
        Gen.OneOf("null", "true", "false", "0", "-1", "1.5", "1e400", "99999999999999999999", "-0", "01", "NaN", "'a'", "\"\\ud800\"",
            "\"\\u0000\"", "\"2026-13-45T99:99:99Z\"", "\"9999-12-31T23:59:59.9999999+14:00\"", "\"0001-01-01T00:00:00-14:00\"", "undefined"),
        Gen.Double.Select(number => number.ToString("R", System.Globalization.CultureInfo.InvariantCulture)));

    private static readonly Gen<string> Json = Gen.Recursive<string>((depth, inner) => depth > 4
        ? Scalar
        : Gen.Frequency(
            (3, Scalar),
            (2, inner.Array[0, 4].Select(items => "[" + string.Join(',', items) + "]")),
            (5, Gen.Select(Field, inner).Array[0, 6].Select(members =>
                "{" + string.Join(',', members.Select(member => Quote(member.Item1) + ":" + member.Item2)) + "}"))));

    private static readonly Gen<byte[]> Body = Gen.Frequency(
        (6, Json.Select(Encoding.UTF8.GetBytes)),
        (2, Gen.Select(Json, Gen.Int[0, 60], Gen.Byte, Damage)),
        (1, Gen.Byte.Array[0, 200]));

    [Theory]
    [InlineData("/api/v1/invitations")]
    [InlineData("/api/v1/operations")]
    [InlineData("/api/v1/tokens")]
    [InlineData("/api/v1/devices/NOBODY/commands")]
    public async Task Any_body_is_answered_as_documented(string path) =>
        await Body.SampleAsync(async body =>
        {
            foreach (var type in new[] { "application/json", "application/xml" })
            {
                using var content = new ByteArrayContent(body);
                content.Headers.TryAddWithoutValidation("Content-Type", type);
                using var response = await server.Admin.PostAsync(path, content);
                Assert.True((int)response.StatusCode < 500, $"{(int)response.StatusCode}: {Encoding.Latin1.GetString(body)}");
                if (!response.IsSuccessStatusCode) await AdminServer.Problem(response, (int)response.StatusCode);
            }
        }, iter: Rounds);

    [Fact]
    public async Task Any_path_and_query_is_answered_as_documented() =>
        await Gen.Select(
            Gen.OneOf("devices", "devices/{0}", "devices/{0}/commands", "devices/{0}/commands/{0}", "operations/{0}", "operations/{0}/events",
                "invitations/{0}", "tokens/{0}", "{0}"),
            Text, Field, Text).SampleAsync(async (path, id, name, value) =>
        {
            var uri = "/api/v1/" + string.Format(System.Globalization.CultureInfo.InvariantCulture, path, Escape(id)) + "?" + Escape(name) + "=" + Escape(value);
            foreach (var method in new[] { HttpMethod.Get, HttpMethod.Delete, HttpMethod.Patch })
            {
                using var request = new HttpRequestMessage(method, uri);
                using var response = await server.Admin.SendAsync(request);
                Assert.True((int)response.StatusCode < 500, $"{(int)response.StatusCode}: {method} {uri}");
                // What is no path at all (a NUL in it) the web server refuses before anybody is asked, and says nothing more.
                var refusedEarly = (int)response.StatusCode == 400 && response.Content.Headers.ContentLength == 0 && uri.Split('?')[0].Contains("%00");
                if ((int)response.StatusCode >= 400 && !refusedEarly) await AdminServer.Problem(response, (int)response.StatusCode);
            }
        }, iter: Rounds);

    private static byte[] Damage(string json, int at, byte with)
    {
        var bytes = Encoding.UTF8.GetBytes(json);
        if (bytes.Length > 0) bytes[at % bytes.Length] = with;
        return bytes;
    }

    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (var c in text) quoted.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
        return quoted.Append('"').ToString();
    }

    /// <summary>Half characters too: as bytes that are not UTF-8.</summary>
    private static string Escape(string text)
    {
        var escaped = new StringBuilder();
        foreach (var b in Encoding.BigEndianUnicode.GetBytes(text)) escaped.Append(System.Globalization.CultureInfo.InvariantCulture, $"%{b:X2}");
        return text.Any(char.IsSurrogate) ? escaped.ToString() : Uri.EscapeDataString(text);
    }
}
